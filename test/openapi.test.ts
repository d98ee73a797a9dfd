// The OpenAPI document against the server that it describes: every route, parameter, header and media type.

import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, startServer, type TestServer } from './harness.ts';

interface Parameter {
  in: 'query' | 'path' | 'header';
  name: string;
  schema: { type?: string };
}
type Content = Record<string, { schema: object }>;
interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { headers?: object; content?: Content }>;
}

let server: TestServer;
let paths: Record<string, Record<string, Operation>>;
let id: string;
let change: string;
let token: string;

beforeAll(async () => {
  server = await startServer();
  const { json } = await server.request('GET', '/openapi.json');
  ({ paths } = json as { paths: typeof paths });
});
afterAll(() => server.stop());

/** Routes that need no token. */
const OPEN = ['GET /healthz', 'GET /readyz', 'GET /metrics'];
/** A request of each other route, which the server grants once things are prepared. */
const REQUESTS: Record<string, () => { path: string; body?: unknown }> = {
  'POST /v1/changes': () => ({ path: '/v1/changes', body: aChange() }),
  'GET /v1/changes': () => ({ path: '/v1/changes' }),
  'GET /v1/changes/{id}': () => ({ path: `/v1/changes/${change}` }),
  'GET /v1/resources': () => ({ path: '/v1/resources' }),
  'GET /v1/resources/{type}/{id}': () => ({ path: `/v1/resources/notes/${id}` }),
  'PUT /v1/resources/{type}/{id}': () => ({ path: `/v1/resources/notes/${id}`, body: aState() }),
  'PATCH /v1/resources/{type}/{id}': () => ({ path: `/v1/resources/notes/${id}`, body: aState() }),
  'DELETE /v1/resources/{type}/{id}': () => ({ path: `/v1/resources/notes/${id}` }),
  'GET /v1/resources/{type}/{id}/changes': () => ({ path: `/v1/resources/notes/${id}/changes` }),
  'GET /v1/resources/{type}/{id}/diff': () => ({ path: `/v1/resources/notes/${id}/diff?from=0&to=1` }),
  'GET /v1/head': () => ({ path: '/v1/head' }),
  'GET /v1/organizations': () => ({ path: '/v1/organizations' }),
  'POST /v1/organizations': () => ({
    path: '/v1/organizations',
    body: { slug: `o-${crypto.randomUUID()}` },
  }),
  'GET /v1/organizations/{id}': () => ({ path: '/v1/organizations/default' }),
  'GET /v1/tokens': () => ({ path: '/v1/tokens' }),
  'POST /v1/tokens': () => ({ path: '/v1/tokens', body: { name: 'a token', scopes: ['read'] } }),
  'DELETE /v1/tokens/{id}': () => ({ path: `/v1/tokens/${token}` }),
};
const ROUTES = Object.keys(REQUESTS);
const GETS = ROUTES.filter((route) => route.startsWith('GET '));
const WRITES = ROUTES.filter((route) => !GETS.includes(route));
const LISTS = ['GET /v1/changes', 'GET /v1/resources/{type}/{id}/changes'];

const aState = (): object => ({ n: Math.random() });
const aChange = (): object => ({ resource: { type: 'notes', id }, action: 'update', after: aState() });

/** What the requests are about, anew. */
async function prepare(): Promise<void> {
  id = crypto.randomUUID();
  const recorded = await server.request('POST', '/v1/changes', {
    ...aChange(),
    actor: { type: 'user', id: 'ada' },
    action: 'create',
    event: 'note.written',
    related: [{ type: 'folders', id: '1' }],
    context: { ip: '192.0.2.7' },
    occurredAt: '2020-01-01T00:00:00Z',
  });
  change = (recorded.json as { id: string }).id;
  const made = await server.request('POST', '/v1/tokens', { name: 'to be revoked', scopes: ['read'] });
  token = (made.json as { id: string }).id;
}

/** Bodies of the media types that are not plain JSON. */
const BODIES: Record<string, () => unknown> = {
  'application/x-ndjson': () => JSON.stringify(aChange()),
  'application/merge-patch+json': aState,
  'application/json-patch+json': () => [{ op: 'add', path: '/a', value: 1 }],
};

function requestOf(route: string): { method: string; path: string; body?: unknown } {
  const make = REQUESTS[route] as () => { path: string; body?: unknown };
  return { method: route.split(' ')[0] as string, ...make() };
}

async function send(route: string, headers: Record<string, string> = {}): Promise<Answer> {
  await prepare();
  const { method, path, body } = requestOf(route);
  return server.request(method, path, body, headers);
}

/** The path of a route with a value of a parameter. */
function pathWith(route: string, name: string, value: string): string {
  const url = new URL(requestOf(route).path, server.url);
  url.searchParams.set(name, value);
  return url.pathname + url.search;
}

function operationOf(route: string): Operation {
  const [method, path] = route.split(' ') as [string, string];
  return paths[path]?.[method.toLowerCase()] as Operation;
}

const named = (route: string, place: Parameter['in']): string[] =>
  (operationOf(route).parameters ?? []).filter((one) => one.in === place).map(({ name }) => name);

/** Is the answer one that the document has: status, media type, headers, and the shape of the body? */
function expectDescribed(route: string, { status, headers, text, json }: Answer): void {
  const { responses } = operationOf(route);
  const described = responses[status] ?? responses[`${Math.floor(status / 100)}XX`];
  expect(described, `${route} ${status}`).toBeDefined();
  const type = headers.get('content-type')?.split(';')[0];
  expect(Object.keys(described?.content ?? {}), `${route} ${status}`).toEqual(
    type === undefined ? [] : [type],
  );
  for (const name of ['ETag', 'Retry-After'])
    if (headers.has(name)) expect(Object.keys(described?.headers ?? {})).toContain(name);
  if (type === undefined) return;
  const body = type.endsWith('json') && type !== 'application/x-ndjson' ? json : text;
  const errors = Compile(described?.content?.[type]?.schema as object).Errors(body);
  expect(errors, `${route} ${status} ${text}`).toEqual([]);
}

describe('the OpenAPI document', () => {
  it('has the routes of the native API, and no other', () => {
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual([...ROUTES, ...OPEN].sort());
  });

  it.each([...ROUTES, ...OPEN])('says what %s answers', async (route) => {
    const answer = OPEN.includes(route) ? await server.request('GET', route.slice(4)) : await send(route);
    expect(answer.status, answer.text).toBeLessThan(300);
    expectDescribed(route, answer);
    if (OPEN.includes(route)) return;
    expectDescribed(route, await send(route, { authorization: 'Bearer wrong' }));
    const hasTag = answer.headers.has('etag');
    expect(operationOf(route).responses[answer.status]?.headers !== undefined).toBe(hasTag);
  });

  /** A value of each header that is refused where the header is read, and how. */
  const WRONG_HEADERS: [string, string, object][] = [
    ['Idempotency-Key', 'k'.repeat(256), { code: 'invalid_header', field: 'Idempotency-Key' }],
    ['If-Match', '"77"', { code: 'precondition_failed', field: 'If-Match' }],
    ['If-None-Match', '*', { code: 'precondition_failed', field: 'If-None-Match' }],
    ['annals-actor', '{"type":"user"}', { code: 'invalid_header', field: 'annals-actor/id' }],
    ['annals-context', '{"ip":"x"}', { code: 'invalid_header', field: 'annals-context/ip' }],
    ['annals-organization', 'nowhere', { code: 'not_found', got: 'nowhere' }],
  ];

  it.each(ROUTES)('names the headers that %s reads, and no other', async (route) => {
    const headers = named(route, 'header');
    for (const [name, wrong, problem] of WRONG_HEADERS) {
      const answer = await send(route, { [name]: wrong });
      if (headers.includes(name)) expect(answer.json, `${route} ${name}`).toMatchObject(problem);
      else expect(answer.status, `${route} ${name}`).toBeLessThan(300);
      expectDescribed(route, answer);
    }
    expect(WRONG_HEADERS.map(([name]) => name)).toEqual(expect.arrayContaining(headers));
  });

  /** Of each filter, a value that the change has, and one that it has not. */
  const FILTERS: Record<string, () => [matching: string, other: string]> = {
    resource: () => [`notes/${id}`, 'notes/other'],
    type: () => ['notes', 'other'],
    actor: () => ['ada', 'bob'],
    action: () => ['create', 'delete'],
    event: () => ['note.written', 'note.read'],
    ip: () => ['192.0.2.7', '192.0.2.8'],
    changed: () => ['n', 'm'],
    related: () => ['folders/1', 'folders/2'],
    since: () => ['2020-01-01T00:00:00Z', '2200-01-01T00:00:00Z'],
    until: () => ['2020-01-01T00:00:01Z', '2020-01-01T00:00:00Z'],
  };

  it.each(LISTS)('names filters of %s that find what they say', async (route) => {
    for (const name of named(route, 'query').filter((one) => one in FILTERS)) {
      await prepare();
      const [matching, other] = (FILTERS[name] as () => [string, string])();
      expect((await server.request('GET', pathWith(route, name, matching))).text, name).toContain(change);
      expect((await server.request('GET', pathWith(route, name, other))).text, name).not.toContain(change);
    }
  });

  /** Of all other parameters, a value that is taken, and one that is not. */
  const OTHERS: Record<string, [good: string, bad: string]> = {
    limit: ['1', '0'],
    cursor: ['cDE', 'no-cursor'],
    order: ['asc', 'up'],
    page: ['1', '0'],
    count: ['exact', 'about'],
    include: ['states', 'nothing'],
    version: ['1', '0'],
    at: ['2022-01-01T00:00:00Z', 'then'],
    knownAt: ['2200-01-01T00:00:00Z', 'then'],
    from: ['0', '-1'],
    to: ['1', '-1'],
  };
  const CURSOR_OF_STATES = Buffer.from('ra/b').toString('base64url');

  it.each(GETS)('names the parameters that %s reads, and no other', async (route) => {
    await prepare();
    const parameters = named(route, 'query');
    for (const name of parameters.filter((one) => !(one in FILTERS))) {
      const [good, bad] = OTHERS[name] as [string, string];
      const value = name === 'cursor' && route === 'GET /v1/resources' ? CURSOR_OF_STATES : good;
      const taken = await server.request('GET', pathWith(route, name, value));
      expect(taken.status, `${name} ${taken.text}`).toBe(200);
      expectDescribed(route, taken);
      const refused = await server.request('GET', pathWith(route, name, bad));
      expect(refused, name).toMatchObject({ status: 400, json: { field: name } });
      expectDescribed(route, refused);
    }
    if (parameters.length === 0) return;
    const unknown = await server.request('GET', pathWith(route, 'bogus', '1'));
    const { limit } = unknown.json as { limit: string };
    expect(limit.split(', ').sort()).toEqual(parameters.sort());
  });

  it.each(WRITES)('names the media types that %s takes', async (route) => {
    const types = Object.keys(operationOf(route).requestBody?.content ?? {});
    for (const type of types) {
      await prepare();
      const { method, path, body } = requestOf(route);
      const sent = BODIES[type]?.() ?? body;
      const answer = await server.request(method, path, sent, { 'content-type': type });
      expect(answer.status, `${type} ${answer.text}`).toBeLessThan(300);
      expectDescribed(route, answer);
    }
    if (types.length === 0) return;
    const refused = await send(route, { 'content-type': 'text/plain' });
    expect(refused).toMatchObject({ status: 415, json: { limit: types.join(', '), got: 'text/plain' } });
  });
});
