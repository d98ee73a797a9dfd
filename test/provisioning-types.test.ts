// Every type of the Provisioning API against what its vendor publishes of it: the members that it shows,
// what may be given and what not, what lists filter and sort by, and the operations that there are.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import {
  type Furnished,
  furnish,
  headSize,
  MEDIA_TYPE,
  makePlace,
  memberToken,
  type ResourceObject,
  send,
} from './provisioning-client.ts';
import { describedBy, TYPES } from './provisioning-published.ts';

const DELETABLE = [
  'api_credentials',
  'application_memberships',
  'identity_providers',
  'memberships',
  'membership_profiles',
];

const COMMON = ['id', 'created_at', 'updated_at', 'reference', 'reference_origin', 'metadata'];
/** What filters take beside the common attributes (commercelayer.md, A5, the flag Q). */
const FILTERABLE: Record<string, string> = {
  api_credentials: 'name kind confidential redirect_uri client_id scopes expires_in mode custom',
  application_memberships: 'filters',
  identity_providers:
    'name client_id client_secret issuer domains token_url authorize_url jwks_url organization status txt_record disabled_at',
  memberships: 'user_email status owner access_scope',
  membership_profiles: 'name access_scope',
  organizations: 'name slug domain contrast_color region',
  permissions: 'can_create can_read can_update can_destroy subject restrictions',
  roles: 'name kind',
  versions: 'resource_type resource_id',
};
const LISTED = Object.keys(FILTERABLE);

let server: TestServer;
let organization: string;
let ids: Record<string, string>;
/** A member's token, for `/api/user`. */
let token: string;

beforeAll(async () => {
  server = await startServer();
  const place = await makePlace(server.url, 'Acme');
  organization = place.organization;
  const made: Furnished = await furnish(place.client, organization);
  const member = await place.client.memberships.create({
    user_email: 'root@example.com',
    organization: place.client.organizations.relationship(organization),
    role: place.client.roles.relationship(place.admin),
  });
  token = await memberToken(server.url, member.id, organization);
  const [version] = await place.client.versions.list({ pageSize: 1 });
  ids = {
    api_credentials: made.credential,
    application_memberships: made.application_membership,
    identity_providers: made.provider,
    memberships: made.membership,
    membership_profiles: made.profile,
    organizations: organization,
    permissions: made.permission,
    roles: made.role,
    versions: version!.id,
  };
});
afterAll(() => server.stop());

function pathOf(type: string): string {
  return type === 'users' ? '/api/user' : `/api/${type}/${ids[type]}`;
}

function ask(method: string, path: string, body?: unknown) {
  return send(server.url, method, path, body, { token });
}

describe.each(TYPES)('%s', (type) => {
  it('show the attributes and relationships of the vendor’s types, and no others', async () => {
    const described = describedBy(type);
    const { status, json, headers } = await ask('GET', pathOf(type));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(MEDIA_TYPE);
    const { id, attributes, links, relationships = {}, ...rest } = json.data as ResourceObject;
    expect(rest).toEqual({ type });
    expect(Object.keys(attributes).sort()).toEqual(described.attributes.sort());
    if (type !== 'users') expect(links).toEqual({ self: `${server.url}/api/${type}/${id}` });
    expect(relationships).toEqual(
      Object.fromEntries(
        Object.keys(described.relationships).map((name) => [
          name,
          {
            links: {
              self: `${server.url}/api/${type}/${id}/relationships/${name}`,
              related: `${server.url}/api/${type}/${id}/${name}`,
            },
          },
        ]),
      ),
    );
    for (const name of ['created_at', 'updated_at']) {
      expect(attributes[name]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  });

  it('refuse what may not be given, and what there is not', async () => {
    const { attributes, relationships, creatable, updatable } = describedBy(type);
    const size = await headSize(server.url, organization);
    // Nobody else makes organizations.
    const asked: typeof ask = (method, path, body) =>
      type === 'organizations' ? send(server.url, method, path, body) : ask(method, path, body);
    for (const [method, path, given] of [
      ['POST', `/api/${type}`, creatable],
      ['PATCH', pathOf(type), updatable],
    ] as const) {
      if (given === undefined) continue;
      const id = method === 'PATCH' && type !== 'users' ? { id: ids[type] } : {};
      const names = [...attributes, 'id', 'nothing', '__proto__', 'secret_hash', 'user_id'];
      for (const name of names.filter((each) => !given.includes(each))) {
        const body = `{"data":{"type":"${type}",${id.id ? `"id":"${id.id}",` : ''}"attributes":{"${name}":null}}}`;
        const { status, json } = await asked(method, path, body);
        expect([status, json.errors?.[0]?.status], `${method} ${name}`).toEqual([400, '400']);
      }
      for (const name of [...Object.keys(relationships), 'nothing', 'constructor']) {
        if (given.includes(name)) continue;
        const body = { data: { type, ...id, attributes: {}, relationships: { [name]: { data: null } } } };
        expect((await asked(method, path, body)).status, `${method} ${name}`).toBe(400);
      }
    }
    expect(await headSize(server.url, organization)).toBe(size);
  });

  it('have the operations of the vendor’s table, and answer 405 to any other', async () => {
    const { creatable, updatable } = describedBy(type);
    const size = await headSize(server.url, organization);
    const isOne = type === 'users';
    const collection: [string, boolean][] = [
      ['POST', !isOne && creatable !== undefined],
      ['PATCH', isOne],
      ['PUT', false],
      ['DELETE', false],
    ];
    const item: [string, boolean][] = [
      ['POST', false],
      ['PATCH', updatable !== undefined],
      ['PUT', false],
      ['DELETE', DELETABLE.includes(type)],
    ];
    const requests: [string, [string, boolean][]][] = [
      [isOne ? '/api/user' : `/api/${type}`, collection],
      ...(isOne ? [] : [[pathOf(type), item] as [string, [string, boolean][]]]),
      ...Object.keys(describedBy(type).relationships).map((name): [string, [string, boolean][]] => [
        `${pathOf(type)}/${name}`,
        ['POST', 'PATCH', 'PUT', 'DELETE'].map((method) => [method, false]),
      ]),
    ];
    for (const [path, verbs] of requests) {
      for (const [method, isThere] of verbs) {
        if (isThere) continue;
        const { status, json } = await ask(method, path, { data: { type, attributes: {} } });
        expect(status, `${method} ${path}`).toBe(405);
        expect(json.errors).toMatchObject([{ code: 'METHOD_NOT_ALLOWED', status: '405' }]);
      }
    }
    expect(await headSize(server.url, organization)).toBe(size);
  });
});

describe.each(LISTED)('a list of %s', (type) => {
  it('sorts by what the vendor’s types say, and by nothing else', async () => {
    const { attributes, relationships, sortable } = describedBy(type);
    for (const name of ['id', ...attributes, ...Object.keys(relationships), 'nothing', '']) {
      for (const sort of [name, `-${name}`]) {
        const { status, json } = await ask('GET', `/api/${type}?sort=${sort}`);
        if (sort === '') continue;
        expect([sort, status]).toEqual([sort, sortable.includes(name) ? 200 : 400]);
        if (status !== 400) continue;
        expect(json.errors).toMatchObject([{ code: 'INVALID_SORT_CRITERIA', source: { parameter: 'sort' } }]);
      }
    }
  });

  it('filters by what the facts say, and by nothing else', async () => {
    const filterable = [...COMMON, ...(FILTERABLE[type] as string).split(' ')];
    // By the id of what is related, too.
    if (type === 'identity_providers') filterable.push('user_id');
    for (const name of ['id', ...describedBy(type).attributes, 'secret_hash', 'user_id', 'nothing']) {
      const parameter = `filter[q][${name}_null]`;
      const { status, json } = await ask('GET', `/api/${type}?${encodeURIComponent(parameter)}=false`);
      expect([name, status]).toEqual([name, filterable.includes(name) ? 200 : 400]);
      if (status !== 400) continue;
      expect(json.errors).toMatchObject([{ code: 'FILTER_NOT_ALLOWED', source: { parameter } }]);
    }
  });
});

describe('the description of the resources', () => {
  interface Description {
    id: string;
    type: string;
    attributes: {
      singleton: boolean;
      actions: string[];
      fields: Record<string, Record<string, unknown>>;
      relationships: Record<string, Record<string, unknown>>;
      filters: string[];
    };
  }

  it('is open to everybody, and says of each type what the types of the vendor say', async () => {
    const response = await fetch(`${server.url}/api/public/resources`, { headers: { accept: MEDIA_TYPE } });
    expect(response.status).toBe(200);
    const { data } = (await response.json()) as { data: Description[] };
    const singular = (type: string): string => type.replace(/s$/, '');
    expect(data.map(({ id }) => id)).toEqual(TYPES.map(singular));
    for (const { id, type, attributes } of data) {
      const name = TYPES.find((each) => singular(each) === id) as string;
      const described = describedBy(name);
      expect(type).toBe('resources');
      expect(attributes.actions).toBeInstanceOf(Array);
      expect(Object.keys(attributes)).toEqual(
        expect.arrayContaining(['singleton', 'deprecated', 'actions', 'fields', 'relationships', 'filters']),
      );
      expect(attributes.singleton).toBe(name === 'users');
      const triggers = (described.updatable ?? []).filter((each) => each.startsWith('_'));
      expect(Object.keys(attributes.fields).sort()).toEqual(
        ['id', ...described.attributes, ...triggers].sort(),
      );
      for (const [field, flags] of Object.entries(attributes.fields)) {
        expect(flags, `${name}.${field}`).toMatchObject({
          creatable: described.creatable?.includes(field) ?? expect.any(Boolean),
          updatable: described.updatable?.includes(field) ?? expect.any(Boolean),
          fetchable: !field.startsWith('_'),
          sortable: described.sortable.includes(field),
        });
      }
      expect(Object.keys(attributes.relationships).sort()).toEqual(
        Object.keys(described.relationships).sort(),
      );
      for (const [relationship, { type: kind }] of Object.entries(attributes.relationships)) {
        expect(kind).toBe(described.relationships[relationship] === 'many' ? 'has_many' : 'has_one');
      }
      const isListed = attributes.actions.includes('list');
      expect(isListed).toBe(name !== 'users');
      expect(attributes.actions.includes('create')).toBe(described.creatable !== undefined);
      expect(attributes.actions.includes('update')).toBe(described.updatable !== undefined);
      expect(attributes.actions.includes('delete')).toBe(DELETABLE.includes(name));
      if (!isListed) continue;
      const related = Object.keys(described.relationships).filter((each) => each !== 'versions');
      const wanted = [
        ...[...COMMON, ...(FILTERABLE[name] as string).split(' ')],
        ...['q', 'ids', 'created_at_from', 'created_at_to', 'updated_at_from', 'updated_at_to'],
        ...related.map((each) => `${each}_id`),
      ];
      expect(attributes.filters).toEqual(expect.arrayContaining(wanted));
    }
  });

  it('never names what is hidden', async () => {
    const text = await (await fetch(`${server.url}/api/public/resources`)).text();
    for (const hidden of ['secret_hash', 'has_signed_in', 'personal_access_token']) {
      expect(text).not.toContain(hidden);
    }
  });
});
