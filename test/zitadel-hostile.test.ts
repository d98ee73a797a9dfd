// 5,000 requests that no client of Zitadel would send: only documented statuses come back, and no 500.

import http2, { type ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT_TOKEN, startServer, type TestServer } from './harness.ts';
import { type Mutated, mutate, sendAll } from './mutations.ts';
import { makeRandom, type Random } from './random.ts';
import { makeToken } from './tokens.ts';

const PATHS = [
  '/management/v1/orgs/me/changes/_search',
  '/management/v1/projects/p/apps/a/changes/_search?query.sequence=9&query.limit=2&query.asc=true',
  '/management/v1/projects/p/grants/g/changes/_search?limit=3',
  '/management/v1/users/u/changes/_search',
  '/auth/v1/users/me/changes/_search',
  '/admin/v1/events/_search',
  '/admin/v1/events/types/_search',
  '/projects/p/apps/a/changes/_search',
  '/management/v1/healthz',
  '/management/v1/projects/p/roles/a/b',
  '/zitadel.management.v1.ManagementService/ListOrgChanges',
  '/grpc.health.v1.Health/Check',
];
const BODIES = [
  '{"query":{"sequence":"2","limit":20,"asc":true}}',
  '{"sequence":4,"eventTypes":["org.added","user.changed"],"aggregateTypes":["org"],"aggregateId":"x"}',
  '{"range":{"since":"2024-01-01T00:00:00Z","until":"2025-01-01T00:00:00.5Z"},"editorUserId":"ada"}',
  '{"from":"9999-12-31T23:59:59.999999999Z","asc":true}',
  '{}',
];
/** A wrong media type is refused with 415 by RPC paths, a path that is no URL with 400, an endless one with 414. */
const DOCUMENTED = [200, 204, 400, 401, 403, 404, 405, 414, 415, 429, 501];
/** OK, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted, Unimplemented, Unauthenticated. */
const DOCUMENTED_CODES = ['0', '3', '5', '7', '8', '12', '16'];

let server: TestServer;
let tokens: (string | undefined)[];
beforeAll(async () => {
  server = await startServer('memory:');
  tokens = [server.token, undefined, 'of-nobody', await makeToken(server, ['write'])];
  const changes = ['a', 'b', 'c'].map((id) => ({
    resource: { type: 'apps', id },
    related: [{ type: 'projects', id: 'p' }],
    action: 'create',
    actor: { type: 'user', id: 'ada' },
    after: { id },
  }));
  await server.request('POST', '/v1/changes', changes);
});
afterAll(() => server.stop());

/** A body with a few characters cut, doubled or put elsewhere. */
function spoil(body: string, { below, chance }: Random): string {
  let spoiled = body;
  for (let changes = below(4); changes > 0; changes--) {
    const at = below(spoiled.length + 1);
    const end = at + below(6);
    const piece = chance(0.5) ? spoiled.slice(at, end) : String.fromCharCode(below(256));
    spoiled = spoiled.slice(0, at) + piece + spoiled.slice(chance(0.5) ? at : end);
  }
  return spoiled;
}

it('answers 3,500 mutated REST requests with documented statuses', async () => {
  const random = makeRandom();
  const requests = Array.from({ length: 3500 }, (): Mutated => {
    const mutated = mutate(random, '', PATHS, tokens);
    if (random.chance(0.2)) return { ...mutated, path: mutated.path || '/' };
    return {
      ...mutated,
      path: mutated.path || '/',
      method: 'POST',
      body: spoil(random.pick(BODIES), random),
    };
  }).map((one) => ({ ...one, path: one.path.startsWith('/') ? one.path : `/${one.path}` }));
  const answers = await sendAll(server.url, requests);
  const surprises = answers.flatMap(({ status, text }, index) =>
    DOCUMENTED.includes(status) ? [] : [{ status, text, request: requests[index] }],
  );
  expect(surprises, `seed ${random.seed}`).toEqual([]);
  const met = new Set(answers.map(({ status }) => status));
  expect([...met], `seed ${random.seed}`).toEqual(expect.arrayContaining([200, 400, 401, 403, 404]));
});

const TYPES = ['application/grpc', 'application/grpc+proto', 'application/grpc+json', 'application/grpc-web'];
const CALLS = [
  '/zitadel.management.v1.ManagementService/ListOrgChanges',
  '/zitadel.management.v1.ManagementService/ListAppChanges',
  '/zitadel.admin.v1.AdminService/ListEvents',
  '/zitadel.auth.v1.AuthService/ListMyUserChanges',
  '/zitadel.management.v1.ManagementService/GetMyOrg',
  '/grpc.health.v1.Health/Check',
];

interface Call {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** Messages of random bytes, in envelopes whose length is mostly true. */
function makeCall(random: Random, index: number): Call {
  const { pick, below, chance } = random;
  const message = chance(0.4)
    ? Buffer.from([0x0a, 2, 0x10, below(128)])
    : Buffer.from(Array.from({ length: below(60) }, () => below(256)));
  const envelope = Buffer.alloc(5);
  envelope.writeUInt8(chance(0.9) ? 0 : below(256));
  envelope.writeUInt32BE(chance(0.9) ? message.length : below(2 ** 32), 1);
  const token = chance(0.7) ? ROOT_TOKEN : pick(tokens);
  const headers = {
    'content-type': pick(TYPES),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(chance(0.1) ? { 'grpc-timeout': pick(['1S', 'x', '99999999999H']) } : {}),
    ...(chance(0.1) ? { 'grpc-encoding': pick(['gzip', 'br', 'zip']) } : {}),
    ...(chance(0.1) ? { 'x-zitadel-orgid': pick(['default', 'nowhere']) } : {}),
  };
  return { path: CALLS[index % CALLS.length] as string, headers, body: Buffer.concat([envelope, message]) };
}

/** The HTTP status and the status of gRPC, wherever it is said. */
function send(session: ClientHttp2Session, { path, headers, body }: Call): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    let status = 0;
    let code: unknown;
    let text = '';
    stream.setEncoding('latin1');
    stream.on('response', (answered) => {
      status = Number(answered[':status']);
      code = answered['grpc-status'];
    });
    stream.on('trailers', (trailers) => {
      code = trailers['grpc-status'];
    });
    stream.on('data', (part: string) => {
      text += part;
    });
    stream.on('error', reject);
    stream.on('close', () => resolve([status, String(code ?? /grpc-status: ?(\d+)/.exec(text)?.[1])]));
    stream.end(body);
  });
}

it('answers 1,500 calls of random bytes with documented codes', async () => {
  const random = makeRandom();
  const calls = Array.from({ length: 1500 }, (_, index) => makeCall(random, index));
  const session = http2.connect(server.url);
  const answers: [number, string][] = [];
  for (let from = 0; from < calls.length; from += 50) {
    answers.push(...(await Promise.all(calls.slice(from, from + 50).map((call) => send(session, call)))));
  }
  session.close();
  const surprises = answers.flatMap((answer, index) =>
    answer[0] === 200 && DOCUMENTED_CODES.includes(answer[1]) ? [] : [{ answer, call: calls[index] }],
  );
  expect(surprises, `seed ${random.seed}`).toEqual([]);
  const met = new Set(answers.map(([, code]) => code));
  expect([...met], `seed ${random.seed}`).toEqual(expect.arrayContaining(['0', '3', '7', '12', '16']));
});
