// The native API through a running server: each request of its table, and each refusal.

import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, ROOT_TOKEN, startServer, type TestServer } from './harness.ts';

let server: TestServer;
let id: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  id = crypto.randomUUID();
});

const INSTANT = 'an RFC 3339 instant between 1684 and 2255';
const ADA = { type: 'user', id: 'ada' };
const change = (more: object = {}): Record<string, unknown> => ({
  resource: { type: 'notes', id },
  action: 'update',
  actor: ADA,
  after: { text: 'hello' },
  ...more,
});
const post = (body: unknown, headers?: Record<string, string>): Promise<Answer> =>
  server.request('POST', '/v1/changes', body, headers);
const get = (path: string, headers?: Record<string, string>): Promise<Answer> =>
  server.request('GET', path, undefined, headers);
const put = (state: unknown, headers?: Record<string, string>): Promise<Answer> =>
  server.request('PUT', `/v1/resources/notes/${id}`, state, headers);
const size = async (): Promise<number> => ((await get('/v1/head')).json as { size: number }).size;
const history = async (): Promise<Record<string, unknown>[]> =>
  ((await get(`/v1/resources/notes/${id}/changes?order=asc`)).json as { data: Record<string, unknown>[] })
    .data;

describe('POST /v1/changes', () => {
  it('answers a receipt', async () => {
    const { status, json } = await post(change());
    expect(status).toBe(201);
    expect(json).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      position: expect.any(Number),
      version: 1,
      recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      continuity: 'first',
      changed: true,
      leafHash: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
    });
  });

  it('keeps every member of the record', async () => {
    const whole = {
      id: crypto.randomUUID(),
      occurredAt: '2020-02-29T23:59:59.123456+02:00',
      resource: { type: 'notes', id, name: 'Ein Zettel' },
      action: 'create',
      event: 'note.written',
      actor: {
        ...ADA,
        name: 'Ada',
        loginName: 'ada@x',
        avatarUrl: 'https://x/a.png',
        application: { id: 'app', kind: 'webapp', public: true },
      },
      related: [{ type: 'folders', id: '1' }],
      before: null,
      after: { text: '€', nested: { list: [1, { deep: null }] } },
      context: { ip: '192.0.2.7', userAgent: 'curl', requestId: 'r', traceparent: 't', shard: 3 },
      metadata: ['free', { json: true }],
    };
    await post(whole);
    const { json } = await get(`/v1/changes/${whole.id}`);
    expect(json).toMatchObject({
      ...whole,
      occurredAt: '2020-02-29T21:59:59.123456Z',
      version: 1,
      continuity: 'first',
    });
    expect(json).toMatchObject({ patch: [{ op: 'replace', path: '', value: whole.after }] });
  });

  it('records an array, all of it', async () => {
    const { status, json } = await post([
      change(),
      change({ after: { text: 'b' } }),
      change({ action: 'delete', after: null }),
    ]);
    expect(status).toBe(201);
    expect((json as { version: number }[]).map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it('records nothing of an array in which one is refused, and says which', async () => {
    const before = await size();
    const { status, json } = await post([change(), change({ action: 'destroy' })]);
    expect({ status, json }).toMatchObject({
      status: 400,
      json: { code: 'invalid_field', field: '/action', index: 1 },
    });
    expect(await size()).toBe(before);
  });

  it('answers an empty array with an empty array', async () => {
    expect(await post([])).toMatchObject({ status: 201, json: [] });
  });

  it('answers a receipt also where a byte order mark or space comes before the change', async () => {
    for (const before of ['\ufeff', '\ufeff\r\n\t ', ' \n']) {
      const one = await post(before + JSON.stringify(change()));
      expect(one).toMatchObject({ status: 201, json: { changed: expect.any(Boolean) } });
      const several = await post(`${before}[${JSON.stringify(change())}]`);
      expect(several).toMatchObject({ status: 201, json: [{ changed: expect.any(Boolean) }] });
    }
  });

  it.each([['Application/X-NDJSON'], ['application/x-ndjson; charset=utf-8']])(
    'takes a stream of lines as %s',
    async (type) => {
      const lines = `${JSON.stringify(change())}\n${JSON.stringify(change())}\n`;
      const { status, text } = await post(lines, { 'content-type': type });
      expect(status).toBe(200);
      expect(text.trim().split('\n')).toHaveLength(2);
    },
  );

  it('records the good lines of a stream, and answers each line in order', async () => {
    const lines = [
      JSON.stringify(change()),
      '{"broken":',
      '',
      JSON.stringify(change({ extra: 1 })),
      JSON.stringify(change({ after: { n: 2 } })),
    ];
    const { status, text, headers } = await post(`${lines.join('\r\n')}\n`, {
      'content-type': 'application/x-ndjson',
    });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    const answers = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(answers).toMatchObject([
      { version: 1 },
      { line: 2, error: { code: 'malformed_json', status: 400 } },
      { line: 4, error: { code: 'unknown_field', field: '/extra' } },
      { version: 2 },
    ]);
  });

  it('answers the first lines of a stream while the last are still to come', async () => {
    const { port } = new URL(server.url);
    const out = httpRequest({
      port,
      method: 'POST',
      path: '/v1/changes',
      headers: { authorization: `Bearer ${ROOT_TOKEN}`, 'content-type': 'application/x-ndjson' },
    });
    const first = new Promise<string>((resolve) => {
      out.once('response', (response) => response.once('data', (data: Buffer) => resolve(data.toString())));
    });
    out.write(`${JSON.stringify(change())}\n`);
    expect(JSON.parse(await first)).toMatchObject({ version: 1 });
    out.end();
  });

  it('tells what a caller missed: first, continuous, gap', async () => {
    await post(change({ after: { n: 1 } }));
    await post(change({ before: { n: 1 }, after: { n: 2 } }));
    await post(change({ before: { n: 3 }, after: { n: 4 } }));
    await post(change({ action: 'delete', after: undefined }));
    await post(change({ action: 'access', after: undefined }));
    const entries = await history();
    expect(entries.map(({ continuity }) => continuity)).toEqual([
      'first',
      'continuous',
      'gap',
      'continuous',
      'continuous',
    ]);
    expect(entries.map(({ changes }) => changes)).toEqual([
      { '/n': [null, 1] },
      { '/n': [1, 2] },
      { '/n': [3, 4] },
      { '/n': [4, null] },
      {},
    ]);
    expect((await get(`/v1/resources/notes/${id}?version=5`)).json).toMatchObject({
      version: 5,
      state: null,
    });
  });

  it('takes the token as actor where none is given', async () => {
    await post(change({ actor: undefined }));
    expect((await history())[0]).toMatchObject({ actor: { type: 'system', id: 'root' } });
  });
});

describe('bad input', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  const cases: [string, () => unknown, object][] = [
    ['an unknown field', () => change({ ocurredAt: 'x' }), { code: 'unknown_field', field: '/ocurredAt' }],
    ['a wrong type', () => change({ resource: 5 }), { code: 'invalid_field', field: '/resource' }],
    ['no resource', () => change({ resource: undefined }), { code: 'invalid_field', field: '/resource' }],
    [
      'an empty type',
      () => change({ resource: { type: '', id } }),
      { code: 'invalid_field', field: '/resource/type' },
    ],
    [
      'a type with a slash',
      () => change({ resource: { type: 'a/b', id } }),
      { code: 'invalid_field', field: '/resource/type' },
    ],
    [
      'a long id',
      () => change({ resource: { type: 'a', id: 'x'.repeat(201) } }),
      { code: 'invalid_field', field: '/resource/id', limit: 200, got: 201 },
    ],
    ['a state 65 levels deep', () => change({ after: deep(65) }), { code: 'too_deep', limit: 64 }],
    ['a body of 80 levels', () => change({ after: deep(80) }), { code: 'too_deep' }],
    [
      'an integer too large',
      () => JSON.stringify(change()).replace('"hello"', '9007199254740992'),
      { code: 'number_out_of_range', field: '/after/text', got: '9007199254740992' },
    ],
    [
      'a number beyond a double',
      () => JSON.stringify(change()).replace('"hello"', '1e400'),
      { code: 'number_out_of_range', got: '1e400' },
    ],
    ['U+0000', () => change({ after: { text: 'a\u0000b' } }), { code: 'invalid_text', field: '/after/text' }],
    [
      'a lone surrogate',
      () => JSON.stringify(change()).replace('hello', '\\ud800'),
      { code: 'invalid_text', field: '/after/text' },
    ],
    [
      'no instant',
      () => change({ occurredAt: 'yesterday' }),
      { code: 'invalid_field', field: '/occurredAt', got: 'yesterday' },
    ],
    [
      'a day that does not exist',
      () => change({ occurredAt: '2023-02-29T00:00:00Z' }),
      { code: 'invalid_field', field: '/occurredAt' },
    ],
    ['an id that is no UUID', () => change({ id: '7' }), { code: 'invalid_field', field: '/id', got: '7' }],
    ['an update without a state', () => change({ after: null }), { code: 'invalid_field', field: '/after' }],
    [
      'a deletion with a state',
      () => change({ action: 'delete' }),
      { code: 'invalid_field', field: '/after' },
    ],
    [
      'an access with a state',
      () => change({ action: 'access' }),
      { code: 'invalid_field', field: '/after' },
    ],
    ['malformed JSON', () => '{"resource":', { code: 'malformed_json' }],
    ['no body', () => '', { code: 'invalid_field' }],
  ];

  it.each(cases)('%s is refused with field and limit, and nothing is stored', async (_, body, problem) => {
    const before = await size();
    const answer = await post(body());
    expect(answer, answer.text).toMatchObject({ status: 400, json: { status: 400, ...problem } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect((answer.json as { detail: string }).detail.length).toBeGreaterThan(10);
    expect(await size()).toBe(before);
  });

  it('invalid UTF-8 is refused', async () => {
    const bytes = Buffer.from(JSON.stringify(change({ after: { text: 'é' } })), 'latin1');
    expect(await post(bytes)).toMatchObject({ status: 400, json: { code: 'invalid_text' } });
  });

  it('a change above 1 MiB is refused, alone, in an array and as a line', async () => {
    const large = change({ after: { text: 'x'.repeat(1024 * 1024) } });
    const problem = { code: 'too_large', limit: 1_048_576 };
    expect(await post(large)).toMatchObject({ status: 413, json: problem });
    expect(await post([change(), large])).toMatchObject({ status: 413, json: { ...problem, index: 1 } });
    expect(await put({ text: 'x'.repeat(1024 * 1024) })).toMatchObject({ status: 413, json: problem });
    const { text } = await post(JSON.stringify(large), { 'content-type': 'application/x-ndjson' });
    expect(JSON.parse(text)).toMatchObject({ line: 1, error: problem });
  });

  it('a body above 10 MiB and an array of more than 5,000 changes are refused', async () => {
    expect(await post(' '.repeat(10 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      json: { code: 'too_large', field: 'body', limit: 10_485_760, got: 10_485_761 },
    });
    const many = Array.from({ length: 5001 }, () => change());
    expect(await post(many)).toMatchObject({
      status: 413,
      json: { code: 'too_many_changes', limit: 5000, got: 5001 },
    });
  });

  it.each([
    ['/v1/changes?limit=0', 'limit', 1, 0],
    ['/v1/changes?limit=1001', 'limit', 1000, 1001],
    ['/v1/changes?limit=ten', 'limit', 'integer', 'ten'],
    ['/v1/changes?limit=1&limit=2', 'limit', 'integer', 'an array of 2 items'],
    ['/v1/changes?page=0', 'page', 1, 0],
    ['/v1/changes?order=up', 'order', 'asc, desc', 'up'],
    ['/v1/changes?count=about', 'count', 'exact', 'about'],
    ['/v1/changes?since=today', 'since', INSTANT, 'today'],
    ['/v1/changes?until=9999-01-01T00:00:00Z', 'until', INSTANT, '9999-01-01T00:00:00Z'],
    ['/v1/changes?resource=countries', 'resource', '^[^/]+/.+', 'countries'],
    ['/v1/changes?action=destroy', 'action', 'create, update, delete, access', 'destroy'],
    ['/v1/changes?page=2&cursor=cDE', 'page', 'page or cursor', 'both'],
    ['/v1/resources/notes/1?version=0', 'version', 1, 0],
    ['/v1/resources/notes/1?version=1&at=2020-01-01T00:00:00Z', 'version', 'version or at', 'both'],
    ['/v1/resources/notes/1?at=2020', 'at', INSTANT, '2020'],
    ['/v1/resources/notes/1/diff?to=1', 'from', 'a value', 'nothing'],
  ])(
    'GET %s is refused, and names the parameter, the limit and what it got',
    async (path, field, limit, got) => {
      const answer = await get(path);
      expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_parameter', field, limit, got } });
      const { detail } = answer.json as { detail: string };
      expect(detail).toContain(`"${field}"`);
      expect(detail).toContain(String(got));
      if (typeof limit === 'string') expect(detail).toContain(limit.split(' ')[0]);
    },
  );

  it('an unknown parameter and a foreign cursor are refused', async () => {
    expect(await get('/v1/resources?actors=a')).toMatchObject({
      status: 400,
      json: {
        code: 'unknown_parameter',
        detail: 'the parameter "actors" is not known here; known are type, limit, cursor',
        field: 'actors',
        limit: 'type, limit, cursor',
        got: 'actors',
      },
    });
    expect(await get('/v1/changes?cursor=abc')).toMatchObject({
      status: 400,
      json: { code: 'invalid_cursor' },
    });
    expect(await get('/v1/resources?cursor=cDE')).toMatchObject({
      status: 400,
      json: { code: 'invalid_cursor' },
    });
  });

  it('an unknown path is 404, a known one with another method 405 with what it allows', async () => {
    expect(await get('/v1/nothing')).toMatchObject({ status: 404, json: { code: 'not_found' } });
    const answer = await server.request('DELETE', '/v1/changes');
    expect(answer).toMatchObject({
      status: 405,
      json: { code: 'method_not_allowed', limit: 'GET, POST', got: 'DELETE' },
    });
    expect(answer.headers.get('allow')).toBe('GET, POST');
    expect(await server.request('POST', `/v1/resources/notes/${id}`)).toMatchObject({ status: 405 });
  });

  it('another media type is 415', async () => {
    expect(await post('a=b', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 415,
      json: {
        code: 'unsupported_media_type',
        field: 'content-type',
        limit: 'application/json, application/x-ndjson',
        got: 'application/x-www-form-urlencoded',
      },
    });
  });

  it.each([
    ['POST', '/v1/changes', 'application/json'],
    ['POST', '/v1/changes', 'application/x-ndjson'],
    ['PUT', '/v1/resources/notes/1', 'application/json'],
    ['PATCH', '/v1/resources/notes/1', 'application/merge-patch+json'],
    ['POST', '/v1/tokens', 'application/json'],
  ])('a compressed body of %s %s as %s is 415, and says so', async (method, path, type) => {
    const before = await size();
    const headers = { 'content-type': type, 'content-encoding': 'gzip' };
    expect(await server.request(method, path, gzipSync(JSON.stringify(change())), headers)).toMatchObject({
      status: 415,
      json: { code: 'unsupported_media_type', field: 'content-encoding', limit: 'identity', got: 'gzip' },
    });
    expect(await size()).toBe(before);
    const plain = { 'content-type': 'application/json', 'content-encoding': 'Identity' };
    expect(await post(change(), plain)).toMatchObject({ status: 201 });
  });
});

describe('states', () => {
  it('are put: created, replaced, unchanged', async () => {
    expect(await put({ n: 1 })).toMatchObject({ status: 201, json: { version: 1, changed: true } });
    expect(await put({ n: 2 })).toMatchObject({ status: 200, json: { version: 2, changed: true } });
    const before = await size();
    expect(await put({ n: 2 })).toMatchObject({ status: 200, json: { version: 2, changed: false } });
    expect(await size()).toBe(before);
    expect((await history()).map(({ action }) => action)).toEqual(['create', 'update']);
  });

  it('are patched by a merge patch, and by a JSON Patch', async () => {
    const path = `/v1/resources/notes/${id}`;
    await put({ a: 1, b: { c: 2, d: 3 }, list: [1, 2, 3] });
    const merge = await server.request(
      'PATCH',
      path,
      { b: { c: null }, a: 5 },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(merge).toMatchObject({ status: 200, json: { version: 2, changed: true } });
    const operations = [
      { op: 'test', path: '/a', value: 5 },
      { op: 'add', path: '/list/1', value: 9 },
    ];
    await server.request('PATCH', path, operations, { 'content-type': 'Application/JSON-Patch+JSON' });
    expect(
      await server.request('PATCH', path, {}, { 'content-type': 'APPLICATION/JSON-PATCH+JSON' }),
    ).toMatchObject({ status: 400, json: { code: 'invalid_field' } });
    expect((await get(path)).json).toMatchObject({
      version: 3,
      state: { a: 5, b: { d: 3 }, list: [1, 9, 2, 3] },
    });
    const failing = await server.request('PATCH', path, [{ op: 'test', path: '/a', value: 6 }]);
    expect(failing).toMatchObject({ status: 422, json: { code: 'patch_failed' } });
    const broken = await server.request('PATCH', path, [{ op: 'jump', path: '/a' }]);
    expect(broken).toMatchObject({ status: 400, json: { code: 'invalid_field', field: '/0/op' } });
    expect(await server.request('PATCH', path, [{ op: 'replace', path: '', value: 5 }])).toMatchObject({
      status: 400,
    });
    expect((await get(path)).json).toMatchObject({ version: 3 });
  });

  it('are deleted once, and their history stays', async () => {
    const path = `/v1/resources/notes/${id}`;
    expect(await server.request('DELETE', path)).toMatchObject({ status: 404 });
    await put({ n: 1 });
    expect(await server.request('DELETE', path)).toMatchObject({
      status: 200,
      json: { version: 2, changed: true },
    });
    expect(await server.request('DELETE', path)).toMatchObject({
      status: 200,
      json: { version: 2, changed: false },
    });
    expect(await get(path)).toMatchObject({ status: 200, json: { version: 2, state: null } });
    expect(await server.request('PATCH', path, { n: 2 })).toMatchObject({ status: 404 });
    expect(await put({ n: 3 })).toMatchObject({ status: 201, json: { version: 3 } });
    expect(await history()).toHaveLength(3);
  });

  it('are guarded by If-Match and If-None-Match', async () => {
    expect(await put({ n: 1 }, { 'if-match': '*' })).toMatchObject({
      status: 412,
      json: { code: 'precondition_failed', got: 'none' },
    });
    const first = await put({ n: 1 }, { 'if-none-match': '*' });
    expect(first.headers.get('etag')).toBe('"1"');
    expect(await put({ n: 2 }, { 'if-none-match': '*' })).toMatchObject({ status: 412 });
    expect(await put({ n: 2 }, { 'if-match': '"1"' })).toMatchObject({ status: 200 });
    await post(change({ action: 'access', after: undefined }));
    expect(await put({ n: 3 }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      json: { limit: '"1"', got: '"2"' },
    });
    expect(await put({ n: 3 }, { 'if-match': '"7", "2"' })).toMatchObject({ status: 200 });
    expect((await get(`/v1/resources/notes/${id}`)).headers.get('etag')).toBe('"4"');
  });

  it('take actor and context from the headers, else from the token and the request', async () => {
    await put({ n: 1 }, { 'user-agent': 'test/1', 'x-request-id': 'r-1' });
    const actor = Buffer.from(JSON.stringify({ type: 'user', id: 'élodie' })).toString('latin1');
    await put({ n: 2 }, { 'annals-actor': actor, 'annals-context': '{"ip":"198.51.100.1","shop":7}' });
    expect(await history()).toMatchObject([
      { actor: { id: 'root' }, context: { ip: '127.0.0.1', userAgent: 'test/1', requestId: 'r-1' } },
      { actor: { id: 'élodie' }, context: { ip: '198.51.100.1', shop: 7 } },
    ]);
  });

  it.each([
    ['annals-actor', 'ada', 'annals-actor', '"a"'],
    ['annals-actor', '{"type":"user"}', 'annals-actor/id', 'nothing'],
    ['annals-actor', '{"type":"ghost","id":"x"}', 'annals-actor/type', 'ghost'],
    ['annals-actor', '{"type":"user","id":"x","age":1e16}', 'annals-actor/age', '1e16'],
    ['annals-actor', '{"type":"user","id":"x","nick":"y"}', 'annals-actor/nick', 'nick'],
    ['annals-context', '[]', 'annals-context', 'an array of 0 items'],
    ['annals-context', '{"ip":"here"}', 'annals-context/ip', 'here'],
  ])('are not written with the header %s: %s', async (name, value, field, got) => {
    const before = await size();
    const answer = await put({ n: 3 }, { [name]: value });
    expect(answer, answer.text).toMatchObject({
      status: 400,
      json: { code: 'invalid_header', field, limit: expect.anything(), got },
    });
    expect(await size()).toBe(before);
  });

  it('are read by version, as of a moment, and as it was known', async () => {
    const path = `/v1/resources/notes/${id}`;
    await post(change({ occurredAt: '2020-01-01T00:00:00Z', after: { n: 1 } }));
    const second = (await post(change({ occurredAt: '2022-01-01T00:00:00Z', after: { n: 2 } }))).json as {
      recordedAt: string;
    };
    await new Promise((resolve) => setTimeout(resolve, 5));
    await post(change({ occurredAt: '2021-01-01T00:00:00Z', after: { n: 3 } }));
    expect((await get(`${path}?version=2`)).json).toMatchObject({ version: 2, state: { n: 2 } });
    expect((await get(`${path}?at=2021-06-01T00:00:00Z`)).json).toMatchObject({
      version: 3,
      state: { n: 3 },
    });
    expect((await get(`${path}?at=2021-06-01T00:00:00Z&knownAt=${second.recordedAt}`)).json).toMatchObject({
      version: 1,
      state: { n: 1 },
    });
    expect((await get(`${path}?at=2023-06-01T00:00:00Z`)).json).toMatchObject({ version: 2 });
    expect(await get(`${path}?at=2019-06-01T00:00:00Z`)).toMatchObject({
      status: 404,
      json: { detail: `there is no notes/${id} as of 2019-06-01T00:00:00Z` },
    });
    expect(await get(`${path}?knownAt=2019-06-01T00:00:00Z`)).toMatchObject({
      status: 404,
      json: { detail: `there is no notes/${id} as it was known at 2019-06-01T00:00:00Z` },
    });
    expect(await get(`${path}?version=4`)).toMatchObject({ status: 404, json: { code: 'not_found' } });
    expect((await get(path)).json).toMatchObject({
      version: 3,
      changedAt: '2021-01-01T00:00:00.000Z',
      changedBy: ADA,
    });
  });

  it('differ between versions, from nothing on', async () => {
    await put({ list: ['a', 'c'], n: 1 });
    await put({ list: ['a', 'b', 'c'], n: 1 });
    await put({ list: ['a', 'b', 'c'], n: 2 });
    const path = `/v1/resources/notes/${id}/diff`;
    expect((await get(`${path}?from=1&to=3`)).json).toEqual({
      from: 1,
      to: 3,
      patch: [
        { op: 'add', path: '/list/1', value: 'b' },
        { op: 'replace', path: '/n', value: 2 },
      ],
      changes: { '/list/1': [null, 'b'], '/n': [1, 2] },
    });
    expect((await get(`${path}?from=3&to=2`)).json).toMatchObject({ changes: { '/n': [2, 1] } });
    expect((await get(`${path}?from=0&to=1`)).json).toMatchObject({ changes: { '/n': [null, 1] } });
    expect(await get(`${path}?from=1&to=9`)).toMatchObject({ status: 404 });
  });

  it('differ from nothing where a resource was looked at before it was there', async () => {
    const path = `/v1/resources/notes/${id}`;
    const looked = change({ action: 'access', after: undefined });
    await post([looked, looked]);
    expect((await get(`${path}/diff?from=0&to=2`)).json).toMatchObject({ patch: [], changes: {} });
    await put({ n: 1 });
    await post(looked);
    for (const from of [0, 1, 2]) {
      for (const to of [3, 4])
        expect((await get(`${path}/diff?from=${from}&to=${to}`)).json).toEqual({
          from,
          to,
          patch: [{ op: 'replace', path: '', value: { n: 1 } }],
          changes: { '/n': [null, 1] },
        });
    }
    expect((await get(`${path}/diff?from=3&to=1`)).json).toMatchObject({ changes: { '/n': [1, null] } });
    const missing = await get(`${path}/diff?from=0&to=5`);
    expect(missing).toMatchObject({
      status: 404,
      json: { detail: `there is no notes/${id} at version 5` },
    });
    expect(await get('/v1/resources/notes/nowhere/diff?from=0&to=0')).toMatchObject({
      status: 404,
      json: { detail: 'there is no notes/nowhere' },
    });
    // A state is another question: it had not existed yet.
    expect(await get(`${path}?version=2`)).toMatchObject({ status: 404 });
  });

  it('are listed by type and id, a page at a time', async () => {
    const type = `type-${id}`;
    for (const name of ['c', 'a', 'd', 'b'])
      await server.request('PUT', `/v1/resources/${type}/${name}`, { name });
    await server.request('DELETE', `/v1/resources/${type}/d`);
    const first = (await get(`/v1/resources?type=${type}&limit=2`)).json as {
      data: { resource: { id: string } }[];
      next: string;
    };
    const second = (await get(`/v1/resources?type=${type}&limit=2&cursor=${first.next}`)).json;
    expect(first.data.map(({ resource }) => resource.id)).toEqual(['a', 'b']);
    expect(second).toMatchObject({
      data: [{ resource: { type, id: 'c' }, version: 1, state: { name: 'c' } }],
      next: null,
    });
  });

  it('take an id with slashes and other signs', async () => {
    const odd = encodeURIComponent('a/b c?#é%');
    expect(await server.request('PUT', `/v1/resources/odd/${odd}`, { n: 1 })).toMatchObject({ status: 201 });
    expect((await get(`/v1/resources/odd/${odd}`)).json).toMatchObject({ resource: { id: 'a/b c?#é%' } });
    expect((await get(`/v1/changes?resource=odd/${odd}&count=exact`)).json).toMatchObject({ count: 1 });
  });
});

describe('entries of a list', () => {
  it('have every field but the states, and the states where asked for', async () => {
    await put({ n: 1 });
    const path = `/v1/resources/notes/${id}/changes`;
    const [entry] = ((await get(path)).json as { data: object[] }).data;
    expect(Object.keys(entry as object).sort()).toEqual([
      'action',
      'actor',
      'changed',
      'changes',
      'context',
      'continuity',
      'id',
      'leafHash',
      'occurredAt',
      'position',
      'recordedAt',
      'related',
      'resource',
      'version',
    ]);
    expect((await get(`${path}?include=states`)).json).toMatchObject({
      data: [{ before: null, after: { n: 1 } }],
    });
  });

  it('have the differences of large rewrites too', async () => {
    const large = (letter: string): object =>
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, letter.repeat(50)]));
    await put(large('a'));
    await put(large('b'));
    const [, second] = await history();
    expect(Object.keys(second?.changes as object)).toHaveLength(50);
    expect(second?.changes).toMatchObject({ '/key7': ['a'.repeat(50), 'b'.repeat(50)] });
  });
});

describe('access', () => {
  async function makeToken(
    scopes: string[],
    headers?: Record<string, string>,
  ): Promise<{ id: string; secret: string }> {
    const made = await server.request('POST', '/v1/tokens', { name: 'a token', scopes }, headers);
    expect(made.status).toBe(201);
    return made.json as { id: string; secret: string };
  }
  const as = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

  it('is refused without a token, and with an unknown one', async () => {
    const missing = await fetch(`${server.url}/v1/head`);
    expect(missing.status).toBe(401);
    expect(missing.headers.get('www-authenticate')).toBe('Bearer');
    expect(await get('/v1/head', as('annals_unknown'))).toMatchObject({
      status: 401,
      json: { code: 'unauthenticated' },
    });
    expect(await get('/v1/head', { authorization: 'Basic abc' })).toMatchObject({ status: 401 });
  });

  it('is as wide as the scopes of the token', async () => {
    const [reader, writer] = [await makeToken(['read']), await makeToken(['write'])];
    expect(await get('/v1/head', as(reader.secret))).toMatchObject({ status: 200 });
    expect(await post(change(), as(reader.secret))).toMatchObject({
      status: 403,
      json: { code: 'forbidden', limit: 'create changes' },
    });
    expect(await post(change(), as(writer.secret))).toMatchObject({ status: 201 });
    expect(await get('/v1/changes', as(writer.secret))).toMatchObject({
      status: 403,
      json: { limit: 'read changes' },
    });
    expect(await get('/v1/tokens', as(reader.secret))).toMatchObject({ status: 200 });
    expect(await get('/v1/tokens', as(writer.secret))).toMatchObject({ status: 403 });
    for (const { secret } of [reader, writer]) {
      const wanted = { name: 'mine', scopes: ['read'] };
      expect(await server.request('POST', '/v1/tokens', wanted, as(secret))).toMatchObject({ status: 403 });
      expect(await server.request('DELETE', `/v1/tokens/${reader.id}`, undefined, as(secret))).toMatchObject({
        status: 403,
      });
    }
    expect(await server.request('POST', '/v1/organizations', { slug: 'x' }, as(writer.secret))).toMatchObject(
      { status: 403 },
    );
  });

  it('ends with the revocation of the token, at once', async () => {
    const token = await makeToken(['read']);
    expect(await get('/v1/head', as(token.secret))).toMatchObject({ status: 200 });
    expect(await server.request('DELETE', `/v1/tokens/${token.id}`)).toMatchObject({ status: 204 });
    expect(await get('/v1/head', as(token.secret))).toMatchObject({ status: 401 });
    expect(await server.request('DELETE', `/v1/tokens/${token.id}`)).toMatchObject({ status: 404 });
  });

  it('shows the secret of a token once, and never again', async () => {
    const token = await makeToken(['read', 'write']);
    const { text, json } = await get('/v1/tokens');
    expect(text).not.toContain(token.secret);
    expect((json as { data: object[] }).data).toContainEqual(
      expect.objectContaining({ id: token.id, scopes: ['read', 'write'] }),
    );
  });

  it('ends at the organization of the token', async () => {
    const slug = `org-${id}`;
    const made = await server.request('POST', '/v1/organizations', { slug, name: 'Another' });
    expect(made).toMatchObject({ status: 201, json: { slug, name: 'Another' } });
    const other = { 'annals-organization': slug };
    // Behind what the organization begins with: itself, and two roles.
    expect(await post(change(), other)).toMatchObject({ status: 201, json: { position: 3 } });
    const token = await makeToken(['read', 'write'], other);
    expect((await get('/v1/head', as(token.secret))).json).toMatchObject({ size: 5 });
    expect(await get('/v1/head', { ...as(token.secret), 'annals-organization': 'default' })).toMatchObject({
      status: 403,
    });
    expect(await get('/v1/head', { ...as(token.secret), 'annals-organization': 'unknown' })).toMatchObject({
      status: 403,
    });
    expect(await get('/v1/head', { 'annals-organization': 'unknown' })).toMatchObject({ status: 404 });
    expect((await get('/v1/organizations', as(token.secret))).json).toMatchObject({ data: [{ slug }] });
    expect(((await get('/v1/organizations', as(token.secret))).json as { data: object[] }).data).toHaveLength(
      1,
    );
    expect(await get('/v1/organizations/default', as(token.secret))).toMatchObject({ status: 403 });
    const { id: organization } = made.json as { id: string };
    expect((await get(`/v1/organizations/${organization}`)).json).toEqual(made.json);
  });

  it.each([
    { slug: 'Upper' },
    { slug: '' },
    { slug: '-a' },
    { slug: 'a'.repeat(64) },
    {},
    { slug: 'a', x: 1 },
    { slug: 'b', name: '' },
  ])('makes no organization of %j', async (body) => {
    expect(await server.request('POST', '/v1/organizations', body)).toMatchObject({ status: 400 });
  });

  it('makes no two organizations of one slug', async () => {
    const answer = await server.request('POST', '/v1/organizations', { slug: 'default' });
    expect(answer).toMatchObject({ status: 409, json: { code: 'slug_taken', got: 'default' } });
  });

  it.each([
    { name: 'x' },
    { name: 'x', scopes: [] },
    { name: 'x', scopes: ['admin'] },
    { name: 'x', scopes: ['read', 'read'] },
    { name: '', scopes: ['read'] },
  ])('makes no token of %j', async (body) => {
    expect(await server.request('POST', '/v1/tokens', body)).toMatchObject({ status: 400 });
  });
});

describe('the server', () => {
  it('describes itself: OpenAPI, a page, health, readiness, metrics', async () => {
    const { json } = await get('/openapi.json');
    const { openapi, paths } = json as { openapi: string; paths: Record<string, object> };
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        '/v1/changes',
        '/v1/changes/{id}',
        '/v1/resources/{type}/{id}/diff',
        '/v1/head',
        '/v1/tokens/{id}',
      ]),
    );
    expect((await get('/docs/')).text).toContain('swagger-ui');
    expect(await get('/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } });
    expect(await get('/readyz')).toMatchObject({ status: 200, json: { status: 'ready' } });
    expect((await get('/metrics')).text).toMatch(
      /annals_http_request_duration_seconds_count\{[^}]*route="\/v1\/head"/,
    );
  });
});
