// The vendor's client walks what belongs to members and applications: memberships and their profiles, the
// user behind one, credentials, which of them a member uses, and whom an organization trusts to know users.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import {
  type Client,
  clientOf,
  headSize,
  idsOf,
  listed,
  makePlace,
  memberToken,
  PROVIDER,
  refused,
  send,
} from './provisioning-client.ts';

const DIRECTORY_ID = /^dir_[A-Za-z]{10}$/;
/** What every resource has that was made without them. */
const UNMARKED = {
  id: expect.stringMatching(DIRECTORY_ID),
  created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  updated_at: expect.any(String),
  reference: null,
  reference_origin: null,
  metadata: null,
};

let server: TestServer;
let client: Client;
let organization: string;
let admin: string;
let readOnly: string;
const here = () => client.organizations.relationship(organization);
const roleOf = (id: string) => client.roles.relationship(id);

beforeAll(async () => {
  server = await startServer();
  ({ client, organization, admin, readOnly } = await makePlace(server.url, 'Acme'));
});
afterAll(() => server.stop());

function makeMember(user_email: string, role = admin) {
  return client.memberships.create({ user_email, organization: here(), role: roleOf(role) });
}

async function signedIn(membership: string): Promise<Client> {
  const as = clientOf(server.url, await memberToken(server.url, membership, organization));
  await as.user.retrieve();
  return as;
}

function makeCredential(name: string, kind = 'integration') {
  return client.api_credentials.create({ name, kind, organization: here(), role: roleOf(readOnly) });
}

async function isGone(call: Promise<unknown>): Promise<void> {
  const error = await refused(call);
  expect(error).toMatchObject({ status: 404, errors: [{ code: 'RECORD_NOT_FOUND', status: '404' }] });
}

async function isLocked(call: Promise<unknown>): Promise<void> {
  const error = await refused(call);
  expect(error).toMatchObject({ status: 423, errors: [{ code: 'LOCKED', status: '423' }] });
}

describe('memberships', () => {
  it('are created pending, listed, retrieved, updated and deleted', async () => {
    const made = await makeMember('Ada@Example.com');
    expect(made).toEqual({
      ...UNMARKED,
      type: 'memberships',
      user_email: 'ada@example.com',
      user_first_name: null,
      user_last_name: null,
      status: 'pending',
      owner: false,
      test_enabled: false,
      access_scope: 'live_access',
    });
    expect(await client.memberships.retrieve(made.id)).toEqual(made);
    expect(idsOf(await client.memberships.list())).toContain(made.id);
    const updated = await client.memberships.update({
      id: made.id,
      access_scope: 'all_access',
      role: roleOf(readOnly),
      reference: 'hr-7',
    });
    expect(updated).toMatchObject({ access_scope: 'all_access', test_enabled: true, reference: 'hr-7' });
    expect(await client.memberships.role(made.id)).toMatchObject({ kind: 'read_only' });
    await client.memberships.delete(made.id);
    await isGone(client.memberships.retrieve(made.id));
    await isGone(client.memberships.delete(made.id));
    await isGone(client.memberships.update({ id: made.id, access_scope: 'test_access' }));
  });

  it('show test access as enabled where their scope has it', async () => {
    const { id } = await makeMember('scope@example.com');
    for (const [access_scope, test_enabled] of [
      ['test_access', true],
      ['all_access', true],
      ['live_access', false],
    ] as const) {
      expect(await client.memberships.update({ id, access_scope })).toMatchObject({ test_enabled });
    }
  });

  it('become active with the first sign-in, and are created active where the user has signed in', async () => {
    const { id } = await makeMember('bob@example.com');
    await signedIn(id);
    expect(await client.memberships.retrieve(id)).toMatchObject({ status: 'active' });
    await client.memberships.delete(id);
    expect(await makeMember('bob@example.com')).toMatchObject({ id, status: 'active' });
  });

  it('are invited again as long as they are pending', async () => {
    const { id } = await makeMember('cyd@example.com');
    const size = await headSize(server.url, organization);
    await client.memberships.resend(id);
    const { status, text } = await send(server.url, 'POST', `/api/memberships/${id}/resend`, { data: {} });
    expect([status, text]).toEqual([202, '']);
    expect(await headSize(server.url, organization)).toBe(size + 2);
    await signedIn(id);
    expect(await refused(client.memberships.resend(id))).toMatchObject({
      status: 422,
      errors: [{ code: 'VALIDATION_ERROR', source: { pointer: '/data/attributes/status' } }],
    });
    await isGone(client.memberships.resend('dir_abcdefghij'));
  });

  it('are ended by members who are no admins only where they are their own', async () => {
    const { id: role } = await client.roles.create({ name: 'Leavers', organization: here() });
    const all = { can_create: true, can_read: true, can_update: true, can_destroy: true };
    await client.permissions.create({ ...all, subject: 'memberships', role: roleOf(role) });
    const [own, other] = [
      await makeMember('eve@example.com', role),
      await makeMember('fay@example.com', role),
    ];
    const as = await signedIn(own.id);
    expect(await refused(as.memberships.delete(other.id))).toMatchObject({
      status: 401,
      errors: [{ code: 'UNAUTHORIZED' }],
    });
    await as.memberships.delete(own.id);
    await isGone(client.memberships.retrieve(own.id));
    expect(await refused(as.user.retrieve())).toMatchObject({ errors: [{ code: 'INVALID_TOKEN' }] });
    expect(await client.memberships.retrieve(other.id)).toMatchObject({ user_email: 'fay@example.com' });
  });
});

describe('the user', () => {
  it('is retrieved and updated by the member who it is', async () => {
    const { id } = await makeMember('gil@example.com');
    const as = await signedIn(id);
    const user = await as.user.retrieve();
    expect(user).toEqual({
      ...UNMARKED,
      type: 'users',
      email: 'gil@example.com',
      first_name: null,
      last_name: null,
      time_zone: null,
      otp_required_for_login: false,
    });
    const names = { first_name: 'Gil', last_name: 'Gray', time_zone: 'UTC' };
    expect(await as.user.update(names)).toMatchObject({ ...names, id: user.id, email: 'gil@example.com' });
    expect(await as.user.retrieve()).toMatchObject(names);
    expect(await client.memberships.retrieve(id)).toMatchObject({
      user_first_name: 'Gil',
      user_last_name: 'Gray',
      user_email: 'gil@example.com',
    });
  });

  it('is nobody where the token is an application’s or the root token', async () => {
    const { client_secret } = await makeCredential('Userless');
    for (const as of [client, clientOf(server.url, client_secret)]) await isGone(as.user.retrieve());
  });
});

describe('membership profiles', () => {
  it('are created, listed, retrieved, updated and deleted', async () => {
    const made = await client.membership_profiles.create({
      name: 'Staff',
      access_scope: 'test_access',
      organization: here(),
    });
    expect(made).toEqual({
      ...UNMARKED,
      type: 'membership_profiles',
      name: 'Staff',
      access_scope: 'test_access',
      test_enabled: true,
    });
    expect(await client.membership_profiles.retrieve(made.id)).toEqual(made);
    expect(idsOf(await client.membership_profiles.list())).toEqual([made.id]);
    const changed = { id: made.id, name: 'Crew', access_scope: 'live_access' as const };
    expect(await client.membership_profiles.update(changed)).toMatchObject({
      ...changed,
      test_enabled: false,
    });
    await client.membership_profiles.delete(made.id);
    await isGone(client.membership_profiles.retrieve(made.id));
  });

  it('stay as long as a membership has them', async () => {
    const profile = await client.membership_profiles.create({
      name: 'Used',
      access_scope: 'live_access',
      organization: here(),
    });
    const { id } = await makeMember('hal@example.com');
    const { relationship } = client.membership_profiles;
    const membership_profile = relationship.call(client.membership_profiles, profile.id);
    await client.memberships.update({ id, membership_profile });
    await isLocked(client.membership_profiles.delete(profile.id));
    const none = relationship.call(client.membership_profiles, null);
    await client.memberships.update({ id, membership_profile: none });
    await client.membership_profiles.delete(profile.id);
  });
});

describe('API credentials', () => {
  it('show their secret in the answer to their creation alone, and buy access tokens with it', async () => {
    const made = await makeCredential('Shop');
    expect(made).toEqual({
      ...UNMARKED,
      type: 'api_credentials',
      name: 'Shop',
      kind: 'integration',
      confidential: true,
      redirect_uri: null,
      client_id: expect.any(String),
      client_secret: expect.stringMatching(/^annals_/),
      scopes: null,
      expires_in: 7200,
      mode: null,
      custom: null,
    });
    const { client_id, client_secret } = made;
    const shown = await client.api_credentials.retrieve(made.id);
    expect(shown).toEqual({ ...made, client_secret: null });
    expect(listed(await client.api_credentials.list())).toContainEqual(shown);
    const updated = await client.api_credentials.update({ id: made.id, name: 'Shops', expires_in: 9000 });
    expect(updated).toEqual({ ...shown, name: 'Shops', expires_in: 9000, updated_at: expect.any(String) });

    const body = JSON.stringify({ grant_type: 'client_credentials', client_id, client_secret });
    const headers = { 'content-type': 'application/json' };
    const bought = await fetch(`${server.url}/oauth/token`, { method: 'POST', headers, body });
    const { access_token, expires_in } = (await bought.json()) as {
      access_token: string;
      expires_in: number;
    };
    expect(expires_in).toBe(9000);
    const as = clientOf(server.url, access_token);
    expect(await as.api_credentials.retrieve(made.id)).toEqual(updated);

    await client.api_credentials.delete(made.id);
    await isGone(client.api_credentials.retrieve(made.id));
    for (const token of [access_token, client_secret]) {
      const error = await refused(clientOf(server.url, token).roles.list());
      expect(error).toMatchObject({ status: 401, errors: [{ code: 'INVALID_TOKEN' }] });
    }
  });

  it('have the vendor’s lifetimes by default', async () => {
    const lifetimes = { sales_channel: 14_400, integration: 7_200, webapp: 7_200, orders: 7_200 };
    for (const [kind, expires_in] of Object.entries(lifetimes)) {
      expect(await makeCredential(`A ${kind}`, kind)).toMatchObject({ kind, expires_in });
    }
  });

  it('stay as long as a member uses them', async () => {
    const { id } = await makeCredential('In use');
    const used = await client.application_memberships.create({
      api_credential: client.api_credentials.relationship(id),
      organization: here(),
      role: roleOf(readOnly),
    });
    await isLocked(client.api_credentials.delete(id));
    await client.application_memberships.delete(used.id);
    await client.api_credentials.delete(id);
  });
});

describe('application memberships', () => {
  it('are created, listed, retrieved, updated and deleted', async () => {
    const credential = await makeCredential('Orders', 'orders');
    const filters = { market_id_in: [202, 203] };
    const made = await client.application_memberships.create({
      filters,
      api_credential: client.api_credentials.relationship(credential.id),
      organization: here(),
      role: roleOf(readOnly),
    });
    expect(made).toEqual({ ...UNMARKED, type: 'application_memberships', filters });
    expect(await client.application_memberships.retrieve(made.id)).toEqual(made);
    expect(idsOf(await client.application_memberships.list())).toEqual([made.id]);
    const changed = { id: made.id, filters: null, role: roleOf(admin) };
    expect(await client.application_memberships.update(changed)).toMatchObject({ filters: null });
    expect(await client.application_memberships.role(made.id)).toMatchObject({ id: admin });
    await client.application_memberships.delete(made.id);
    await isGone(client.application_memberships.retrieve(made.id));
  });
});

describe('identity providers', () => {
  it('are created, listed, retrieved, updated and deleted, and never show their secret', async () => {
    const made = await client.identity_providers.create({ ...PROVIDER, organization: 'Acme' });
    expect(made).toEqual({
      ...UNMARKED,
      ...PROVIDER,
      type: 'identity_providers',
      client_secret: null,
      organization: 'Acme',
      status: 'pending',
      txt_record: null,
      disabled_at: null,
    });
    expect(await client.identity_providers.retrieve(made.id)).toEqual(made);
    expect(listed(await client.identity_providers.list())).toEqual([made]);
    const changed = { id: made.id, name: 'Other Login', client_secret: 'another secret' };
    const updated = await client.identity_providers.update(changed);
    expect(updated).toMatchObject({ name: 'Other Login', client_secret: null });
    await client.identity_providers.delete(made.id);
    await isGone(client.identity_providers.retrieve(made.id));
  });

  it('are disabled and enabled by triggers that are kept nowhere', async () => {
    const { id } = await client.identity_providers.create(PROVIDER);
    const disabled = await client.identity_providers._disable(id);
    expect(Date.now() - Date.parse(disabled.disabled_at)).toBeLessThan(60_000);
    expect(disabled).not.toHaveProperty('_disable');
    const again = await client.identity_providers._disable(id);
    expect(again.disabled_at).toBe(disabled.disabled_at);
    expect(await client.identity_providers._enable(id)).toMatchObject({ disabled_at: null });
    const off = await client.identity_providers.create({ ...PROVIDER, _disable: true });
    expect(off.disabled_at).toEqual(expect.any(String));
    for (const each of [id, off.id]) await client.identity_providers.delete(each);
  });

  it('have the user who created them', async () => {
    const { id } = await makeMember('ian@example.com');
    const as = await signedIn(id);
    const user = await as.user.retrieve();
    const { id: theirs } = await as.identity_providers.create(PROVIDER);
    expect(await as.identity_providers.user(theirs)).toEqual(user);
    expect(await as.identity_providers.retrieve(theirs, { include: ['user'] })).toMatchObject({ user });
    const { id: nobodys } = await client.identity_providers.create(PROVIDER);
    expect(await client.identity_providers.user(nobodys)).toBeNull();
  });
});
