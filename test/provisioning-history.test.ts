// What is done through the Provisioning API is history by itself: versions of roles, permissions and
// memberships, and the same entries in Zitadel's history, in Crego's and in the native API.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import {
  type Client,
  clientOf,
  furnish,
  headSize,
  listed,
  makePlace,
  memberToken,
  native,
  PROVIDER,
  READ_ALONE,
} from './provisioning-client.ts';

interface Entry {
  id: string;
  version: number;
  position: number;
  recordedAt: string;
  occurredAt: string;
  event?: string;
  action: string;
  actor: object;
  resource: { type: string; id: string };
  continuity: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

let server: TestServer;
let client: Client;
let organization: string;
let admin: string;
let readOnly: string;
/** A member who is an administrator, and an application that is one. */
let ada: { token: string; as: Client; user: string; membership: string };
let shop: { token: string; as: Client; id: string };
const here = () => client.organizations.relationship(organization);
const roleOf = (id: string) => client.roles.relationship(id);

beforeAll(async () => {
  server = await startServer();
  ({ client, organization, admin, readOnly } = await makePlace(server.url, 'Acme'));
  const membership = await makeMember('ada@example.com');
  const token = await memberToken(server.url, membership, organization);
  const as = clientOf(server.url, token);
  ada = { token, as, membership, user: (await as.user.retrieve()).id };
  const { id, client_secret } = await client.api_credentials.create({
    name: 'Shop',
    kind: 'integration',
    organization: here(),
    role: roleOf(admin),
  });
  shop = { token: client_secret, as: clientOf(server.url, client_secret), id };
});
afterAll(() => server.stop());

async function makeMember(user_email: string, as = client): Promise<string> {
  return (await as.memberships.create({ user_email, organization: here(), role: roleOf(admin) })).id;
}

async function entriesOf(type: string, id: string): Promise<Entry[]> {
  const path = `/v1/resources/${type}/${id}/changes?order=asc&include=states`;
  const { json } = await native(server.url, 'GET', path, { organization });
  return (json as { data: Entry[] }).data;
}

async function shownOf(call: Promise<Iterable<{ event: string; changes: object; who: object }>>) {
  return Array.from(await call, ({ event, changes, who }) => [event, changes, who]);
}

describe('versions', () => {
  it('of roles are made by creating and updating them', async () => {
    const { id } = await client.roles.create({ name: 'Editors', organization: here(), reference: 'r-1' });
    await client.roles.update({ id, name: 'Writers', reference: null, metadata: { a: 1 } });
    await client.roles.update({ id, metadata: { a: 2 } });
    expect(await shownOf(client.roles.versions(id))).toEqual([
      ['create', { kind: [null, 'custom'], name: [null, 'Editors'], reference: [null, 'r-1'] }, {}],
      ['update', { name: ['Editors', 'Writers'], reference: ['r-1', null], metadata: [null, { a: 1 }] }, {}],
      ['update', { metadata: [{ a: 1 }, { a: 2 }] }, {}],
    ]);
    const included = await client.roles.retrieve(id, { include: ['versions'] });
    expect(included.versions).toHaveLength(3);
  });

  it('of memberships are made by updating and deleting them alone', async () => {
    const id = await makeMember('bob@example.com');
    expect(await client.memberships.versions(id)).toHaveLength(0);
    await client.memberships.update({ id, access_scope: 'all_access' });
    await client.memberships.resend(id);
    await client.memberships.delete(id);
    const [update, destroy, ...more] = await shownOf(client.memberships.versions(id));
    expect(more).toEqual([]);
    expect(update).toEqual(['update', { access_scope: ['live_access', 'all_access'] }, {}]);
    expect(destroy?.[0]).toBe('destroy');
    expect(destroy?.[1]).toMatchObject({
      user_email: ['bob@example.com', null],
      status: ['pending', null],
      access_scope: ['all_access', null],
    });
    for (const hidden of ['user_id', 'created_at', 'updated_at']) {
      expect(destroy?.[1]).not.toHaveProperty(hidden);
    }
  });

  it('of permissions are made by updating them alone', async () => {
    const { id: role } = await client.roles.create({ name: 'Permitted', organization: here() });
    const { id } = await client.permissions.create({ ...READ_ALONE, subject: 'roles', role: roleOf(role) });
    expect(await client.permissions.versions(id)).toHaveLength(0);
    await client.permissions.update({ id, can_update: true });
    expect(await shownOf(client.permissions.versions(id))).toEqual([
      ['update', { can_update: [false, true] }, {}],
    ]);
    await client.roles._add_missing_base_permissions(role);
    expect(await client.roles.versions(role)).toHaveLength(1);
  });

  it('of no other type are made', async () => {
    const place = await makePlace(server.url, 'Others');
    const made = await furnish(place.client, place.organization);
    await place.client.organizations.update({ id: place.organization, name: 'Another' });
    await place.client.api_credentials.update({ id: made.credential, name: 'Shops' });
    await place.client.identity_providers.update({ id: made.provider, name: 'Login' });
    await place.client.membership_profiles.update({ id: made.profile, name: 'Crew' });
    await place.client.application_memberships.delete(made.application_membership);
    const versions = await place.client.versions.list({ pageSize: 25 });
    expect(new Set(Array.from(versions, ({ resource_type }) => resource_type))).toEqual(new Set(['roles']));
    expect(await place.client.versions.count({ resource_type_not_eq: 'roles' })).toBe(0);
  });

  it('are made where only what is hidden changed, and do not show it', async () => {
    const record = (after: object) =>
      native(server.url, 'POST', '/v1/changes', {
        organization,
        body: {
          resource: { type: 'memberships', id: 'hidden' },
          action: 'update',
          actor: { type: 'user', id: 'ada' },
          after,
        },
      });
    for (const user_id of ['one', 'two']) await record({ user_email: 'hid@example.com', user_id });
    const versions = await shownOf(client.memberships.versions('hidden'));
    expect(versions.map(([, changes]) => changes)).toEqual([{ user_email: [null, 'hid@example.com'] }, {}]);
  });

  it('are not made by what changes nothing', async () => {
    const { id } = await client.roles.create({ name: 'Still', organization: here(), metadata: { a: 1 } });
    const before = await client.roles.retrieve(id);
    const size = await headSize(server.url, organization);
    expect(await client.roles.update({ id })).toEqual(before);
    expect(await client.roles.update({ id, name: 'Still', metadata: { a: 1 } })).toEqual(before);
    expect(await client.roles.update({ id, reference: null })).toEqual(before);
    await client.memberships.update({ id: ada.membership, role: roleOf(admin) });
    expect(await headSize(server.url, organization)).toBe(size);
    expect(await client.roles.versions(id)).toHaveLength(1);
  });

  it('say who it was: a user, an application, and one that has bought an access token', async () => {
    const body = { name: 'Whose', organization: here() };
    const { id } = await ada.as.roles.create(body);
    await shop.as.roles.update({ id, name: 'Theirs' });
    const response = await fetch(`${server.url}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        grant_type: 'client_credentials',
        client_id: shop.id,
        client_secret: shop.token,
      }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    await clientOf(server.url, access_token).roles.update({ id, name: 'Bought' });
    await client.roles.update({ id, name: 'Root' });
    const application = { id: shop.id, kind: 'integration', public: false };
    const who = (await shownOf(client.roles.versions(id))).map(([, , each]) => each);
    expect(who).toEqual([{ user: { id: ada.user } }, { application }, { application }, {}]);
    expect((await entriesOf('roles', id))[0]?.actor).toEqual({
      type: 'user',
      id: ada.user,
      name: 'ada@example.com',
      loginName: 'ada@example.com',
    });
  });

  it('are found by what they are about', async () => {
    const { id } = await client.roles.create({ name: 'Found', organization: here() });
    await client.roles.update({ id, name: 'Found again' });
    const filters = { resource_type_eq: 'roles', resource_id_eq: id };
    const all = await client.versions.list({ filters });
    expect(listed(all)).toEqual(listed(await client.roles.versions(id)));
    expect(await client.versions.retrieve(all[0]!.id)).toEqual(all[0]);
    const { created_at } = all[1]!;
    const since = await client.versions.list({ filters: { ...filters, created_at_gteq: created_at } });
    expect(since.recordCount).toBeGreaterThanOrEqual(1);
    const backwards = await client.roles.versions(id, { sort: ['-created_at'], pageSize: 1 });
    expect(listed(backwards)).toEqual([all[1]]);
  });

  it('of one organization are seen by none of another', async () => {
    const other = await makePlace(server.url, 'Strangers');
    const membership = await other.client.memberships.create({
      user_email: 'stranger@example.com',
      organization: other.client.organizations.relationship(other.organization),
      role: other.client.roles.relationship(other.admin),
    });
    const stranger = other.as(await memberToken(server.url, membership.id, other.organization));
    const [version] = await client.versions.list({ pageSize: 1 });
    for (const call of [
      stranger.versions.retrieve(version!.id),
      stranger.roles.versions(version!.resource_id),
    ]) {
      await expect(call).rejects.toMatchObject({ status: 404 });
    }
    expect(await stranger.versions.count({ resource_id_eq: version!.resource_id })).toBe(0);
  });
});

describe('the same entries', () => {
  it('are a chain in the native API, under the ids of the versions', async () => {
    const { id } = await ada.as.roles.create({ name: 'One', organization: here() });
    for (const name of ['Two', 'Three']) await ada.as.roles.update({ id, name });
    const entries = await entriesOf('roles', id);
    expect(entries.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(entries.map(({ event }) => event)).toEqual([
      'org.role.added',
      'org.role.changed',
      'org.role.changed',
    ]);
    expect(entries.map(({ continuity }) => continuity)).toEqual(['first', 'continuous', 'continuous']);
    expect(entries[0]?.before).toBeNull();
    for (const [index, { before }] of entries.slice(1).entries())
      expect(before).toEqual(entries[index]?.after);
    const versions = await client.roles.versions(id);
    expect(Array.from(versions, (version) => version.id)).toEqual(entries.map((entry) => entry.id));
    const { json } = await native(server.url, 'GET', `/v1/changes/${entries[1]?.id}`, { organization });
    expect(json).toMatchObject({ patch: [{ op: 'replace', path: '/name', value: 'Two' }] });
  });

  it('are read as of a moment, and at a version', async () => {
    const { id } = await client.roles.create({ name: 'Early', organization: here() });
    await client.roles.update({ id, name: 'Late' });
    const [first, second] = (await entriesOf('roles', id)) as [Entry, Entry];
    const stateAt = async (query: string): Promise<unknown> => {
      const path = `/v1/resources/roles/${id}?${query}`;
      return ((await native(server.url, 'GET', path, { organization })).json as { state: unknown }).state;
    };
    expect(await stateAt(`at=${first.occurredAt}`)).toEqual(first.after);
    expect(await stateAt(`at=${second.occurredAt}`)).toEqual(second.after);
    expect(await stateAt('version=1')).toMatchObject({ name: 'Early', kind: 'custom' });
    expect(await stateAt('')).toMatchObject({ name: 'Late' });
  });

  it('are Zitadel’s history of the organization', async () => {
    const place = await makePlace(server.url, 'Zitadel');
    const rel = place.client.organizations.relationship(place.organization);
    const boss = await place.client.memberships.create({
      user_email: 'boss@example.com',
      organization: rel,
      role: place.client.roles.relationship(place.admin),
    });
    const token = await memberToken(server.url, boss.id, place.organization);
    const as = place.as(token);
    const { id: user } = await as.user.retrieve();
    await as.organizations.update({ id: place.organization, name: 'Zitadel AG' });
    const { id } = await as.memberships.create({
      user_email: 'new@example.com',
      organization: rel,
      role: place.client.roles.relationship(place.readOnly),
    });
    await as.memberships.update({ id, access_scope: 'all_access' });
    await as.memberships.delete(id);
    await as.roles.create({ name: 'Editors', organization: rel });
    await as.identity_providers.create(PROVIDER);
    const response = await fetch(`${server.url}/management/v1/orgs/me/changes/_search`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: { limit: 100, asc: true } }),
    });
    const { result } = (await response.json()) as {
      result: { eventType: { key: string; localizedMessage: string }; editorId: string; sequence: string }[];
    };
    const seen = result.map(({ eventType }) => eventType.key.replace('EventTypes.', ''));
    const own = result.filter(({ editorId }) => editorId === user);
    expect(seen.slice(0, 3)).toEqual(['org.added', 'org.role.added', 'org.role.added']);
    expect(own.map(({ eventType }) => eventType.key.replace('EventTypes.', ''))).toEqual(
      expect.arrayContaining([
        'org.changed',
        'org.member.added',
        'org.member.changed',
        'org.member.removed',
        'org.role.added',
        'org.idp.config.added',
      ]),
    );
    const size = await headSize(server.url, place.organization);
    expect(result.map(({ sequence }) => Number(sequence))).toEqual(result.map((_, index) => index + 1));
    expect(result).toHaveLength(size);
    for (const { eventType } of result) expect(eventType.localizedMessage).toMatch(/./);
  });

  it('are Crego’s history', async () => {
    const { id } = await ada.as.roles.create({ name: 'Crego', organization: here() });
    await ada.as.roles.update({ id, name: 'Omni' });
    const response = await fetch(`${server.url}/history/?object_id=${id}`, {
      headers: { authorization: `Bearer ${ada.token}` },
    });
    const { count, results } = (await response.json()) as { count: number; results: object[] };
    expect(count).toBe(2);
    expect(results).toMatchObject([
      { user_id: ada.user, object_id: id, before_state: { name: 'Crego' }, after_state: { name: 'Omni' } },
      { user_id: ada.user, object_id: id, before_state: null, after_state: { name: 'Crego' } },
    ]);
  });

  it('never have a secret in them', async () => {
    const secret = 'an open sesame that nobody may read';
    await client.identity_providers.create({ ...PROVIDER, client_secret: secret });
    const provider = await client.identity_providers.list({ sort: ['-created_at'], pageSize: 1 });
    await client.identity_providers.update({ id: provider[0]!.id, client_secret: `${secret} again` });
    const credential = await client.api_credentials.create({
      name: 'Told once',
      kind: 'integration',
      organization: here(),
      role: roleOf(readOnly),
    });
    const secrets = [secret, ada.token, shop.token, credential.client_secret];
    const headers = { authorization: `Bearer ${ada.token}` };
    const page = '&limit=1000&order=asc&include=states';
    for (const path of [
      `/v1/changes?${page}`,
      '/v1/resources?limit=1000',
      '/v1/tokens',
      '/history/?page_size=100',
      '/api/versions?page[size]=25',
      '/api/api_credentials?page[size]=25',
      '/api/identity_providers?page[size]=25',
    ]) {
      const text = await (await fetch(server.url + path, { headers })).text();
      expect(text.length, path).toBeGreaterThan(100);
      for (const each of secrets) expect(text.includes(each), path).toBe(false);
    }
  });
});
