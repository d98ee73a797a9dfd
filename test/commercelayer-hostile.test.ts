// Random and mutated requests: each gets an answer that the API documents, in its own words.

import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HistoryMaker } from './commercelayer-oracle.ts';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom } from './random.ts';
import { newToken } from './tokens.ts';

interface Wanted {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const given = process.env.ANNALS_SEED;
const random = makeRandom(given === undefined ? undefined : Number(given));
const hint = `ANNALS_SEED=${random.seed} repeats this run`;
const DOCUMENTED = [200, 400, 401, 404, 405, 406, 415];
const REQUESTS = 5000;

const PATHS = [
  '/api/versions',
  '/api/versions',
  '/api/versions/ID',
  '/api/roles/r1/versions',
  '/api/permissions/r2/versions',
  '/api/memberships/r3/versions',
  '/api/nothing',
  '/api',
];
const NAMES = [
  'page[number]',
  'page[size]',
  'sort',
  'include',
  'fields[versions]',
  'filter[ids]',
  'filter[created_at_from]',
  'page',
  'fields',
  'filter',
  'nothing',
  '',
];
const ATTRIBUTES = [
  'id',
  'resource_type',
  'resource_id',
  'created_at',
  'updated_at',
  'reference',
  'metadata',
  'event',
  'who',
  '__proto__',
];
const PREDICATES = [
  'eq',
  'not_eq',
  'matches',
  'does_not_match_any',
  'in',
  'not_in_or_null',
  'gt',
  'lteq_all',
  'null',
  'present',
  'jcont',
  'cont',
  'true',
  'nothing',
];
const VALUES = [
  '1',
  '25',
  '0',
  '-3',
  'id',
  '-created_at,id',
  'event,changes',
  'true',
  '2024-01-02',
  '2024-01-01T00:00:00.000Z',
  '{"foo":"bar"}',
  `${'['.repeat(600)}${']'.repeat(600)}`,
  '%a_\\',
  '',
  ',',
  '1e400',
  '\u0000',
  '\ud800',
  '🦊',
  'null',
  '9'.repeat(40),
  'a'.repeat(3000),
];
const TYPES = ['application/vnd.api+json', 'application/json', 'text/plain', 'a', ''];
const ACCEPTS = [
  'application/vnd.api+json',
  '*/*',
  'text/html',
  ';;',
  'application/vnd.api+json;v=1, */*;q=0',
];

let server: TestServer;
let tokens: string[];
let ids: string[];
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

beforeAll(async () => {
  server = await startServer();
  const { directory, record } = server.annals;
  const { id } = (await directory.organization('default')) as { id: string };
  const maker = new HistoryMaker(random);
  await record(
    id,
    Array.from({ length: 60 }, () => maker.next()),
  );
  ids = maker.expected.map((version) => version.id);
  const { secret } = await newToken(directory, ['read']);
  tokens = [server.token, server.token, server.token, secret, 'nobody', 'a.b.c'];
});
afterAll(async () => {
  agent.destroy();
  await server.stop();
});

describe('random and mutated requests', () => {
  it('get documented answers alone', async () => {
    const seen = new Set<number>();
    const work = async (): Promise<void> => {
      for (let left = REQUESTS / 16; left > 0; left--) {
        const wanted = randomRequest();
        const answer = await send(wanted);
        const shown = `${JSON.stringify(wanted).slice(0, 600)} answered ${answer.body}; ${hint}`;
        // Who sends too many wrong tokens is told so.
        expect([...DOCUMENTED, 429], shown).toContain(answer.status);
        expect(answer.type, shown).toBe('application/vnd.api+json');
        if (wanted.method !== 'HEAD') {
          const { errors } = JSON.parse(answer.body) as { errors?: { status: string }[] };
          expect(errors?.[0]?.status ?? '200', shown).toBe(String(answer.status));
        }
        seen.add(answer.status);
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    seen.delete(429);
    expect([...seen].sort(), hint).toEqual(DOCUMENTED);
  });
});

function randomRequest(): Wanted {
  const parameters = Array.from(
    { length: random.below(4) },
    () => `${encoded(randomName())}=${encoded(randomValue())}`,
  );
  const path = random
    .pick(PATHS)
    .replace('ID', () => random.pick([...ids, 'abc', '%20', '%F0%9F%A6%8A', 'a'.repeat(300)]));
  const method = random.chance(0.85) ? 'GET' : random.pick(['POST', 'PATCH', 'DELETE', 'PUT', 'HEAD']);
  return {
    method,
    path: `${path}${parameters.length > 0 ? '?' : ''}${mutated(parameters.join('&'))}`,
    headers: {
      ...(random.chance(0.95) ? { authorization: `Bearer ${random.pick(tokens)}` } : {}),
      ...(random.chance(0.5) ? { 'content-type': random.pick(TYPES) } : {}),
      ...(random.chance(0.2) ? { accept: random.pick(ACCEPTS) } : {}),
    },
    body:
      method === 'GET' || method === 'HEAD' || random.chance(0.5)
        ? undefined
        : random.pick(['', '{', '{"data":{}}', 'x']),
  };
}

function randomName(): string {
  if (random.chance(0.4)) return random.pick(NAMES);
  const attributes = Array.from({ length: 1 + random.below(2) }, () => random.pick(ATTRIBUTES)).join('_or_');
  return `filter[q][${attributes}_${random.pick(PREDICATES)}]`;
}

function randomValue(): string {
  return random.chance(0.2) ? `${random.pick(VALUES)},${random.pick(VALUES)}` : random.pick(VALUES);
}

function encoded(part: string): string {
  return random.chance(0.9) ? encodeURIComponent(part.toWellFormed()) : part.replace(/[^!-~]|[#?]/gu, '%');
}

/** Now and then a character is lost, doubled, or another. */
function mutated(query: string): string {
  if (query === '' || random.chance(0.7)) return query;
  const at = random.below(query.length);
  const instead = random.pick(['', query.slice(at, at + 1).repeat(2), '%', '&', '[', ']', '=', '+', '%FF']);
  return query.slice(0, at) + instead + query.slice(at + 1);
}

function send({
  method,
  path,
  headers,
  body,
}: Wanted): Promise<{ status: number; type: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const framed = body === undefined ? headers : { ...headers, 'content-length': String(body.length) };
    const outgoing = request(`${server.url}/`, { method, path, headers: framed, agent }, (response) => {
      text(response).then(
        (content) =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'],
            body: content,
          }),
        reject,
      );
    });
    outgoing.on('error', reject).end(body);
  });
}
