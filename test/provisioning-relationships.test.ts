// Relationships of the Provisioning API as the vendor's client asks for them: what is related, what is
// included with it, what sparse fieldsets leave of it, and how it is set.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import {
  type Client,
  type Document,
  type Furnished,
  furnish,
  idsOf,
  listed,
  makePlace,
  PROVIDER,
  type ResourceObject,
  refused,
  send,
} from './provisioning-client.ts';
import { describedBy } from './provisioning-published.ts';

let server: TestServer;
let client: Client;
let organization: string;
let admin: string;
let made: Furnished;
const here = () => client.organizations.relationship(organization);

beforeAll(async () => {
  server = await startServer();
  ({ client, organization, admin } = await makePlace(server.url, 'Acme'));
  made = await furnish(client, organization);
  await client.roles.update({ id: made.role, name: 'Writers' });
});
afterAll(() => server.stop());

async function get(path: string): Promise<Document> {
  const { status, json, text } = await send(server.url, 'GET', path);
  expect(status, `${path} answered ${text}`).toBe(200);
  return json;
}

async function object(path: string): Promise<ResourceObject> {
  return (await get(path)).data as ResourceObject;
}

describe('the helpers of the client', () => {
  type Helper = (id: string) => Promise<{ id: string; type: string } | { id: string; type: string }[] | null>;

  /** What every relationship of the furnished organization leads to; null: nothing. */
  const wanted = (): Record<string, [id: string, leads: Record<string, string | string[] | null>]> => ({
    api_credentials: [made.credential, { organization, role: made.role }],
    application_memberships: [
      made.application_membership,
      {
        api_credential: made.credential,
        membership: made.membership,
        membership_profile: made.profile,
        organization,
        role: made.role,
      },
    ],
    identity_providers: [made.provider, { user: null }],
    memberships: [
      made.membership,
      {
        organization,
        role: made.role,
        application_memberships: [made.application_membership],
        membership_profile: made.profile,
        versions: [],
      },
    ],
    membership_profiles: [
      made.profile,
      { organization, application_memberships: [made.application_membership] },
    ],
    organizations: [
      organization,
      {
        memberships: [made.membership],
        roles: expect.arrayContaining([admin, made.role]) as unknown as string[],
        permissions: [made.permission],
        api_credentials: [made.credential],
      },
    ],
    permissions: [made.permission, { organization, role: made.role, versions: [] }],
    roles: [
      made.role,
      {
        organization,
        permissions: [made.permission],
        memberships: [made.membership],
        api_credentials: [made.credential],
        versions: [expect.any(String), expect.any(String)] as unknown as string[],
      },
    ],
  });
  const TYPES = [
    'api_credentials',
    'application_memberships',
    'identity_providers',
    'memberships',
    'membership_profiles',
    'organizations',
    'permissions',
    'roles',
  ] as const;

  it.each(TYPES)('lead from %s to what is related', async (type) => {
    const [id, leads] = wanted()[type] as [string, Record<string, unknown>];
    expect(Object.keys(leads).sort()).toEqual(Object.keys(describedBy(type).relationships).sort());
    for (const [name, ids] of Object.entries(leads)) {
      const helper = (client[type] as unknown as Record<string, Helper>)[name] as Helper;
      const answer = await helper.call(client[type], id);
      const got = answer === null ? null : Array.isArray(answer) ? idsOf(answer) : answer.id;
      expect(got, `${type}.${name}`).toEqual(ids);
    }
  });

  it('page, sort and filter what is related to many', async () => {
    const roles = await client.organizations.roles(organization, {
      filters: { kind_in: ['admin', 'custom'] },
      sort: ['-created_at'],
      include: ['permissions'],
      pageSize: 1,
    });
    expect([roles.recordCount, roles.pageCount]).toEqual([2, 2]);
    expect(listed(roles)).toMatchObject([{ id: made.role, permissions: [{ subject: 'changes' }] }]);
    const json = await get(`/api/organizations/${organization}/roles?page[size]=1&page[number]=2`);
    const at = (number: number): string =>
      `${server.url}/api/organizations/${organization}/roles?page[number]=${number}&page[size]=1`;
    expect(json.links).toEqual({ first: at(1), prev: at(1), next: at(3), last: at(3) });
  });

  it('are told where the resource is not there', async () => {
    for (const call of [
      client.roles.permissions('dir_abcdefghij'),
      client.memberships.role(made.role),
      client.organizations.memberships(crypto.randomUUID()),
    ]) {
      expect(await refused(call)).toMatchObject({ status: 404, errors: [{ code: 'RECORD_NOT_FOUND' }] });
    }
    expect((await send(server.url, 'GET', `/api/roles/${made.role}/nothing`)).status).toBe(404);
  });
});

describe('include', () => {
  const DEEP = 'permissions,memberships.application_memberships.api_credential,organization,versions';

  it('goes to any depth, and brings every resource once', async () => {
    const { data, included = [] } = await get(`/api/roles/${made.role}?include=${DEEP}`);
    const versions = (await client.roles.versions(made.role)).map(({ id }) => `versions/${id}`);
    const names = included.map(({ type, id }) => `${type}/${id}`);
    expect(names.sort()).toEqual(
      [
        `permissions/${made.permission}`,
        `memberships/${made.membership}`,
        `application_memberships/${made.application_membership}`,
        `api_credentials/${made.credential}`,
        `organizations/${organization}`,
        ...listed(versions),
      ].sort(),
    );
    const dataOf = (of: ResourceObject | undefined): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(of?.relationships ?? {}).flatMap(([name, { data: its, links }]) => {
          expect(Object.keys(links)).toEqual(['self', 'related']);
          return its === undefined ? [] : [[name, its]];
        }),
      );
    const found = (type: string) => included.find((each) => each.type === type);
    expect(dataOf(data as ResourceObject)).toEqual({
      permissions: [{ type: 'permissions', id: made.permission }],
      memberships: [{ type: 'memberships', id: made.membership }],
      organization: { type: 'organizations', id: organization },
      versions: expect.arrayContaining([{ type: 'versions', id: expect.any(String) }]),
    });
    expect(dataOf(found('memberships'))).toEqual({
      application_memberships: [{ type: 'application_memberships', id: made.application_membership }],
    });
    expect(dataOf(found('application_memberships'))).toEqual({
      api_credential: { type: 'api_credentials', id: made.credential },
    });
    for (const type of ['permissions', 'api_credentials', 'organizations', 'versions']) {
      expect(dataOf(found(type)), type).toEqual({});
    }
    expect(found('api_credentials')?.attributes.client_secret).toBeNull();
  });

  it('is put together by the client', async () => {
    const role = await client.roles.retrieve(made.role, { include: DEEP.split(',') });
    expect(role).toMatchObject({
      id: made.role,
      organization: { id: organization, name: 'Acme' },
      permissions: [{ subject: 'changes' }],
      memberships: [
        { user_email: 'ada@example.com', application_memberships: [{ api_credential: { name: 'Shop' } }] },
      ],
      versions: [
        { event: 'create', changes: { name: [null, 'Editors'] } },
        { event: 'update', changes: { name: ['Editors', 'Writers'] } },
      ],
    });
  });

  it('comes back to where it began', async () => {
    const include = ['role.memberships.role', 'role.permissions.role.organization'];
    const membership = await client.memberships.retrieve(made.membership, { include });
    expect(membership.role?.memberships).toMatchObject([{ id: made.membership }]);
    const { included = [] } = await get(`/api/memberships/${made.membership}?include=${include.join()}`);
    const names = included.map(({ type, id }) => `${type}/${id}`);
    expect(names).not.toContain(`memberships/${made.membership}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('says null of one that is not there, and nothing of many', async () => {
    const bare = await client.memberships.create({
      user_email: 'bare@example.com',
      organization: here(),
      role: client.roles.relationship(admin),
    });
    const path = `/api/memberships/${bare.id}`;
    const { data, included } = await get(`${path}?include=membership_profile,application_memberships`);
    const { relationships } = data as ResourceObject;
    expect(relationships?.membership_profile?.data).toBeNull();
    expect(relationships?.application_memberships?.data).toEqual([]);
    expect(included).toEqual([]);
    expect(await get(`${path}/membership_profile`)).toMatchObject({ data: null });
    expect(await client.memberships.membership_profile(bare.id)).toBeNull();
    await client.memberships.delete(bare.id);
  });

  it('goes with lists, creations and updates', async () => {
    const list = await client.roles.list({ include: ['organization'], sort: ['id'] });
    expect(list).toHaveLength(3);
    for (const role of list) expect(role.organization).toMatchObject({ id: organization });
    const role = await client.roles.create(
      { name: 'Included', organization: here() },
      { include: ['organization', 'versions'] },
    );
    expect(role).toMatchObject({ organization: { id: organization }, versions: [{ event: 'create' }] });
    const { id } = role;
    const updated = await client.roles.update({ id, name: 'Again' }, { include: ['versions'] });
    expect(updated.versions).toHaveLength(2);
  });

  it('is refused where there is no such relationship, before anything is written', async () => {
    for (const include of ['nothing', 'organization.nothing', 'name', 'versions.who', '__proto__', 'role']) {
      const { status, json } = await send(server.url, 'GET', `/api/roles?include=${include}`);
      expect([include, status]).toEqual([include, 400]);
      expect(json.errors).toMatchObject([{ code: 'INVALID_INCLUDE', source: { parameter: 'include' } }]);
    }
    const count = await client.roles.count();
    await refused(client.roles.create({ name: 'x', organization: here() }, { include: ['nothing'] }));
    expect(await client.roles.count()).toBe(count);
  });
});

describe('sparse fieldsets', () => {
  it('leave the attributes and relationships that they name', async () => {
    const names = async (query: string): Promise<unknown> => {
      const { attributes, relationships = {} } = await object(`/api/roles/${made.role}?${query}`);
      return [Object.keys(attributes).sort(), Object.keys(relationships)];
    };
    expect(await names('fields[roles]=name,kind')).toEqual([['kind', 'name'], []]);
    expect(await names('fields[roles]=name,permissions')).toEqual([['name'], ['permissions']]);
    expect(await names('fields[roles]=name&include=permissions')).toEqual([['name'], []]);
    expect(await names('fields[roles]=id')).toEqual([[], []]);
    expect(await names('fields[permissions]=subject')).not.toEqual([[], []]);
  });

  it('are those of each type, wherever it comes', async () => {
    const role = await client.roles.retrieve(made.role, {
      include: ['permissions', 'organization'],
      fields: {
        roles: ['name', 'permissions', 'organization'],
        permissions: ['subject'],
        organizations: ['slug'],
      },
    });
    expect(role).toEqual({
      id: made.role,
      type: 'roles',
      name: 'Writers',
      permissions: [{ id: made.permission, type: 'permissions', subject: 'changes' }],
      organization: { id: organization, type: 'organizations', slug: 'acme' },
    });
    const list = await client.memberships.list({ fields: ['user_email', 'status'] });
    for (const membership of list) {
      expect(Object.keys(membership).sort()).toEqual(['id', 'status', 'type', 'user_email']);
    }
  });

  it('go with creations and updates', async () => {
    const fields = { roles: ['name' as const] };
    const role = await client.roles.create({ name: 'Sparse', organization: here() }, { fields });
    expect(role).toEqual({ id: role.id, type: 'roles', name: 'Sparse' });
    const updated = await client.roles.update({ id: role.id, name: 'Sparser' }, { fields });
    expect(updated).toEqual({ id: role.id, type: 'roles', name: 'Sparser' });
    const body = { name: 'Quiet', kind: 'integration', organization: here() };
    expect(await client.api_credentials.create(body, { fields: ['name'] })).not.toHaveProperty(
      'client_secret',
    );
  });

  it('are refused where they name what there is not', async () => {
    for (const [query, code, parameter] of [
      ['fields[roles]=name,secret', 'INVALID_FIELD', 'fields[roles]'],
      ['fields[api_credentials]=secret_hash', 'INVALID_FIELD', 'fields[api_credentials]'],
      ['fields[memberships]=user_id', 'INVALID_FIELD', 'fields[memberships]'],
      ['fields[identity_providers]=_disable', 'INVALID_FIELD', 'fields[identity_providers]'],
      ['fields[personal_access_tokens]=name', 'INVALID_RESOURCE', 'fields[personal_access_tokens]'],
      ['fields[things]=name', 'INVALID_RESOURCE', 'fields[things]'],
    ]) {
      const { status, json } = await send(server.url, 'GET', `/api/roles/${made.role}?${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(json.errors).toMatchObject([{ code, source: { parameter } }]);
    }
  });
});

describe('a relationship', () => {
  it('to one is set, and set to none by relationship(null)', async () => {
    const { memberships, membership_profiles } = client;
    const membership_profile = membership_profiles.relationship(null);
    const include = ['membership_profile'];
    const without = await memberships.update({ id: made.membership, membership_profile }, { include });
    expect(without.membership_profile).toBeNull();
    const again = membership_profiles.relationship(made.profile);
    const withIt = await memberships.update({ id: made.membership, membership_profile: again }, { include });
    expect(withIt.membership_profile).toMatchObject({ id: made.profile });
    const role = client.roles.relationship(null);
    expect(await refused(memberships.update({ id: made.membership, role }))).toMatchObject({
      status: 422,
      errors: [{ source: { pointer: '/data/relationships/role' }, meta: { error: 'blank' } }],
    });
    expect(
      await client.api_credentials.update({ id: made.credential, role }, { include: ['role'] }),
    ).toMatchObject({ role: null });
    await client.api_credentials.update({
      id: made.credential,
      role: client.roles.relationship(made.role),
    });
  });

  it('to many is set to a list, on creation and later, and to none by relationshipToMany(null)', async () => {
    const { application_memberships: uses } = client;
    const make = async (): Promise<string> => {
      const { id } = await uses.create({
        api_credential: client.api_credentials.relationship(made.credential),
        organization: here(),
        role: client.roles.relationship(made.role),
      });
      return id;
    };
    const [one, two, three] = [await make(), await make(), await make()];
    const include = ['application_memberships'];
    const membership = await client.memberships.create(
      {
        user_email: 'uses@example.com',
        organization: here(),
        role: client.roles.relationship(made.role),
        application_memberships: uses.relationshipToMany(one, two),
      },
      { include },
    );
    const { id } = membership;
    expect(idsOf(membership.application_memberships ?? []).sort()).toEqual([one, two].sort());
    expect(await uses.membership(one)).toMatchObject({ id });
    const list = { application_memberships: uses.relationshipToMany(two, three) };
    const changed = await client.memberships.update({ id, ...list }, { include });
    expect(idsOf(changed.application_memberships ?? []).sort()).toEqual([two, three].sort());
    expect(await uses.membership(one)).toBeNull();
    const none = { application_memberships: uses.relationshipToMany(null as never) };
    expect(await client.memberships.update({ id, ...none }, { include })).toMatchObject({
      application_memberships: [],
    });
    expect((await client.memberships.application_memberships(id)).recordCount).toBe(0);
    const profile = await client.membership_profiles.create(
      { name: 'Listed', access_scope: 'live_access', organization: here(), ...list },
      { include },
    );
    expect(profile.application_memberships).toHaveLength(2);
    expect(await uses.membership_profile(three)).toMatchObject({ id: profile.id });
  });

  it('has a page of its own, with its linkage', async () => {
    const path = `/api/roles/${made.role}`;
    const { relationships } = await object(path);
    const { links } = relationships!.permissions!;
    const answer = await get(links.self.replace(server.url, ''));
    expect(answer).toEqual({ links, data: [{ type: 'permissions', id: made.permission }] });
  });

  it('cannot name what is in another organization', async () => {
    const other = await makePlace(server.url, 'Other');
    const theirs = await furnish(other.client, other.organization);
    for (const call of [
      client.memberships.update({ id: made.membership, role: client.roles.relationship(theirs.role) }),
      client.memberships.create({
        user_email: 'spy@example.com',
        organization: here(),
        role: client.roles.relationship(theirs.role),
      }),
    ]) {
      expect(await refused(call)).toMatchObject({
        status: 422,
        errors: [{ source: { pointer: '/data/relationships/role' }, meta: { error: 'required' } }],
      });
    }
    const narrow = await refused(
      client.roles.create({ name: 'x', organization: client.organizations.relationship(other.organization) }),
    );
    expect(narrow).toMatchObject({
      status: 422,
      errors: [{ source: { pointer: '/data/relationships/organization' } }],
    });
    expect(await refused(client.roles.retrieve(theirs.role))).toMatchObject({ status: 404 });
    expect(PROVIDER.name).toBe((await other.client.identity_providers.retrieve(theirs.provider)).name);
  });
});
