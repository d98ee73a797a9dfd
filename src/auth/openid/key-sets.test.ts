import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type FlattenedJWSInput, generateKeyPair } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type KeySets, makeKeySets } from './key-sets.ts';

const HEADER = { alg: 'ES256', kid: 'one' };
const TOKEN: FlattenedJWSInput = { payload: '', signature: '' };

let server: Server;
let url: string;
let keys: string;
let answer: (response: ServerResponse) => void;
let asked: string[];
let nowMs: number;
let warnings: object[];
let sets: KeySets;

beforeAll(async () => {
  const { publicKey } = await generateKeyPair('ES256');
  keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] });
  server = createServer((request, response) => {
    asked.push(request.url as string);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  asked = [];
  warnings = [];
  nowMs = 0;
  answer = (response) => response.end(keys);
  const warn = (facts: object): void => void warnings.push(facts);
  sets = makeKeySets(() => nowMs, { warn, debug: () => undefined });
});

const find = async (at = url, kid = 'one'): Promise<unknown> => {
  const keySet = await sets.at(at);
  return keySet({ ...HEADER, kid }, TOKEN);
};

it('asks once for many, and keeps what it got', async () => {
  await Promise.all([find(), find(), find()]);
  await find();
  expect(asked).toEqual(['/keys']);
});

it('does not ask again at once for a key that is not there', async () => {
  await find();
  for (let tries = 0; tries < 5; tries++) await expect(find(url, 'two')).rejects.toThrow();
  expect(asked).toEqual(['/keys']);
});

const FAILURES: [why: string, answer: (response: ServerResponse) => void, reason: string][] = [
  ['an error', (response) => response.writeHead(500).end(keys), 'the answer has the status 500'],
  [
    'another place, to which it does not go',
    (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    'the answer has the status 302',
  ],
  ['no JSON', (response) => response.end('internal <secrets>'), 'the answer is no JSON Web Key Set'],
  ['no keys', (response) => response.end('{"keys": 7}'), 'the answer is no JSON Web Key Set'],
  [
    'more than anyone needs',
    (response) => response.end(`${' '.repeat(300_000)}${keys}`),
    'the answer has more than 262144 bytes',
  ],
  [
    'more than anyone needs, without saying so, and without an end',
    (response) => {
      const timer = setInterval(() => response.write(' '.repeat(65_536)), 1);
      response.on('close', () => clearInterval(timer));
    },
    'the answer has more than 262144 bytes',
  ],
  ['nothing', (response) => void response.socket?.destroy(), 'fetch failed: other side closed'],
  [
    'half an answer, and waits',
    (response) => void response.write('{"keys":'),
    'The operation was aborted due to timeout',
  ],
];

it.each(FAILURES)(
  'refuses where the answer is %s; says so once, and asks again later',
  async (_why, wrong, reason) => {
    answer = wrong;
    const tries = await Promise.allSettled([find(), find(), find()]);
    expect(tries.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    await expect(find()).rejects.toThrow();
    expect(asked).toEqual(['/keys']);
    expect(warnings).toEqual([{ url, reason }]);

    answer = (response) => response.end(keys);
    nowMs += 1_999;
    await expect(find()).rejects.toThrow();
    nowMs += 1;
    await find();
    expect(asked).toEqual(['/keys', '/keys']);
  },
);

it('keeps places apart', async () => {
  await find();
  await find(`${url}?of=another`);
  expect(asked).toEqual(['/keys', '/keys?of=another']);
});
