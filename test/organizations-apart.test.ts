// Two organizations that know nothing of each other: an administrator of one learns nothing of the other, by
// whatever way; and within one, nobody learns of members who may not read them.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, ROOT_TOKEN } from './harness.ts';
import { Home, type More, PROVIDER, relationshipsTo, startWorld, type World } from './world.ts';

/** Stands in every name, address and value of the other organization. */
const MARK = 'zanzibar';

let world: World;
let other: Home;
/** The administrator who asks, of another organization. */
let token: string;
let own: Home;
/** What the other has, by type. */
let theirs: Record<string, string>;
/** Ids of the same form that nobody has. */
const NOWHERE: Record<string, string> = { change: '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000' };

beforeAll(async () => {
  world = await startWorld();
  [own, other] = [await Home.of(world, 'curious'), await Home.of(world, MARK)];
  token = (await own.credential('curious', await own.builtIn('admin'))).secret;
  theirs = await furnish();
  for (const type of Object.keys(theirs)) NOWHERE[type] ??= 'dir_NobodyHere';
  NOWHERE.organizations = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001';
});
afterAll(() => world?.stop());

async function furnish(): Promise<Record<string, string>> {
  const roles = await other.role(`${MARK} role`, 'read changes');
  const { id: memberships } = await other.make(
    'memberships',
    { user_email: `ada@${MARK}.example` },
    { role: roles },
  );
  const { id: api_credentials } = await other.credential(`${MARK} application`, roles);
  const profile = { name: MARK, access_scope: 'live_access' };
  const to = { role: roles, api_credential: api_credentials, membership: memberships };
  await other.update('memberships', memberships, { access_scope: 'all_access' });
  await other.request('PUT', `/v1/resources/things/${MARK}`, { body: { name: MARK } });
  const { json } = await other.request('GET', '/v1/changes?limit=1');
  const permissions = await other.request('GET', `/api/roles/${roles}/permissions`);
  return {
    organizations: other.id,
    roles,
    permissions: (permissions.json as { data: { id: string }[] }).data[0]?.id as string,
    memberships,
    api_credentials,
    membership_profiles: (await other.make('membership_profiles', profile)).id,
    application_memberships: (await other.make('application_memberships', {}, to)).id,
    identity_providers: (await other.make('identity_providers', { ...PROVIDER, name: MARK })).id,
    change: (json as { data: { id: string }[] }).data[0]?.id as string,
  };
}

const ask = (method: string, path: string, more?: More): Promise<Answer> =>
  world.ask(token, method, path, more);

/** The answers for an id that the other has and for one that nobody has are the same, up to the id. */
async function expectSame(
  method: string,
  type: string,
  pathOf: (id: string) => string,
  moreOf: (id: string) => More = () => ({}),
): Promise<void> {
  const [there, nowhere] = await Promise.all(
    [theirs[type], NOWHERE[type]].map(async (id = '') => {
      const { status, text, headers } = await ask(method, pathOf(id), moreOf(id));
      return { status, text: text.replaceAll(id, 'ID'), authenticate: headers.get('www-authenticate') };
    }),
  );
  expect(there, pathOf('…')).toEqual(nowhere);
  expect(there?.text).not.toContain(MARK);
}

const RELATED: Record<string, string[]> = {
  organizations: ['memberships', 'roles', 'permissions', 'api_credentials'],
  roles: ['organization', 'permissions', 'memberships', 'api_credentials', 'versions'],
  permissions: ['organization', 'role', 'versions'],
  memberships: ['organization', 'role', 'application_memberships', 'membership_profile', 'versions'],
  membership_profiles: ['organization', 'application_memberships'],
  api_credentials: ['organization', 'role'],
  application_memberships: ['api_credential', 'membership', 'membership_profile', 'organization', 'role'],
  identity_providers: ['user'],
};
const DELETABLE = [
  'memberships',
  'membership_profiles',
  'api_credentials',
  'application_memberships',
  'identity_providers',
];

describe('an administrator of one organization, asking for what another has', () => {
  it('is answered as for what nobody has: by id, related, linked, with versions, read and written', async () => {
    for (const [type, related] of Object.entries(RELATED)) {
      const path = (id: string): string => `/api/${type}/${id}`;
      await expectSame('GET', type, path);
      await expectSame('PATCH', type, path, (id) => ({ body: { data: { type, id } } }));
      if (DELETABLE.includes(type)) await expectSame('DELETE', type, path);
      for (const name of related) {
        await expectSame('GET', type, (id) => `${path(id)}/${name}`);
        await expectSame('GET', type, (id) => `${path(id)}/relationships/${name}`);
      }
    }
    await expectSame('POST', 'memberships', (id) => `/api/memberships/${id}/resend`);
    await expectSame(
      'PATCH',
      'organizations',
      (id) => `/api/organizations/${id}/transfer_ownership`,
      () => ({
        body: { data: { type: 'organizations', attributes: { new_owner_email: `ada@${MARK}.example` } } },
      }),
    );
    await expectSame('GET', 'change', (id) => `/api/versions/${id}`);
    expect((await ask('GET', `/api/roles/${theirs.roles}`)).status).toBe(404);
  });

  it('names it in no relationship', async () => {
    const all = { can_create: true, can_read: true, can_update: true, can_destroy: true };
    const here = { organization: own.id };
    /** Made here, naming a thing of the other organization. */
    const naming =
      (type: string, name: string, attributes: object, to: Record<string, string> = here) =>
      (id: string): More => ({
        body: { data: { type, attributes, relationships: relationshipsTo({ ...to, [name]: id }) } },
      });
    const tries: [type: string, More: (id: string) => More][] = [
      ['organizations', naming('roles', 'organization', { name: 'x' })],
      ['roles', naming('api_credentials', 'role', { name: 'x', kind: 'x' })],
      ['roles', naming('memberships', 'role', { user_email: 'a@b.example' })],
      ['roles', naming('permissions', 'role', { subject: 'roles', ...all }, {})],
      ['api_credentials', naming('application_memberships', 'api_credential', {})],
      ['memberships', naming('application_memberships', 'membership', {})],
    ];
    for (const [type, more] of tries) {
      const { body } = more('') as { body: { data: { type: string } } };
      await expectSame('POST', type, () => `/api/${body.data.type}`, more);
    }
    await expectSame(
      'POST',
      'memberships',
      () => '/v1/tokens',
      (membership) => ({ body: { name: 'x', membership } }),
    );
  });

  it('is answered so by the native API, too, and in every other dialect', async () => {
    for (const path of ['/v1/organizations/', '/v1/changes/', '/v1/tokens/'] as const) {
      const type =
        path === '/v1/changes/' ? 'change' : path === '/v1/tokens/' ? 'api_credentials' : 'organizations';
      await expectSame(path === '/v1/tokens/' ? 'DELETE' : 'GET', type, (id) => path + id);
    }
    for (const type of ['roles', 'memberships', 'api_credentials']) {
      await expectSame('GET', type, (id) => `/v1/resources/${type}/${id}`);
      await expectSame('GET', type, (id) => `/v1/resources/${type}/${id}/changes?count=exact`);
      await expectSame('GET', type, (id) => `/v1/resources/${type}/${id}/diff?from=0&to=1`);
      await expectSame('GET', type, (id) => `/v1/changes?resource=${type}/${id}&count=exact`);
      await expectSame('GET', type, (id) => `/v1/changes?related=${type}/${id}&count=exact`);
      await expectSame('GET', type, (id) => `/history/?object_id=${id}`);
      await expectSame('GET', type, (id) => `/history/?user_id=${id}`);
    }
    theirs.things = MARK;
    NOWHERE.things = 'somewhere';
    for (const path of ['', '/_changes', '/_changesWithTotal']) {
      await expectSame('GET', 'things', (id) => `/reltio/api/curious/entities/${id}${path}`);
      await expectSame('GET', 'organizations', (id) => `/reltio/api/${id}/entities/${MARK}${path}`);
    }
    for (const [type, request] of [
      ['memberships', 'management/v1/users/ID/changes/_search'],
      ['roles', 'management/v1/projects/ID/changes/_search'],
      ['roles', 'projects/ID/apps/ID/changes/_search'],
    ] as const) {
      await expectSame(
        'POST',
        type,
        (id) => `/${request.replaceAll('ID', id)}`,
        () => ({ body: {} }),
      );
    }
    await expectSame(
      'POST',
      'organizations',
      () => '/admin/v1/events/_search',
      (resourceOwner) => ({ body: { resourceOwner } }),
    );
  });

  it('names it by no header and no tenant, by id or slug: whether it is there is not told', async () => {
    theirs.slug = MARK;
    NOWHERE.slug = 'nobody';
    for (const type of ['organizations', 'slug']) {
      for (const path of [
        '/v1/head',
        '/v1/changes',
        '/v1/resources',
        '/v1/tokens',
        '/api/roles',
        '/api/versions',
      ]) {
        const headers = (id: string): More => ({ headers: { 'annals-organization': id } });
        await expectSame('GET', type, () => path, headers);
      }
      await expectSame('GET', type, (id) => `/reltio/api/${id}/entities/x`);
    }
    // The wire of Zitadel tells an organization's id that exists from one that does not; a slug it does not.
    const zitadel = (id: string): More => ({ body: {}, headers: { 'x-zitadel-orgid': id } });
    for (const path of [
      '/management/v1/orgs/me/changes/_search',
      '/zitadel.management.v1.ManagementService/ListOrgChanges',
    ]) {
      await expectSame('POST', 'slug', () => path, zitadel);
      const { status, text } = await ask('POST', path, zitadel(other.id));
      expect([status, text]).toEqual([404, expect.stringContaining('membership not found (AUTHZ-cdgFk)')]);
    }
  });
});

describe('lists of one organization', () => {
  const LISTS = Object.keys(RELATED).map((type) => `/api/${type}`);

  it('have nothing of the other: without filters, by its ids, by what is related, with includes', async () => {
    for (const path of [...LISTS, '/api/versions']) {
      expect((await ask('GET', `${path}?page[size]=25`)).text).not.toContain(MARK);
    }
    const filters = [
      ...Object.entries(theirs)
        .filter(([type]) => type in RELATED)
        .map(([type, id]) => `/api/${type}?filter[q][id_eq]=${id}`),
      `/api/roles?filter[ids]=${theirs.roles}`,
      `/api/roles?filter[q][name_cont]=${MARK}`,
      `/api/roles?filter[q][organization_name_start]=${MARK}`,
      `/api/roles?filter[q][organization_id_eq]=${other.id}`,
      `/api/roles?filter[q][memberships_user_email_cont]=${MARK}`,
      `/api/roles?filter[q][api_credentials_name_cont]=${MARK}`,
      `/api/memberships?filter[q][role_name_cont]=${MARK}`,
      `/api/memberships?filter[q][role_id_eq]=${theirs.roles}`,
      `/api/memberships?filter[q][user_email_eq]=ada@${MARK}.example`,
      `/api/permissions?filter[q][role_name_cont]=${MARK}`,
      `/api/api_credentials?filter[q][organization_slug_eq]=${MARK}`,
      `/api/organizations?filter[q][memberships_user_email_cont]=${MARK}`,
      `/api/versions?filter[q][id_eq]=${theirs.change}`,
      `/api/versions?filter[q][resource_id_eq]=${theirs.roles}`,
      `/api/versions?filter[q][resource_type_eq]=roles&filter[q][resource_id_eq]=${theirs.roles}`,
    ];
    for (const path of filters) {
      const { status, json, text } = await ask('GET', path);
      expect(status, path + text).toBe(200);
      expect(json, path).toMatchObject({ data: [], meta: { record_count: 0, page_count: 0 } });
    }
  });

  it('include nothing of the other, however deep', async () => {
    const deep =
      'organization.memberships.role.api_credentials,organization.permissions.role.memberships.versions';
    const { status, text, json } = await ask('GET', `/api/roles?include=${deep}&page[size]=25`);
    expect(status, text).toBe(200);
    expect((json as { included: unknown[] }).included.length).toBeGreaterThan(0);
    expect(text).not.toContain(MARK);
    for (const id of Object.values(theirs)) expect(text).not.toContain(id);
  });

  it('count, page, sort and link their own alone', async () => {
    const countOf = async (path: string): Promise<unknown> => (await ask('GET', path)).json;
    const paths = [
      ...LISTS.map((path) => `${path}?sort=-created_at&page[size]=1`),
      '/v1/changes?count=exact&limit=1',
      '/v1/head',
      '/history/?page_size=1',
    ];
    const before = await Promise.all(paths.map(countOf));
    await furnishMore();
    expect(await Promise.all(paths.map(countOf))).toEqual(before);
  });

  async function furnishMore(): Promise<void> {
    for (let n = 0; n < 12; n++) await other.make('roles', { name: `${MARK} ${n}` });
    await other.credential(`${MARK} more`);
  }

  it('go on behind a cursor of the other with their own entries', async () => {
    for (const path of ['/v1/changes?limit=2', '/v1/changes?limit=2&order=asc', '/v1/resources?limit=2']) {
      const { next } = (await other.request('GET', path)).json as { next: string };
      const { status, text } = await ask('GET', `${path}&cursor=${next}`);
      expect(status).toBe(200);
      expect(text).not.toContain(MARK);
      for (const id of Object.values(theirs)) expect(text).not.toContain(id);
    }
  });
});

describe('writes of two organizations', () => {
  it('share no Idempotency-Key, not even those of the root token', async () => {
    const headers = { 'idempotency-key': 'the same' };
    const put = (home: Home, body: object): Promise<Answer> =>
      home.request('PUT', '/v1/resources/things/keyed', { body, headers });
    const [first, second] = [await put(other, { name: MARK }), await put(own, { name: 'own' })];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect((second.json as { id: string }).id).not.toBe((first.json as { id: string }).id);
    const { json } = await own.request('GET', '/v1/resources/things/keyed');
    expect(json).toMatchObject({ state: { name: 'own' } });
    const again = await own
      .by(token)
      .request('PUT', '/v1/resources/things/keyed', { body: { name: 'own' }, headers });
    expect((again.json as { id: string }).id).toBe((second.json as { id: string }).id);
    expect(await put(own, { name: 'changed' })).toMatchObject({ status: 422 });
  });

  it('share no change id', async () => {
    const id = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0009';
    const change = { id, resource: { type: 'things', id: 'x' }, action: 'create' };
    const theirsFirst = await other.request('POST', '/v1/changes', {
      body: { ...change, after: { name: MARK } },
    });
    const ownNext = await ask('POST', '/v1/changes', { body: { ...change, after: { name: 'own' } } });
    expect([theirsFirst.status, ownNext.status]).toEqual([201, 201]);
    expect((await ask('GET', `/v1/changes/${id}`)).text).not.toContain(MARK);
  });
});

describe('somebody who may not read members', () => {
  const OTHERS = [
    'organizations',
    'roles',
    'permissions',
    'api_credentials',
    'application_memberships',
    'membership_profiles',
    'identity_providers',
    'versions',
  ];
  let reader: Home;
  let role: string;

  beforeAll(async () => {
    role = await other.role(
      'reads all but members',
      ...OTHERS.map((subject) => `${subject === 'roles' ? 'create, read, update' : 'read'} ${subject}`),
    );
    reader = other.by((await other.credential('reads', role)).secret);
  });

  const get = async (path: string): Promise<number> => (await reader.request('GET', path)).status;

  it('learns of none by an include, a related or a linked resource, or a filter', async () => {
    const { roles, application_memberships: application, identity_providers: provider } = theirs;
    const refused = [
      `/api/organizations/${other.id}/memberships`,
      `/api/organizations/${other.id}/relationships/memberships`,
      `/api/roles/${roles}/memberships`,
      `/api/roles/${roles}/relationships/memberships`,
      `/api/application_memberships/${application}/membership`,
      `/api/application_memberships/${application}/relationships/membership`,
      `/api/identity_providers/${provider}/user`,
      `/api/identity_providers/${provider}/relationships/user`,
      ...[
        'roles?include=memberships',
        `roles/${roles}?include=memberships`,
        'roles?include=organization.memberships',
        'permissions?include=role.memberships',
        'application_memberships?include=api_credential.role.memberships',
        'identity_providers?include=user',
        `roles?filter[q][memberships_user_email_eq]=ada@${MARK}.example`,
        'roles?filter[q][memberships_id_not_null]=true',
        `roles?filter[q][name_or_memberships_user_email_cont]=${MARK}`,
        `organizations?filter[q][memberships_user_email_cont]=${MARK}`,
        'application_memberships?filter[q][membership_status_eq]=pending',
        `identity_providers?filter[q][user_email_cont]=${MARK}`,
      ].map((path) => `/api/${path}`),
    ];
    for (const path of refused) expect([path, await get(path)]).toEqual([path, 401]);
    const body = { data: { type: 'roles', id: roles } };
    const written = await reader.request('PATCH', `/api/roles/${roles}?include=memberships`, { body });
    expect(written.status).toBe(401);
    expect(
      await get('/api/roles?include=api_credentials,permissions&filter[q][api_credentials_name_cont]=x'),
    ).toBe(200);
  });

  it('sees no trace of them in what it may read', async () => {
    for (const path of ['roles', 'organizations', 'application_memberships', 'identity_providers']) {
      const { status, text } = await reader.request('GET', `/api/${path}?page[size]=25`);
      expect(status).toBe(200);
      expect(text).not.toContain(theirs.memberships);
      expect(text).not.toContain(`ada@${MARK}`);
    }
  });
});

describe('the root token', () => {
  it('sees all organizations where it names none, and one where it names it', async () => {
    const all = await world.ask(ROOT_TOKEN, 'GET', `/api/roles?filter[q][name_cont]=${MARK}`);
    expect((all.json as { meta: { record_count: number } }).meta.record_count).toBeGreaterThan(0);
    const named = await own.request('GET', `/api/roles?filter[q][name_cont]=${MARK}`);
    expect(named.json).toMatchObject({ data: [] });
  });
});
