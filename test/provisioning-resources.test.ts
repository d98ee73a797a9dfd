// The vendor's client walks organizations, roles and permissions: it creates, lists, retrieves and updates
// them, and sets off what they do beside that. The other types are walked in provisioning-members.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUBJECTS } from '../src/directory/subjects.ts';
import { startServer, type TestServer } from './harness.ts';
import {
  type Client,
  clientOf,
  headSize,
  idsOf,
  listed,
  makePlace,
  memberToken,
  native,
  READ_ALONE,
  refused,
  send,
} from './provisioning-client.ts';

const DIRECTORY_ID = /^dir_[A-Za-z]{10}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What nobody can set of an organization, as the vendor has it by default (commercelayer.md, A5). */
const SETTINGS = {
  api_auth_redirect: true,
  api_rules_engine: false,
  api_rules_engine_max_conditions_size: 150,
  api_rules_engine_max_rules_size: 15,
  api_new_auth: true,
  api_purge_single_resource: false,
  api_max_regex_length: 5000,
  addresses_avs_check: true,
  addresses_phone_required: true,
  orders_sales_channel_guest_only: true,
  orders_min_rebuild_shipments_lapse: 0,
  orders_min_refresh_lapse: 0,
  orders_autorefresh_cutoff_test: 50,
  orders_autorefresh_cutoff_live: 500,
  orders_number_editable_test: false,
  orders_number_editable_live: false,
  orders_number_as_reference: true,
  orders_invalid_coupon_errors: true,
  orders_invalid_gift_card_errors: true,
  orders_validate_shipping_stock: false,
  bundles_max_items_count: 10,
  coupons_min_code_length: 8,
  coupons_max_code_length: 40,
  gift_cards_exact_code_matching: false,
  gift_cards_min_code_length: 8,
  gift_cards_max_code_length: 40,
  cleanups_max_concurrent_count: 10,
  exports_max_concurrent_count: 10,
  imports_max_concurrent_count: 10,
  imports_purge_cache: true,
  imports_skip_errors: false,
  inventory_models_max_stock_locations_cutoff: 10,
  promotions_max_concurrent_count: 10,
  promotions_max_conditions_size: 150,
  promotions_max_rules_size: 15,
  price_lists_max_conditions_size: 150,
  price_lists_max_rules_size: 15,
  imports_trigger_webhooks: false,
  discount_engines_enabled: false,
  discount_engines_errors: false,
  tags_max_name_length: 25,
  tags_max_allowed_number: 10,
  tax_calculators_errors: false,
  external_promotions_errors: false,
  external_prices_errors: true,
};

let server: TestServer;
let client: Client;
let organization: string;
let admin: string;
const here = () => client.organizations.relationship(organization);
const roleOf = (id: string) => client.roles.relationship(id);

beforeAll(async () => {
  server = await startServer();
  ({ client, organization, admin } = await makePlace(server.url, 'Acme'));
});
afterAll(() => server.stop());

async function makeMember(user_email: string, role = admin, from = client): Promise<string> {
  const made = await from.memberships.create({ user_email, organization: here(), role: roleOf(role) });
  return made.id;
}

/** A member who has signed in; answers their client, too. */
async function makeActive(email: string): Promise<{ id: string; as: Client }> {
  const id = await makeMember(email);
  const as = clientOf(server.url, await memberToken(server.url, id, organization));
  await as.user.retrieve();
  return { id, as };
}

async function isGone(call: Promise<unknown>): Promise<void> {
  const error = await refused(call);
  expect(error).toMatchObject({ status: 404, errors: [{ code: 'RECORD_NOT_FOUND', status: '404' }] });
}

describe('organizations', () => {
  it('are created with the defaults of the vendor', async () => {
    const made = await clientOf(server.url).organizations.create({
      name: 'Blue Brand',
      support_email: 'help@example.com',
      primary_color: '#C8984E',
      config: { mfe: { default: { links: {} } } },
      reference: 'crm-7',
      metadata: { tier: 'gold' },
    });
    expect(made).toEqual({
      ...SETTINGS,
      id: expect.stringMatching(UUID),
      type: 'organizations',
      name: 'Blue Brand',
      slug: 'blue-brand',
      domain: null,
      support_phone: null,
      support_email: 'help@example.com',
      logo_url: null,
      favicon_url: null,
      primary_color: '#C8984E',
      contrast_color: null,
      gtm_id: null,
      gtm_id_test: null,
      config: { mfe: { default: { links: {} } } },
      region: 'eu-west-1',
      can_switch_live: false,
      subscription_info: {},
      created_at: expect.any(String),
      updated_at: expect.any(String),
      reference: 'crm-7',
      reference_origin: null,
      metadata: { tier: 'gold' },
    });
    expect(Object.keys(made)).toHaveLength(65 + 2);
    expect(await clientOf(server.url).organizations.retrieve(made.id)).toEqual(made);
    expect(idsOf(await clientOf(server.url).organizations.list())).toContain(made.id);
  });

  it('are updated, and stay in the region that they were created in', async () => {
    const all = clientOf(server.url);
    const { id } = await all.organizations.create({ name: 'Elsewhere', region: 'us-east-1' });
    const updated = await all.organizations.update({ id, name: 'Nowhere', gtm_id: 'GTM-1', logo_url: null });
    expect(updated).toMatchObject({ id, name: 'Nowhere', gtm_id: 'GTM-1', region: 'us-east-1' });
    expect(await all.organizations.retrieve(id)).toEqual(updated);
    expect((await native(server.url, 'GET', `/v1/organizations/${id}`)).json).toMatchObject({
      name: 'Nowhere',
    });
    const body = { data: { type: 'organizations', id, attributes: { region: 'eu-west-1' } } };
    expect((await send(server.url, 'PATCH', `/api/organizations/${id}`, body)).status).toBe(400);
  });

  it('are created by nobody but the installation’s own', async () => {
    const { as } = await makeActive('founder@example.com');
    const error = await refused(as.organizations.create({ name: 'Mine' }));
    expect(error).toMatchObject({ status: 401, errors: [{ code: 'UNAUTHORIZED' }] });
    expect(idsOf(await as.organizations.list())).toEqual([organization]);
  });

  it('hand their ownership to an active member, who gets the role admin and cannot be removed', async () => {
    const place = await makePlace(server.url, 'Handed');
    const its = place.client.organizations.relationship(place.organization);
    const make = async (user_email: string): Promise<string> => {
      const role = place.client.roles.relationship(place.readOnly);
      const { id } = await place.client.memberships.create({ user_email, organization: its, role });
      return id;
    };
    const [first, second] = [await make('first@example.com'), await make('second@example.com')];
    const transfer = (new_owner_email: string): Promise<void> =>
      place.client.organizations.transfer_ownership(place.organization, {
        type: 'organizations',
        id: place.organization,
        new_owner_email,
      });
    for (const email of ['first@example.com', 'nobody@example.com']) {
      const { status, errors } = await refused(transfer(email));
      expect(status).toBe(422);
      expect(errors).toMatchObject([{ source: { pointer: '/data/attributes/new_owner_email' } }]);
    }
    for (const id of [first, second]) {
      await place.as(await memberToken(server.url, id, place.organization)).user.retrieve();
    }
    await transfer('first@example.com');
    expect(await place.client.memberships.retrieve(first, { include: ['role'] })).toMatchObject({
      owner: true,
      role: { kind: 'admin' },
    });
    expect(await refused(place.client.memberships.delete(first))).toMatchObject({
      status: 423,
      errors: [{ code: 'LOCKED', status: '423' }],
    });
    await transfer('second@example.com');
    const owners = await place.client.memberships.list({ filters: { owner_true: true } });
    expect(listed(owners)).toMatchObject([{ id: second, owner: true }]);
    await place.client.memberships.delete(first);
    await isGone(place.client.memberships.retrieve(first));
  });

  it('hand over ownership with 202 and no body', async () => {
    const { id } = await makeActive('owner@example.com');
    const path = `/api/organizations/${organization}/transfer_ownership`;
    const attributes = { new_owner_email: 'owner@example.com' };
    const body = { data: { type: 'organizations', attributes, relationships: {}, id: organization } };
    const { status, text } = await send(server.url, 'PATCH', path, body);
    expect([status, text]).toEqual([202, '']);
    expect(await client.memberships.retrieve(id)).toMatchObject({ owner: true });
  });
});

describe('roles', () => {
  it('are there from the start as admin and read_only, and are custom where they are made', async () => {
    const place = await makePlace(server.url, 'Roles');
    const roles = await place.client.roles.list();
    expect(roles.recordCount).toBe(2);
    expect(Array.from(roles, ({ kind }) => kind).sort()).toEqual(['admin', 'read_only']);
    const its = place.client.organizations.relationship(place.organization);
    const made = await place.client.roles.create({ name: 'Editors', organization: its });
    expect(made).toEqual({
      id: expect.stringMatching(DIRECTORY_ID),
      type: 'roles',
      name: 'Editors',
      kind: 'custom',
      created_at: expect.any(String),
      updated_at: made.created_at,
      reference: null,
      reference_origin: null,
      metadata: null,
    });
    expect(await place.client.roles.retrieve(made.id)).toEqual(made);
    const updated = await place.client.roles.update({ id: made.id, name: 'Writers', metadata: { a: 1 } });
    expect(updated).toMatchObject({ name: 'Writers', kind: 'custom', metadata: { a: 1 } });
    expect(updated.updated_at >= made.updated_at).toBe(true);
    expect(updated.created_at).toBe(made.created_at);
    expect(await place.client.roles.count()).toBe(3);
  });

  it('get the permissions that are missing, which allow nothing yet, and get none twice', async () => {
    const { id } = await client.roles.create({ name: 'Bare', organization: here() });
    await client.permissions.create({ ...READ_ALONE, subject: 'changes', role: roleOf(id) });
    const answer = await client.roles._add_missing_base_permissions(id);
    expect(answer).toMatchObject({ id, name: 'Bare' });
    expect(answer).not.toHaveProperty('_add_missing_base_permissions');
    const added = await client.roles.permissions(id, { pageSize: 25 });
    expect(Array.from(added, ({ subject }) => subject).sort()).toEqual([...SUBJECTS].sort());
    expect(listed(added).filter(({ can_read }) => can_read)).toMatchObject([{ subject: 'changes' }]);
    const size = await headSize(server.url, organization);
    await client.roles._add_missing_base_permissions(id);
    expect(await headSize(server.url, organization)).toBe(size);
  });

  it('that are built in have no permissions, and get none', async () => {
    const body = { ...READ_ALONE, subject: 'changes', role: roleOf(admin) };
    expect(await refused(client.permissions.create(body))).toMatchObject({
      status: 422,
      errors: [{ code: 'VALIDATION_ERROR', source: { pointer: '/data/relationships/role' } }],
    });
    await client.roles._add_missing_base_permissions(admin);
    expect((await client.roles.permissions(admin)).recordCount).toBe(0);
  });
});

describe('permissions', () => {
  it('are created, listed, retrieved and updated', async () => {
    const { id: role } = await client.roles.create({ name: 'Permitted', organization: here() });
    const made = await client.permissions.create({ ...READ_ALONE, subject: 'roles', role: roleOf(role) });
    expect(made).toEqual({
      ...READ_ALONE,
      id: expect.stringMatching(DIRECTORY_ID),
      type: 'permissions',
      subject: 'roles',
      restrictions: {},
      created_at: expect.any(String),
      updated_at: made.created_at,
      reference: null,
      reference_origin: null,
      metadata: null,
    });
    expect(await client.permissions.retrieve(made.id)).toEqual(made);
    expect(idsOf(await client.permissions.list({ filters: { role_id_eq: role } }))).toEqual([made.id]);
    const updated = await client.permissions.update({ id: made.id, can_update: true, can_read: false });
    expect(updated).toMatchObject({ can_create: false, can_read: false, can_update: true });
  });
});
