// Several servers write to one organization: nobody starves, and whoever hears nothing of the others is
// right all the same.

import { hash, randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sha256 } from '../src/core/merkle.ts';
import { SALT_BYTES } from '../src/core/section.ts';
import { makeRecorder } from '../src/ingest/record.ts';
import { verifyLog } from '../src/query/verify.ts';
import { openPostgresAudit } from '../src/store/postgres/audit.ts';
import { openPostgresStore } from '../src/store/postgres/postgres-store.ts';
import { startServer, type TestServer } from './harness.ts';
import { createDatabase, type TestDatabase } from './postgres.ts';
import { makeRandom } from './random.ts';

const sha256: Sha256 = (data) => hash('sha256', data, 'buffer');
const random = makeRandom();
const hint = `ANNALS_SEED=${random.seed} repeats the choices of this run`;

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const SERVERS = 4;
const WRITERS = 8;
const CHANGES = 1_500;

describe('four servers that write to one organization all the time', () => {
  it('get a share each, and no change waits while many others pass it', async () => {
    const log = randomUUID();
    const stores = await Promise.all(Array.from({ length: SERVERS }, () => openPostgresStore(database.url)));
    const shares = stores.map(() => 0);
    let recorded = 0;
    let mostPassed = 0;
    const writing = stores.map(async (store, server) => {
      const sealing = { now: () => Date.now() * 1000, salt: () => randomBytes(SALT_BYTES), sha256 };
      const { record } = makeRecorder(store, sealing);
      const write = async (writer: number): Promise<void> => {
        while (recorded < CHANGES) {
          const resource = { type: 'things', id: String(writer % 3) };
          const actor = { type: 'user', id: `server-${server}` } as const;
          const before = recorded;
          await record(log, [{ id: randomUUID(), resource, action: 'update', actor, after: { before } }]);
          recorded += 1;
          shares[server] = (shares[server] as number) + 1;
          mostPassed = Math.max(mostPassed, recorded - before);
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    });
    await Promise.all(writing);
    for (const store of stores) await store.close();
    // A fair share is a quarter; whoever starves has next to nothing.
    expect(Math.min(...shares), `shares ${shares}`).toBeGreaterThan(CHANGES / SERVERS / 4);
    expect(mostPassed).toBeLessThan(10 * SERVERS * WRITERS);
    await expectVerified(recorded);
  });
});

describe('servers that hear nothing of each other', () => {
  let servers: TestServer[];
  beforeEach(async () => {
    servers = [];
    for (let count = 0; count < 3; count++) servers.push(await startServer(`${database.url}?listen=off`));
  });
  afterEach(async () => {
    for (const server of servers) await server.stop();
  });

  it('read what any of them wrote, and change states as they are, not as they knew them', async () => {
    const states = new Map<string, { state: Record<string, number>; version: number }>();
    for (let step = 0; step < 250; step++) {
      const id = String(random.below(4));
      const known = states.get(id);
      const server = random.pick(servers);
      const path = `/v1/resources/things/${id}`;
      if (random.chance(0.4) && known !== undefined) {
        const { json, headers } = await server.request('GET', path);
        expect(json, hint).toMatchObject({ version: known.version, state: known.state });
        const etag = { 'if-match': headers.get('etag') as string };
        const other = random.pick(servers);
        const next = { state: { step }, version: known.version + 1 };
        const put = await other.request('PUT', path, next.state, etag);
        expect(put.json, hint).toMatchObject({ version: next.version, continuity: 'continuous' });
        states.set(id, next);
        expect((await server.request('PUT', path, { step: -1 }, etag)).status, hint).toBe(412);
      } else {
        const patch = { [`k${random.below(5)}`]: step };
        const next = { state: { ...known?.state, ...patch }, version: (known?.version ?? 0) + 1 };
        const answer = await server.request(known === undefined ? 'PUT' : 'PATCH', path, patch);
        expect(answer.json, `${answer.text}, ${hint}`).toMatchObject({ version: next.version });
        states.set(id, next);
      }
    }
    const { size } = (await (servers[0] as TestServer).request('GET', '/v1/head')).json as { size: number };
    await expectVerified(size);
  });

  it('refuse a token that another one revoked, after a while', async () => {
    const [first, second] = servers as [TestServer, TestServer];
    const made = await first.request('POST', '/v1/tokens', { name: 'ci', scopes: ['read'] });
    const { id, secret } = made.json as { id: string; secret: string };
    const statusOnSecond = async (): Promise<number> =>
      (await second.request('GET', '/v1/changes', undefined, { authorization: `Bearer ${secret}` })).status;
    expect(await statusOnSecond(), made.text).toBe(200);
    await first.request('DELETE', `/v1/tokens/${id}`);
    while ((await statusOnSecond()) === 200) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await statusOnSecond()).toBe(401);
  });
});

async function expectVerified(size: number): Promise<void> {
  const audit = await openPostgresAudit(database.url);
  const [log] = await audit.logs();
  const verified = await verifyLog(audit, log as string, sha256);
  await audit.close();
  expect({ size: verified.size, disagreement: verified.disagreement }, hint).toEqual({
    size,
    disagreement: undefined,
  });
}
