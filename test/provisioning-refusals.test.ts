// What the Provisioning API refuses, with which status and in which words, and that nothing of it is stored.

import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeCommercelayer } from '../src/dialects/commercelayer/routes.ts';
import { makeApp } from '../src/http/app.ts';
import { startServer, type TestServer } from './harness.ts';
import {
  type Client,
  clientOf,
  type Furnished,
  furnish,
  headSize,
  MEDIA_TYPE,
  makePlace,
  memberToken,
  PROVIDER,
  READ_ALONE,
  refused,
  type Sent,
  send,
} from './provisioning-client.ts';

let server: TestServer;
let client: Client;
let organization: string;
let admin: string;
let readOnly: string;
let made: Furnished;
let size: number;
const here = () => client.organizations.relationship(organization);
const roleOf = (id: string) => client.roles.relationship(id);

beforeAll(async () => {
  server = await startServer();
  ({ client, organization, admin, readOnly } = await makePlace(server.url, 'Acme'));
  made = await furnish(client, organization);
});
afterAll(() => server.stop());
beforeEach(async () => {
  size = await headSize(server.url, organization);
});
afterEach(async () => {
  expect(await headSize(server.url, organization)).toBe(size);
});

/** Every error has these members, and none else. */
function shape({ status, json, headers }: Sent): void {
  expect(headers.get('content-type')).toBe(MEDIA_TYPE);
  expect(Object.keys(json)).toEqual(['errors']);
  for (const error of json.errors ?? []) {
    expect(error).toMatchObject({
      title: expect.stringMatching(/./),
      detail: expect.stringMatching(/./),
      code: expect.stringMatching(/^[A-Z_]+$/),
      status: String(status),
    });
    const members = ['title', 'detail', 'code', 'status', 'source', 'meta'];
    expect(Object.keys(error).filter((member) => !members.includes(member))).toEqual([]);
  }
}

function roleBody(attributes: object, more: object = {}): object {
  const relationships = { organization: { data: { type: 'organizations', id: organization } } };
  return { data: { type: 'roles', attributes, relationships, ...more } };
}

describe('400', () => {
  const id = () => made.role;
  const bodies: [what: string, method: string, body: () => unknown, code: string, pointer?: string][] = [
    ['no JSON', 'POST', () => '{"data":', 'BAD_REQUEST'],
    ['no body', 'POST', () => undefined, 'BAD_REQUEST'],
    ['a list', 'POST', () => [], 'BAD_REQUEST'],
    ['no data', 'POST', () => ({}), 'BAD_REQUEST'],
    ['a list of data', 'POST', () => ({ data: [] }), 'BAD_REQUEST'],
    [
      'attributes that are no object',
      'POST',
      () => ({ data: { type: 'roles', attributes: 7 } }),
      'BAD_REQUEST',
    ],
    ['an unknown member of data', 'POST', () => roleBody({ name: 'x' }, { extra: 1 }), 'BAD_REQUEST'],
    [
      'an unknown attribute',
      'POST',
      () => roleBody({ name: 'x', age: 7 }),
      'PARAM_NOT_ALLOWED',
      '/data/attributes/age',
    ],
    [
      'a read-only attribute',
      'POST',
      () => roleBody({ name: 'x', kind: 'admin' }),
      'PARAM_NOT_ALLOWED',
      '/data/attributes/kind',
    ],
    [
      'an id on creation',
      'POST',
      () => roleBody({ name: 'x' }, { id: 'mine' }),
      'PARAM_NOT_ALLOWED',
      '/data/id',
    ],
    ['U+0000', 'POST', () => roleBody({ name: 'a\u0000b' }), 'BAD_REQUEST', '/data/attributes/name'],
    [
      'half a surrogate pair',
      'POST',
      () => roleBody({ name: '\ud800' }),
      'BAD_REQUEST',
      '/data/attributes/name',
    ],
    [
      'an unknown relationship',
      'POST',
      () => ({
        data: { type: 'roles', attributes: { name: 'x' }, relationships: { owner: { data: null } } },
      }),
      'PARAM_NOT_ALLOWED',
      '/data/relationships/owner',
    ],
    [
      'a relationship without data',
      'PATCH',
      () => ({ data: { type: 'roles', id: id(), attributes: {}, relationships: { organization: {} } } }),
      'BAD_REQUEST',
      '/data/relationships/organization',
    ],
    [
      'a read-only relationship',
      'PATCH',
      () => ({
        data: { type: 'roles', id: id(), attributes: {}, relationships: { permissions: { data: [] } } },
      }),
      'PARAM_NOT_ALLOWED',
      '/data/relationships/permissions',
    ],
  ];

  it.each(bodies)('answers %s', async (_what, method, body, code, pointer) => {
    const path = method === 'POST' ? '/api/roles' : `/api/roles/${id()}`;
    const sent = await send(server.url, method, path, body());
    shape(sent);
    expect([sent.status, sent.json.errors?.length]).toEqual([400, 1]);
    expect(sent.json.errors).toMatchObject([
      { code, ...(pointer === undefined ? {} : { source: { pointer } }) },
    ]);
  });

  it('answers a key that the URL does not have', async () => {
    const body = { data: { type: 'roles', id: 'another', attributes: { name: 'x' } } };
    const sent = await send(server.url, 'PATCH', `/api/roles/${made.role}`, body);
    shape(sent);
    expect(sent.status).toBe(400);
    expect(sent.json.errors).toMatchObject([
      {
        title: 'Key is not included in URL',
        detail: 'The URL does not support the key another',
        code: 'KEY_NOT_INCLUDED_IN_URL',
      },
    ]);
  });

  it.each([
    ['sort=name', 'INVALID_SORT_CRITERIA', 'sort'],
    ['include=owner', 'INVALID_INCLUDE', 'include'],
    ['fields[roles]=owner', 'INVALID_FIELD', 'fields[roles]'],
    ['fields[owners]=name', 'INVALID_RESOURCE', 'fields[owners]'],
    ['filter[q][owner_eq]=x', 'FILTER_NOT_ALLOWED', 'filter[q][owner_eq]'],
    ['filter[q][name_like]=x', 'FILTER_NOT_ALLOWED', 'filter[q][name_like]'],
    ['filter[q][versions_event_eq]=x', 'FILTER_NOT_ALLOWED', 'filter[q][versions_event_eq]'],
    [
      'filter[q][api_credentials_secret_hash_start]=x',
      'FILTER_NOT_ALLOWED',
      'filter[q][api_credentials_secret_hash_start]',
    ],
    ['page[size]=26', 'INVALID_PAGE_VALUE', 'page[size]'],
    ['page[from]=1', 'INVALID_PAGE_OBJECT', 'page[from]'],
    ['order=name', 'PARAM_NOT_ALLOWED', 'order'],
  ])('answers the query %s', async (query, code, parameter) => {
    for (const path of ['/api/roles', `/api/organizations/${organization}/roles`]) {
      const sent = await send(server.url, 'GET', `${path}?${query}`);
      shape(sent);
      expect([path, sent.status]).toEqual([path, 400]);
      expect(sent.json.errors).toMatchObject([{ code, source: { parameter } }]);
    }
  });

  it('answers a query that only a list may have, and stores nothing', async () => {
    for (const query of ['page[size]=3', 'sort=id', 'filter[q][id_eq]=x', 'include=owner']) {
      expect((await send(server.url, 'GET', `/api/roles/${made.role}?${query}`)).status, query).toBe(400);
      const posted = await send(server.url, 'POST', `/api/roles?${query}`, roleBody({ name: 'x' }));
      expect(posted.status, query).toBe(400);
    }
  });
});

describe('401', () => {
  it('answers a token that is missing or not known, whatever is asked', async () => {
    for (const [method, path] of [
      ['GET', '/api/roles'],
      ['GET', `/api/roles/${made.role}`],
      ['GET', `/api/roles/${made.role}/permissions`],
      ['GET', '/api/roles/dir_abcdefghij'],
      ['GET', '/api/user'],
      ['POST', '/api/roles'],
      ['PATCH', `/api/roles/${made.role}`],
      ['DELETE', `/api/memberships/${made.membership}`],
      ['POST', `/api/memberships/${made.membership}/resend`],
    ] as const) {
      const body = method === 'POST' || method === 'PATCH' ? roleBody({ name: 'x' }) : undefined;
      for (const token of ['nobody', `annals_${'A'.repeat(64)}`]) {
        const sent = await send(server.url, method, path, body, { token });
        shape(sent);
        expect([method, path, sent.status]).toEqual([method, path, 401]);
        expect(sent.json.errors).toMatchObject([{ code: 'INVALID_TOKEN' }]);
        expect(sent.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
  });

  it('answers what the token has no right to', async () => {
    const token = await credentialOf(readOnly);
    const as = clientOf(server.url, token);
    expect(await as.roles.count()).toBeGreaterThan(2);
    const { id } = await as.roles.retrieve(made.role);
    for (const call of [
      () => as.roles.create({ name: 'x', organization: here() }),
      () => as.roles.update({ id, name: 'x' }),
      () => as.memberships.delete(made.membership),
      () => as.memberships.resend(made.membership),
      () => as.organizations.update({ id: organization, name: 'x' }),
      () => as.organizations.create({ name: 'x' }),
      () => as.identity_providers.create(PROVIDER),
    ]) {
      const error = await refused(call());
      expect(error).toMatchObject({ status: 401, message: 'Unauthorized' });
      expect(error.errors).toEqual([
        {
          title: 'Access denied',
          detail: 'You are not authorized to perform this action on the requested resource.',
          code: 'UNAUTHORIZED',
          status: '401',
        },
      ]);
    }
  });

  it('answers who would give more than they have', async () => {
    const { id: role } = await client.roles.create({ name: 'Inviters', organization: here() });
    const all = { can_create: true, can_read: true, can_update: true, can_destroy: false };
    const other = await client.roles.create({ name: 'Others', organization: here() });
    for (const subject of ['memberships', 'roles', 'permissions', 'api_credentials']) {
      await client.permissions.create({ ...all, subject, role: roleOf(role) });
    }
    const as = clientOf(server.url, await credentialOf(role));
    const rel = { organization: here(), role: roleOf(admin) };
    const own = await as.memberships.create({
      user_email: 'invited@example.com',
      organization: here(),
      role: roleOf(role),
    });
    size = await headSize(server.url, organization);
    for (const call of [
      () => as.memberships.create({ user_email: 'boss@example.com', ...rel }),
      () => as.memberships.update({ id: own.id, role: roleOf(admin) }),
      () => as.api_credentials.create({ name: 'x', kind: 'integration', ...rel }),
      () => as.permissions.create({ ...READ_ALONE, subject: 'changes', role: roleOf(other.id) }),
      () => as.permissions.create({ ...all, can_destroy: true, subject: 'roles', role: roleOf(other.id) }),
    ]) {
      expect(await refused(call())).toMatchObject({ status: 401, errors: [{ code: 'UNAUTHORIZED' }] });
    }
  });

  async function credentialOf(role: string): Promise<string> {
    const { client_secret } = await client.api_credentials.create({
      name: 'limited',
      kind: 'integration',
      organization: here(),
      role: roleOf(role),
    });
    size = await headSize(server.url, organization);
    return client_secret;
  }
});

describe('404 and 405', () => {
  it('answer what is not there in the vendor’s words', async () => {
    for (const [method, path] of [
      ['GET', '/api/roles/XAyRWNUzyN'],
      ['GET', '/api/organizations/XAyRWNUzyN'],
      ['PATCH', '/api/roles/XAyRWNUzyN'],
      ['DELETE', '/api/memberships/XAyRWNUzyN'],
      ['GET', '/api/memberships/XAyRWNUzyN/role'],
      ['GET', '/api/users'],
      ['GET', '/api/personal_access_tokens'],
      ['GET', '/api/things'],
    ] as const) {
      const body = { data: { type: 'roles', id: 'XAyRWNUzyN', attributes: { name: 'x' } } };
      const sent = await send(server.url, method, path, method === 'PATCH' ? body : undefined);
      shape(sent);
      expect([path, sent.status]).toEqual([path, 404]);
      expect(sent.json.errors).toEqual([
        {
          title: 'Record not found',
          detail: 'The requested resource was not found. Please double-check the resource id.',
          code: 'RECORD_NOT_FOUND',
          status: '404',
        },
      ]);
    }
  });

  it('answer operations that there are not', async () => {
    for (const [method, path] of [
      ['DELETE', `/api/roles/${made.role}`],
      ['DELETE', `/api/permissions/${made.permission}`],
      ['DELETE', `/api/organizations/${organization}`],
      ['PUT', `/api/roles/${made.role}`],
      ['GET', `/api/memberships/${made.membership}/resend`],
      ['POST', `/api/organizations/${organization}/transfer_ownership`],
    ] as const) {
      const sent = await send(server.url, method, path);
      shape(sent);
      expect([path, sent.status]).toEqual([path, 405]);
      expect(sent.json.errors).toMatchObject([{ code: 'METHOD_NOT_ALLOWED' }]);
      expect(sent.headers.get('allow')).not.toBeNull();
    }
  });
});

describe('406 and 415', () => {
  it('answer media types that are not spoken', async () => {
    for (const accept of ['text/html', 'application/json', `${MEDIA_TYPE}; ext=bulk`]) {
      const sent = await send(server.url, 'POST', '/api/roles', roleBody({ name: 'x' }), {
        headers: { accept },
      });
      shape(sent);
      expect(sent.status).toBe(406);
      expect(sent.json.errors).toMatchObject([{ code: 'NOT_ACCEPTABLE' }]);
    }
    for (const type of ['application/json', 'text/plain', `${MEDIA_TYPE}; ext=bulk`]) {
      for (const [method, path] of [
        ['POST', '/api/roles'],
        ['PATCH', `/api/roles/${made.role}`],
      ] as const) {
        const headers = { 'content-type': type };
        const sent = await send(server.url, method, path, roleBody({ name: 'x' }), { headers });
        shape(sent);
        expect([type, sent.status]).toEqual([type, 415]);
        expect(sent.json.errors).toMatchObject([{ code: 'UNSUPPORTED_MEDIA_TYPE' }]);
      }
    }
  });
});

describe('409', () => {
  it('answers what is there already', async () => {
    for (const call of [
      client.memberships.create({
        user_email: 'ADA@example.com ',
        organization: here(),
        role: roleOf(admin),
      }),
      client.permissions.create({ ...READ_ALONE, subject: 'changes', role: roleOf(made.role) }),
    ]) {
      const error = await refused(call);
      expect(error).toMatchObject({ status: 409, message: 'Conflict' });
      expect(error.errors).toMatchObject([{ code: 'RECORD_NOT_UNIQUE', status: '409' }]);
    }
  });

  it('answers a type that is not the endpoint’s, or not the relationship’s', async () => {
    const data = { type: 'organizations', id: organization };
    for (const body of [
      { data: { type: 'memberships', attributes: { name: 'x' } } },
      { data: { attributes: { name: 'x' } } },
      roleBody({ name: 'x' }, { relationships: { organization: { data: { ...data, type: 'roles' } } } }),
    ]) {
      const sent = await send(server.url, 'POST', '/api/roles', body);
      shape(sent);
      expect(sent.status).toBe(409);
    }
  });
});

describe('422', () => {
  const validation = (name: string, error: string, message: string, more: object = {}) => ({
    title: message,
    detail: `${name} - ${message}`,
    code: 'VALIDATION_ERROR',
    status: '422',
    source: {
      pointer: `/data/${['organization', 'role'].includes(name) ? 'relationships' : 'attributes'}/${name}`,
    },
    meta: { error, ...more },
  });

  it('answers all that is blank, each with a pointer', async () => {
    const error = await refused(client.roles.create({} as never));
    expect(error).toMatchObject({ status: 422, message: 'Unprocessable Entity' });
    expect(error.errors).toEqual([
      validation('name', 'blank', "can't be blank"),
      validation('organization', 'blank', "can't be blank"),
    ]);
    const flags = ['can_create', 'can_read', 'can_update', 'can_destroy', 'subject', 'role'];
    const permission = await refused(client.permissions.create({} as never));
    expect(permission.errors).toEqual(flags.map((name) => validation(name, 'blank', "can't be blank")));
    for (const name of ['', ' ', null]) {
      const { errors } = await refused(client.roles.update({ id: made.role, name }));
      expect(errors).toEqual([validation('name', 'blank', "can't be blank")]);
    }
  });

  it('answers bounds and lists that were left', async () => {
    const credential = { name: 'x', kind: 'integration', organization: here() };
    const least = await refused(client.api_credentials.create({ ...credential, expires_in: 100 }));
    expect(least.errors).toEqual([
      validation('expires_in', 'greater_than_or_equal_to', 'must be greater than or equal to 7200', {
        value: 100,
        count: 7200,
      }),
    ]);
    const most = { id: made.credential, expires_in: 31_536_001 };
    expect((await refused(client.api_credentials.update(most))).errors).toEqual([
      validation('expires_in', 'less_than_or_equal_to', 'must be less than or equal to 31536000', {
        value: 31_536_001,
        count: 31_536_000,
      }),
    ]);
    const scope = { id: made.membership, access_scope: 'full_access' as never };
    const { errors } = await refused(client.memberships.update(scope));
    expect(errors).toMatchObject([
      {
        source: { pointer: '/data/attributes/access_scope' },
        meta: { error: 'inclusion', value: 'full_access' },
      },
    ]);
    const orders = { ...READ_ALONE, subject: 'orders', role: roleOf(made.role) };
    expect((await refused(client.permissions.create(orders))).errors).toMatchObject([
      { source: { pointer: '/data/attributes/subject' }, meta: { error: 'inclusion', value: 'orders' } },
    ]);
    const long = await refused(client.roles.update({ id: made.role, name: 'x'.repeat(1001) }));
    expect(long.errors).toMatchObject([
      { source: { pointer: '/data/attributes/name' }, meta: { error: 'too_long', count: 1000 } },
    ]);
  });

  it('answers values of another kind', async () => {
    for (const [type, id, attributes] of [
      ['roles', made.role, { name: 7 }],
      ['roles', made.role, { metadata: [] }],
      ['permissions', made.permission, { can_read: 'yes' }],
      ['api_credentials', made.credential, { expires_in: 7200.5 }],
      ['identity_providers', made.provider, { issuer: 'http://login.example.com' }],
      ['identity_providers', made.provider, { domains: 'not a domain' }],
      ['organizations', organization, { config: 'x' }],
    ] as const) {
      const body = { data: { type, id, attributes } };
      const sent = await send(server.url, 'PATCH', `/api/${type}/${id}`, body);
      shape(sent);
      const pointer = `/data/attributes/${Object.keys(attributes)[0]}`;
      expect([sent.status, sent.json.errors?.[0]?.source?.pointer], sent.text).toEqual([422, pointer]);
    }
    const bad = client.memberships.create({ user_email: 'ada', organization: here(), role: roleOf(admin) });
    expect(await refused(bad)).toMatchObject({
      status: 422,
      errors: [{ source: { pointer: '/data/attributes/user_email' }, meta: { error: 'invalid' } }],
    });
  });

  it('answers related resources that are not there', async () => {
    const role = roleOf('dir_abcdefghij');
    const call = client.memberships.create({ user_email: 'x@example.com', organization: here(), role });
    expect((await refused(call)).errors).toEqual([validation('role', 'required', 'must exist')]);
    const nowhere = client.organizations.relationship(crypto.randomUUID());
    const { errors } = await refused(client.roles.create({ name: 'x', organization: nowhere }));
    expect(errors).toEqual([validation('organization', 'required', 'must exist')]);
  });
});

describe('423', () => {
  it('answers what something else needs', async () => {
    for (const call of [
      client.membership_profiles.delete(made.profile),
      client.api_credentials.delete(made.credential),
    ]) {
      const error = await refused(call);
      expect(error).toMatchObject({ status: 423, message: 'Locked' });
      expect(error.errors).toMatchObject([{ code: 'LOCKED', title: 'Locked', status: '423' }]);
    }
    await clientOf(server.url, await memberToken(server.url, made.membership, organization)).user.retrieve();
    await client.organizations.transfer_ownership(organization, {
      type: 'organizations',
      id: organization,
      new_owner_email: 'ada@example.com',
    });
    size = await headSize(server.url, organization);
    const owner = await refused(client.memberships.delete(made.membership));
    expect(owner).toMatchObject({ status: 423, errors: [{ code: 'LOCKED' }] });
  });
});

describe('429', () => {
  it('answers an address that asks too often, by reads and by writes', async () => {
    const app = makeApp(pino({ level: 'silent' }));
    const few = (requests: number) => ({ requests, seconds: 60 });
    const limits = {
      reads: { average: few(3), burst: few(100) },
      writes: { average: few(100), burst: few(2) },
    };
    await app.register(async (scope) => makeCommercelayer(limits)(scope, server.annals));
    const headers = { authorization: `Bearer ${server.token}`, 'content-type': MEDIA_TYPE };
    const ask = (method: 'GET' | 'POST', url: string) => app.inject({ method, url, headers });
    const reads = ['/api/roles', '/api/memberships', `/api/roles/${made.role}/permissions`, '/api/versions'];
    const statuses = [];
    for (const url of reads) statuses.push((await ask('GET', url)).statusCode);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const writes = [await ask('POST', '/api/roles'), await ask('POST', '/api/roles')];
    expect(writes.map(({ statusCode }) => statusCode)).toEqual([400, 400]);
    const refusal = await ask('POST', '/api/roles');
    expect(refusal.statusCode).toBe(429);
    expect(refusal.json()).toMatchObject({ errors: [{ code: 'TOO_MANY_REQUESTS', status: '429' }] });
    expect(refusal.headers).toMatchObject({ 'x-ratelimit-limit': '2', 'x-ratelimit-remaining': '0' });
    expect((await ask('POST', '/api/memberships')).statusCode).toBe(400);
    await app.close();
  });
});
