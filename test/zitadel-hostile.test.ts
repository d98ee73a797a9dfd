// 5,000 requests that no client of Zitadel would send: only documented statuses come back, and no 500.

import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
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
/** What gRPC itself says of bytes that are no message, as a server in Go does; Annals' own failures have an id. */
const NO_MESSAGE = { code: '13', failures: /\((?:RECOVER|SQL-KyeAx)\)/ };

let server: TestServer;
let tokens: (string | undefined)[];
beforeAll(async () => {
  server = await startServer();
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

function makeRequest(random: Random): Mutated {
  const { path, method, token } = mutate(random, '', PATHS, tokens);
  const isPost = random.chance(0.8);
  return {
    path: path.startsWith('/') ? path : `/${path}`,
    method: isPost ? 'POST' : method,
    token,
    body: isPost ? spoil(random.pick(BODIES), random) : undefined,
  };
}

it('answers 3,500 mutated REST requests with documented statuses', async () => {
  const random = makeRandom();
  const requests = Array.from({ length: 3500 }, () => makeRequest(random));
  const answers = await sendAll(server.url, requests);
  const surprises = answers.flatMap(({ status, text }, index) =>
    DOCUMENTED.includes(status) ? [] : [{ status, text, request: requests[index] }],
  );
  expect(surprises, `seed ${random.seed}`).toEqual([]);
  const met = new Set(answers.map(({ status }) => status));
  expect([...met], `seed ${random.seed}`).toEqual(expect.arrayContaining([200, 400, 401, 403, 404]));
});

const TYPES = [
  'application/grpc',
  'application/grpc+proto',
  'application/grpc+json',
  'application/grpc-web',
  'application/proto',
];
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

interface Status {
  http: number;
  code: string;
  message: string;
}

/** The HTTP status and the status of gRPC, wherever it is said. */
function send(session: ClientHttp2Session, { path, headers, body }: Call): Promise<Status> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    const said: IncomingHttpHeaders = {};
    let text = '';
    stream.setEncoding('latin1');
    stream.on('response', (answered) => Object.assign(said, answered));
    stream.on('trailers', (trailers) => Object.assign(said, trailers));
    stream.on('data', (part: string) => {
      text += part;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      const of = (name: string): string =>
        String(said[name] ?? new RegExp(`${name}: ?([^\\r]*)`).exec(text)?.[1]);
      resolve({ http: Number(said[':status']), code: of('grpc-status'), message: of('grpc-message') });
    });
    stream.end(body);
  });
}

function isDocumented({ http, code, message }: Status, type: string): boolean {
  if (type.startsWith('application/proto')) return DOCUMENTED.includes(http);
  if (code === NO_MESSAGE.code) return http === 200 && !NO_MESSAGE.failures.test(decodeURIComponent(message));
  return http === 200 && DOCUMENTED_CODES.includes(code);
}

it('answers 1,500 calls of random bytes with documented codes', async () => {
  const random = makeRandom();
  const calls = Array.from({ length: 1500 }, (_, index) => makeCall(random, index));
  const session = http2.connect(server.url);
  const answers: Status[] = [];
  for (let from = 0; from < calls.length; from += 50) {
    answers.push(...(await Promise.all(calls.slice(from, from + 50).map((call) => send(session, call)))));
  }
  session.close();
  const surprises = answers.flatMap((answer, index) =>
    isDocumented(answer, calls[index]?.headers['content-type'] ?? '') ? [] : [{ answer, call: calls[index] }],
  );
  expect(surprises, `seed ${random.seed}`).toEqual([]);
  const met = new Set(answers.map(({ code }) => code));
  expect([...met], `seed ${random.seed}`).toEqual(expect.arrayContaining(['0', '3', '7', '12', '16']));
});
