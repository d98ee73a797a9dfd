// Access tokens by the clock: when they end, and how often an address may ask for one.

import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeServer, type Server } from '../src/server.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import { makeRandom } from './random.ts';
import { newToken } from './tokens.ts';

interface Client {
  id: string;
  secret: string;
}
interface Issued {
  access_token: string;
  expires_in: number;
  created_at: number;
}

const FORM = 'application/x-www-form-urlencoded';

function basic({ id, secret }: Client): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

function grant({ id, secret }: Client): Record<string, string> {
  return { grant_type: 'client_credentials', client_id: id, client_secret: secret };
}

describe('time', () => {
  const START_MS = Date.UTC(2026, 0, 1);
  let nowMs: number;
  let timed: Server;
  let theirs: Client;

  beforeAll(async () => {
    nowMs = START_MS;
    timed = await makeServer({
      store: openMemoryStore(),
      rootToken: 'root-token-of-the-tests',
      logger: pino({ level: 'silent' }),
      now: () => nowMs * 1000,
      nowMs: () => nowMs,
      uuid: () => crypto.randomUUID(),
    });
    theirs = await newToken(timed.annals.directory, ['read']);
  });
  afterAll(() => timed.stop());

  const ask = (token: string) =>
    timed.app.inject({ method: 'GET', url: '/v1/head', headers: { authorization: `Bearer ${token}` } });
  const buy = () => timed.app.inject({ method: 'POST', url: '/oauth/token', payload: grant(theirs) });

  it('ends an access token to the second, although its bearer is remembered', async () => {
    const { access_token: token, created_at: createdAt, expires_in: lifetime } = (await buy()).json<Issued>();
    expect(createdAt).toBe(START_MS / 1000);
    nowMs = START_MS + lifetime * 1000 - 1000;
    expect((await ask(token)).statusCode).toBe(200);
    nowMs += 999;
    expect((await ask(token)).statusCode).toBe(200);
    nowMs += 1;
    expect((await ask(token)).statusCode).toBe(401);
  });

  it('slows down an address that asks too often, and lets it in again', async () => {
    nowMs += 600_000;
    const answers = [];
    for (let asked = 0; asked < 601; asked++) {
      answers.push(await timed.app.inject({ method: 'POST', url: '/oauth/token', payload: {} }));
    }
    expect(answers.slice(0, 600).every(({ statusCode }) => statusCode === 400)).toBe(true);
    expect(answers[0]?.headers).toMatchObject({
      'x-ratelimit-limit': '600',
      'x-ratelimit-interval': '60',
      'x-ratelimit-remaining': '599',
    });
    expect(answers[600]?.statusCode).toBe(429);
    expect(answers[600]?.headers['retry-after']).toBe('60');
    expect(answers[600]?.json()).toMatchObject({ error: 'too_many_requests' });
    nowMs += 61_000;
    expect((await buy()).statusCode).toBe(200);
  });

  it('answers random requests with documented refusals', async () => {
    const given = process.env.ANNALS_SEED;
    const random = makeRandom(given === undefined ? undefined : Number(given));
    const known = { ...grant(theirs), scope: 'read', token: 'a.b.c', nothing: 'x' };
    const seen = new Set<number>();
    for (let left = 1000; left > 0; left--) {
      nowMs += 1000;
      const members = Object.entries(known).filter(() => random.chance(0.6));
      const mutated = members.map(([name, value]) => [
        name,
        random.chance(0.1) ? random.pick(['', '\ud800', '🦊', '\0', 'a'.repeat(2000)]) : value,
      ]);
      const isForm = random.chance(0.5);
      const payload = isForm
        ? new URLSearchParams(mutated as [string, string][]).toString()
        : JSON.stringify(Object.fromEntries(mutated));
      const at = random.below(payload.length + 1);
      const request = {
        method: 'POST' as const,
        url: random.pick([
          '/oauth/token',
          '/oauth/token?scope=read',
          '/oauth/revoke',
          '/oauth/revoke?token=%FF',
        ]),
        headers: {
          'content-type': random.pick([
            isForm ? FORM : 'application/json',
            'application/json',
            FORM,
            'text/plain',
          ]),
          ...(random.chance(0.3)
            ? { authorization: random.pick([basic(theirs), 'Basic', 'Basic Og==', 'Bearer x', 'Basic ////']) }
            : {}),
        },
        payload: random.chance(0.7)
          ? payload
          : payload.slice(0, at) + random.pick(['', '{', '&', '%', '\u0001']) + payload.slice(at + 1),
      };
      const { statusCode, body } = await timed.app.inject(request);
      const shown = `${JSON.stringify(request)} answered ${body}; ANNALS_SEED=${random.seed} repeats this run`;
      expect([200, 400, 401], shown).toContain(statusCode);
      expect(statusCode === 200 || 'error' in (JSON.parse(body) as object), shown).toBe(true);
      seen.add(statusCode);
    }
    expect([...seen].sort()).toEqual([200, 400, 401]);
  });
});
