// Reltio Entity History through a started server: the examples of the documentation, who may read, what
// an entity is, and bad input.

import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, startServer, type TestServer } from './harness.ts';
import { type Mutated, mutate, sendAll } from './mutations.ts';
import { makeRandom } from './random.ts';
import { bearing, makeOrganization, makeToken } from './tokens.ts';

interface Fixture {
  source: string;
  changes: object[];
  requests: { request: string; answer: unknown }[];
}

const FIXTURES = new URL('../src/dialects/reltio/fixtures/', import.meta.url);
const fixtures = readdirSync(FIXTURES).map((file): [string, Fixture] => [
  file,
  JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as Fixture,
]);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

async function record(changes: object[], organization = 'default'): Promise<void> {
  const answer = await server.request('POST', '/v1/changes', changes, {
    'annals-organization': organization,
  });
  expect(answer.status, answer.text).toBe(201);
}

/** @param path behind the tenant URL */
function get(path: string, { tenant = 'default', headers = {} } = {}): Promise<Answer> {
  return server.request('GET', `/reltio/api/${tenant}${path}`, undefined, headers);
}

function change(id: string, action: string, given: object = {}): object {
  const after = action === 'create' || action === 'update' ? { after: { Name: crypto.randomUUID() } } : {};
  return { resource: { type: 'HCP', id }, action, actor: { type: 'user', id: 'ada' }, ...after, ...given };
}

function objectNotFound(id: string): object {
  return {
    severity: 'Error',
    errorMessage: `Object with id=entities/${id} not found`,
    errorCode: 101,
    errorDetailMessage: 'No object with specified id found',
    innerErrorData: { exception: 'OBJECT_NOT_FOUND' },
  };
}

describe('the examples of the documentation', () => {
  it.each(fixtures)('are answered as %s says', async (file, { changes, requests }) => {
    const tenant = file.replace('.json', '');
    await makeOrganization(server, tenant);
    await record(changes, tenant);
    for (const { request, answer } of requests) {
      const got = await get(encodeURI(request), { tenant });
      expect(got.status, request).toBe(200);
      expect(got.headers.get('content-type')).toMatch('application/json');
      expect(got.json, request).toEqual(answer);
    }
  });
});

describe('who may read', () => {
  const path = '/entities/token-test/_changes';
  beforeAll(() => record([change('token-test', 'create')]));

  it('is a token of the tenant that may read, by the id or the slug of the tenant', async () => {
    const id = ((await server.request('GET', '/v1/organizations/default')).json as { id: string }).id;
    const headers = bearing(await makeToken(server, ['read']));
    for (const tenant of ['default', id]) expect((await get(path, { tenant, headers })).status).toBe(200);
  });

  it('is nobody without a token, or with one that is not known', async () => {
    for (const [authorization, shown] of [
      ['', ''],
      ['Basic YTpi', ''],
      ['Bearer wrong', 'wrong'],
    ] as const) {
      const { status, json, headers } = await get(path, { headers: { authorization } });
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(json).toEqual({ error: 'invalid_token', error_description: `Token is invalid: ${shown}` });
    }
  });

  it('is no token that may only write', async () => {
    const headers = bearing(await makeToken(server, ['write']));
    for (const read of [path, '/entities/token-test', '/entities/token-test/_changesWithTotal']) {
      const { status, json } = await get(read, { headers });
      expect(status).toBe(403);
      expect(json).toMatchObject({
        errorCode: 804,
        errorMessage: 'Security error. This endpoint is forbidden for current user.',
      });
    }
  });

  it('is no token of another organization, nor does it learn which there are', async () => {
    await makeOrganization(server, 'neighbour');
    const headers = bearing(await makeToken(server, ['read', 'write'], 'neighbour'));
    for (const tenant of ['default', 'no-such-tenant']) {
      expect((await get(path, { tenant, headers })).status).toBe(403);
    }
    expect((await get(path, { tenant: 'neighbour', headers })).json).toEqual(objectNotFound('token-test'));
    expect((await get(path, { tenant: 'no-such-tenant' })).status).toBe(404);
  });
});

describe('an entity', () => {
  it('is the resource with its id, whatever its type and its spelling', async () => {
    for (const id of ['north/7', 'Zürich 狐', "o'hara", '%41']) {
      await record([change(id, 'create', { resource: { type: 'regions', id } })]);
      const { json } = await get(`/entities/${encodeURIComponent(id)}`);
      expect(json).toMatchObject({ uri: `entities/${id}`, type: 'configuration/entityTypes/regions' });
    }
  });

  it('is none of the directory, and none that was only accessed', async () => {
    const types = ['organizations', 'users', 'memberships', 'roles', 'permissions', 'api_credentials'];
    const more = ['application_memberships', 'identity_providers', 'membership_profiles'];
    await record(
      [...types, ...more].map((type) =>
        change(`d-${type}`, 'create', { resource: { type, id: `d-${type}` } }),
      ),
    );
    await record([change('accessed', 'access')]);
    for (const id of [...[...types, ...more].map((type) => `d-${type}`), 'accessed', 'unheard-of', '\0']) {
      for (const read of ['', '/_changes', '/_changesWithTotal']) {
        const { status, json } = await get(`/entities/${encodeURIComponent(id)}${read}`);
        expect(status, id + read).toBe(404);
        expect(json).toEqual(objectNotFound(id));
      }
    }
  });

  it('is, of several types with its id, the one whose history began first', async () => {
    const of = (type: string): object => ({ resource: { type, id: 'shared' } });
    const accesses = Array.from({ length: 250 }, () => change('shared', 'access', of('people')));
    await record([
      change('shared', 'create', of('users')),
      ...accesses,
      change('shared', 'create', of('shops')),
    ]);
    await record([change('shared', 'create', of('orders')), change('shared', 'update', of('shops'))]);
    expect((await get('/entities/shared')).json).toMatchObject({ type: 'configuration/entityTypes/shops' });
    expect((await get('/entities/shared/_changesWithTotal')).json).toMatchObject({ total: 2 });
  });

  it('has no history of accesses, and is gone once it is removed', async () => {
    const at = (second: number): object => ({ occurredAt: new Date(second * 1000).toISOString() });
    await record([
      change('removed', 'create', at(10)),
      change('removed', 'access', at(20)),
      change('removed', 'delete', at(30)),
    ]);
    const { json } = await get('/entities/removed/_changes?showAll=true');
    expect(json).toEqual([
      { timestamp: 30_000, user: 'ada', type: 'ENTITY_REMOVED' },
      { timestamp: 10_000, user: 'ada', type: 'ENTITY_CREATED' },
    ]);
    expect((await get('/entities/removed')).json).toEqual(objectNotFound('removed'));
    expect((await get('/entities/removed?time=30000')).status).toBe(404);
    expect((await get('/entities/removed?time=29999')).json).toMatchObject({ updatedTime: 10_000 });
    expect((await get('/entities/removed?time=9999')).status).toBe(404);
  });

  it('is read as it was at the time of any event that its history shows', async () => {
    const updates = [1, 2, 3].map((number) =>
      change('timed', 'update', { occurredAt: `2020-01-01T00:00:0${number}.000999Z`, after: { number } }),
    );
    await record(updates);
    for (const { timestamp } of (await get('/entities/timed/_changes')).json as { timestamp: number }[]) {
      const number = (timestamp / 1000) % 10;
      const { json } = await get(`/entities/timed?time=${timestamp}`);
      expect(json).toMatchObject({ attributes: { number }, updatedTime: timestamp });
    }
  });

  it('was created when its creation says, though that was recorded after its changes', async () => {
    const by = (id: string, second: number): object => ({
      actor: { type: 'user', id },
      occurredAt: new Date(second * 1000).toISOString(),
    });
    await record([change('imported', 'update', by('bob', 20)), change('imported', 'create', by('eve', 10))]);
    expect((await get('/entities/imported?time=20000')).json).toMatchObject({
      createdBy: 'eve',
      createdTime: 10_000,
      updatedBy: 'bob',
      updatedTime: 20_000,
    });
    await record([change('adopted', 'access'), change('adopted', 'update', by('bob', 20))]);
    expect((await get('/entities/adopted')).json).toMatchObject({ createdBy: 'bob', createdTime: 20_000 });
  });
});

describe('bad input', () => {
  const path = '/entities/bad-input/_changes';
  beforeAll(() => record([change('bad-input', 'create')]));

  it.each([
    ['max=ten', 'max: wanted a whole number, at least 1, got "ten"'],
    ['offset=-1', 'offset: wanted a whole number, at least 0, got "-1"'],
    ['order=up', 'order: wanted asc or desc, got "up"'],
    ['showAll=perhaps', 'showAll: wanted true or false, got "perhaps"'],
    ["filter=equals(type, 'x'", 'filter: wanted ")" at position 16, got the end'],
    ['filter=equals(label,x)', 'filter: wanted user, type or timestamp at position 7, got "label"'],
  ])('%s is refused with what was wanted, and where', async (query, errorDetailMessage) => {
    for (const read of [path, `${path}WithTotal`]) {
      const { status, json } = await get(`${read}?${encodeURI(query)}`);
      expect(status).toBe(400);
      expect(json).toMatchObject({ severity: 'Error', errorCode: 150, errorDetailMessage });
    }
  });

  it('is a time that is no number', async () => {
    const { status, json } = await get('/entities/bad-input?time=now');
    expect([status, json]).toMatchObject([400, { errorCode: 150 }]);
  });

  it('is ignored where the parameter, or the option, is not known', async () => {
    expect((await get(`${path}?sort=x&options=other&historicURIs=entities/1&_=1`)).status).toBe(200);
  });

  it('is any other method, with any body', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      for (const body of [undefined, '{', '{}']) {
        const answer = await server.request(method, `/reltio/api/default${path}`, body);
        expect(answer.status).toBe(405);
        expect(answer.headers.get('allow')).toBe('GET, HEAD');
        expect(answer.json).toMatchObject({ severity: 'Error', errorCode: 150 });
      }
    }
  });

  it.each([
    '/reltio',
    '/reltio/',
    '/reltio/api',
    '/reltio/api/default/entities',
    '/reltio/%zz',
    '/reltio/%ff',
  ])('is the path %s', async (unknown) => {
    const { status, json } = await server.request('GET', unknown);
    expect([status, json]).toMatchObject([404, { severity: 'Error', errorCode: 101 }]);
  });

  it('is answered with documented statuses alone, in 5,000 mutated requests', async () => {
    const random = makeRandom();
    const good = [
      '/default/entities/bad-input',
      '/default/entities/bad-input?time=1428309071535',
      '/default/entities/bad-input/_changes',
      '/default/entities/bad-input/_changesWithTotal?max=2&offset=1&order=asc&showAll=false',
      "/default/entities/bad-input/_changes?filter=(equals(type,'ENTITY_CREATED')%20and%20not(lt(timestamp,5)))",
      '/default/entities/bad-input/_changes?filter=changes(configuration/entityTypes/HCP/attributes/Name)',
      '/default/entities/bad-input/_changes?showMajorEventsOnly=true&options=skipReferenceAttributesProcessing',
    ];
    const tokens = [server.token, undefined, 'wrong', await makeToken(server, ['write'])];
    const requests = Array.from({ length: 5000 }, () => mutate(random, '/reltio/api', good, tokens));
    const answers = await sendAll(server.url, requests);
    answers.forEach(({ status, text }, index) => {
      const { method } = requests[index] as Mutated;
      const message = `seed ${random.seed}: ${JSON.stringify(requests[index])}: ${text.slice(0, 200)}`;
      expect([200, 400, 401, 403, 404, 405], message).toContain(status);
      if (method === 'HEAD') return;
      const body = JSON.parse(text) as object;
      if (status === 401) expect(body, message).toMatchObject({ error: 'invalid_token' });
      else if (status !== 200)
        expect(body, message).toMatchObject({ severity: 'Error', errorCode: expect.any(Number) });
    });
    expect(new Set(answers.map(({ status }) => status)), `seed ${random.seed}`).toEqual(
      new Set([200, 400, 401, 403, 404, 405]),
    );
  });
});
