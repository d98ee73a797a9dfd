// Two servers on one PostgreSQL: what is revoked or changed at one counts at the other within five seconds,
// also where the news of it never arrives.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresStore } from '../src/store/postgres/postgres-store.ts';
import type { Store } from '../src/store/store.ts';
import { createDatabase, type TestDatabase } from './postgres.ts';
import { Home, startWorld, type World } from './world.ts';

const WITHIN_MS = 5_000;

let database: TestDatabase;
let here: World;
let home: Home;
let admin: string;

beforeAll(async () => {
  database = await createDatabase();
  here = await startWorld({ store: await openPostgresStore(database.url) });
  home = await Home.of(here, 'default');
  admin = await home.builtIn('admin');
});
afterAll(async () => {
  await here?.stop();
  await database?.drop();
});

/** A store that hears nothing of other servers. */
async function deafStore(): Promise<Store> {
  const store = await openPostgresStore(database.url);
  return new Proxy(store, {
    get(target, name) {
      if (name === 'subscribe') return undefined;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** How long a token goes on to be answered with this status at a server. */
async function lastsMs(at: World, token: string, status: number): Promise<number> {
  const startedAtMs = performance.now();
  for (;;) {
    const askedAtMs = performance.now();
    const { status: got } = await at.ask(token, 'GET', '/v1/head');
    if (got !== status) return askedAtMs - startedAtMs;
    expect(askedAtMs - startedAtMs).toBeLessThan(2 * WITHIN_MS);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** For one that hears, time does not pass: it never asks again by itself, and knows what it knows by the news alone. */
const standingStill = { nowMs: () => 0 };

describe.each([
  {
    server: 'another server that hears of it',
    means: async () => ({ store: await openPostgresStore(database.url), ...standingStill }),
  },
  { server: 'another server that hears nothing', means: async () => ({ store: await deafStore() }) },
])('at $server', ({ means }) => {
  let there: World;
  beforeAll(async () => {
    there = await startWorld(await means());
  });
  afterAll(() => there?.stop());

  it('credentials, access tokens, members and roles end within five seconds', async () => {
    const nothing = await home.role('nothing');
    const [deleted, ending, weakened] = [
      await home.credential('deleted', admin),
      await home.credential('ends an access token', admin),
      await home.credential('weakened', admin),
    ];
    const role = await home.role('readers', 'read changes');
    const reader = await home.credential('reads', role);
    const { json } = await home.request('GET', `/api/roles/${role}/permissions`);
    const permission = (json as { data: { id: string }[] }).data[0]?.id as string;
    const member = await home.member(`leaves-${crypto.randomUUID()}@home.example`, admin);
    const [ofDeleted, ended] = [await home.accessToken(deleted), await home.accessToken(ending)];

    const ends: [token: string, after: number][] = [
      [deleted.secret, 401],
      [ofDeleted, 401],
      [ended, 401],
      [member.secret, 401],
      [weakened.secret, 403],
      [reader.secret, 403],
    ];
    for (const [token] of ends) expect((await there.ask(token, 'GET', '/v1/head')).status).toBe(200);

    await home.request('DELETE', `/api/api_credentials/${deleted.id}`);
    const { id: client_id, secret: client_secret } = ending;
    await here.ask(undefined, 'POST', '/oauth/revoke', { body: { client_id, client_secret, token: ended } });
    await home.request('DELETE', `/api/memberships/${member.id}`);
    await home.update('api_credentials', weakened.id, {}, { role: nothing });
    await home.update('permissions', permission, { can_read: false });

    const lasted = await Promise.all(ends.map(([token]) => lastsMs(there, token, 200)));
    expect(Math.max(...lasted)).toBeLessThanOrEqual(WITHIN_MS);
    for (const [token, after] of ends) {
      expect((await there.ask(token, 'GET', '/v1/head')).status).toBe(after);
      expect((await here.ask(token, 'GET', '/v1/head')).status).toBe(after);
    }
  });

  it('a credential that was made at the first is known at once, and so are more rights soon', async () => {
    const nothing = await home.role('nothing');
    const { id, secret } = await home.credential('new', nothing);
    expect((await there.ask(secret, 'GET', '/v1/head')).status).toBe(403);
    await home.update('api_credentials', id, {}, { role: admin });
    expect(await lastsMs(there, secret, 403)).toBeLessThanOrEqual(WITHIN_MS);
  });
});
