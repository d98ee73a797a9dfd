// What is particular to PostgreSQL: several servers on one database, its types, its partitions.

import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { streamOf } from '../../core/streams.ts';
import { appendAll, LogSealer, Random, START as START_2026, testSeed } from '../contract-batches.ts';
import { changeOf, randomChanges } from '../contract-changes.ts';
import { filtersOf, matching, modelOf, plain, plainTip } from '../contract-model.ts';
import type { News, Store } from '../store.ts';
import { openPostgresStore } from './postgres-store.ts';

const WHOLE = { streams: [] };
const FORWARDS = { by: 'position', order: 'asc', limit: 1000 } as const;
const ALL_PARTS = { states: true, seals: true };

let database: TestDatabase;
let stores: Store[];
const seed = testSeed();
const hint = `ANNALS_SEED=${seed} repeats this run`;
const newSealer = (): LogSealer => new LogSealer(randomUUID(), new Random(seed));

beforeEach(async () => {
  database = await createDatabase();
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  await database.drop();
});

async function opened(parameters = ''): Promise<Store> {
  const store = await openPostgresStore(database.url + parameters);
  stores.push(store);
  return store;
}

/** Every entry, and the size and the last page of every stream. */
async function expectAllOf(store: Store, { log, tip, written }: LogSealer): Promise<void> {
  expect(plainTip(await store.tip(log)), hint).toEqual(plainTip(tip));
  const model = modelOf(written);
  const rows = await store.select(log, WHOLE, FORWARDS, ALL_PARTS);
  expect(rows.map(plain), hint).toEqual(model.map(({ stored }) => plain(stored)));
  for (const filter of filtersOf(model)) {
    const expected = matching(model, { filters: [filter] });
    const selection = { streams: [filter.stream] };
    const skip = Math.max(0, expected.length - 2);
    expect(await store.count(log, selection), `${filter.stream}, ${hint}`).toBe(expected.length);
    const lastTwo = await store.select(log, selection, { ...FORWARDS, skip });
    expect(
      lastTwo.map(({ position }) => position),
      `${filter.stream}, ${hint}`,
    ).toEqual(expected.slice(skip).map(({ stored }) => stored.position));
  }
}

describe('a database of several servers', () => {
  it('has everything when it is opened again', async () => {
    const sealer = newSealer();
    const first = await opened();
    await appendAll(first, sealer, randomChanges(sealer.random, 80), 7);
    await first.close();
    const second = await opened();
    await expectAllOf(second, sealer);
    await appendAll(second, sealer, randomChanges(sealer.random, 80), 7);
    await expectAllOf(second, sealer);
  });

  it('takes the appends of servers that take turns', async () => {
    const sealer = newSealer();
    const servers = [await opened(), await opened()];
    for (let turn = 0; turn < 8; turn++) {
      await appendAll(servers[turn % 2]!, sealer, randomChanges(sealer.random, 15), 4);
    }
    for (const server of servers) await expectAllOf(server, sealer);
  });

  it('tells a server that another one moved a head, or added an organization', async () => {
    const [ours, theirs] = [await opened(), await opened()];
    const news = heard(ours);
    const own = heard(theirs);
    await until(() => news.length > 0 && own.length > 0);
    const sealer = newSealer();
    await appendAll(theirs, sealer, [changeOf(sealer.random)]);
    await until(() => news.some(({ kind }) => kind === 'head'));
    const organization = { id: randomUUID(), slug: 'ours', name: 'Ours', createdAt: START_2026 };
    await theirs.addOrganization(organization);
    await until(() => news.some(({ kind }) => kind === 'access'));
    expect(news).toEqual([
      { kind: 'missed' },
      { kind: 'head', log: sealer.log, size: 1 },
      { kind: 'access' },
    ]);
    expect(own).toEqual([{ kind: 'missed' }]);
  });

  it('says that news was missed when the connection that listens was ended, and listens again', async () => {
    const [ours, theirs] = [await opened(), await opened()];
    const news = heard(ours);
    await until(() => news.length === 1);
    await sql(
      database.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query = 'LISTEN annals'`,
    );
    await until(() => news.length === 2);
    const sealer = newSealer();
    await appendAll(theirs, sealer, [changeOf(sealer.random)]);
    await until(() => news.length === 3);
    expect(news.map(({ kind }) => kind)).toEqual(['missed', 'missed', 'head']);
  });

  it('listens to nothing where that is switched off', async () => {
    const [ours, theirs] = [await opened('?listen=off'), await opened()];
    const news = heard(ours);
    const sealer = newSealer();
    await appendAll(theirs, sealer, [changeOf(sealer.random)]);
    const listening = await sql(
      database.url,
      `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND query = 'LISTEN annals'`,
    );
    expect([listening, news]).toEqual([[], []]);
  });

  it('works with statements that are prepared under a name', async () => {
    const sealer = newSealer();
    const store = await opened('?prepare=on&pool_size=3');
    await appendAll(store, sealer, randomChanges(sealer.random, 60), 6);
    await expectAllOf(store, sealer);
  });
});

describe('a head that went back', () => {
  it('is refused, and accepted by a server that starts on it', async () => {
    const sealer = newSealer();
    const store = await opened();
    await appendAll(store, sealer, randomChanges(sealer.random, 12), 4);
    await sql(
      database.url,
      `UPDATE annals.logs SET size = 8;
      DELETE FROM annals.entries WHERE position >= 8; DELETE FROM annals.filed WHERE position >= 8; DELETE FROM annals.nodes WHERE (node + 1) << level > 8`,
    );
    const older = new LogSealer(sealer.log, new Random(seed + 1));
    older.tip = await store.tip(sealer.log);
    const batch = older.batch([changeOf(older.random)]);
    await expect(store.append(sealer.log, 8, batch)).rejects.toMatchObject({
      code: 'head_went_back',
      message: expect.stringContaining('has 8 entries in the database, and this server has seen 12'),
    });
    expect((await store.tip(sealer.log)).tree.size).toBe(8);
    const restarted = await opened();
    expect(await restarted.append(sealer.log, 8, batch)).toEqual({ outcome: 'appended' });
  });
});

describe('tables', () => {
  it('can be read by people, as values of their own types', async () => {
    const sealer = newSealer();
    const store = await opened();
    const organization = { id: sealer.log, slug: 'geo', name: 'Geo', createdAt: START_2026 };
    await store.addOrganization(organization);
    const resource = { type: 'countries', id: 'CHE', name: 'Schweiz' };
    const context = { ip: '192.0.2.7' };
    await appendAll(store, sealer, [
      changeOf(sealer.random, { resource, occurredAt: -1, after: { name: 'Suisse', area: 1e21 }, context }),
      changeOf(sealer.random, { resource, action: 'delete', context: { ip: 'not an address' } }),
      changeOf(sealer.random, { resource, action: 'access', context: { ip: '2001:db8::7' } }),
    ]);
    const rows = await sql(
      database.url,
      `SELECT organization, position, occurred_at::text, resource_id, resource_name, action, actor_id, host(ip) AS ip,
        before ->> 'name' AS before, (after -> 'area')::numeric::text AS area, pg_typeof(before)::text AS states,
        pg_typeof(id)::text AS ids, pg_typeof(leaf_hash)::text AS hashes
      FROM annals_entries WHERE organization = 'geo' AND resource_id = 'CHE' ORDER BY position`,
    );
    const types = { states: 'jsonb', ids: 'uuid', hashes: 'bytea' };
    const common = {
      organization: 'geo',
      resource_id: 'CHE',
      resource_name: 'Schweiz',
      actor_id: 'ada',
      ...types,
    };
    expect(rows).toMatchObject([
      {
        ...common,
        position: '0',
        action: 'update',
        before: null,
        area: '1000000000000000000000',
        ip: '192.0.2.7',
        occurred_at: '1969-12-31 23:59:59.999999+00',
      },
      { ...common, position: '1', action: 'delete', before: 'Suisse', area: null, ip: null },
      { ...common, position: '2', action: 'access', before: null, area: null, ip: '2001:db8::7' },
    ]);
  });

  it('gives numbers that jsonb words anew as they were', async () => {
    const sealer = newSealer();
    const store = await opened();
    const after = {
      numbers: [1e21, -0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, 2 ** 53 - 1, -1e-7, 100, 1.5e300],
    };
    await appendAll(store, sealer, [
      changeOf(sealer.random, { after }),
      changeOf(sealer.random, { after: { ö: 1, a: 2 } }),
    ]);
    const [first, second] = await store.select(sealer.log, WHOLE, FORWARDS, ALL_PARTS);
    expect(first?.after).toBe(sealer.written[0]?.entry.after?.text);
    expect(first?.after).toContain(
      '[1e+21,0,5e-324,1.7976931348623157e+308,0.1,0.3333333333333333,9007199254740991',
    );
    expect(second?.before).toBe(first?.after);
    expect(second?.after).toBe('{"a":2,"ö":1}');
    expect((await store.latest(sealer.log, [{ type: 'countries', id: 'CHE' }]))[0]?.state?.text).toBe(
      '{"a":2,"ö":1}',
    );
  });

  it('keeps streams of names that are too long for an index', async () => {
    const sealer = newSealer();
    const store = await opened();
    const [one, other] = ['x'.repeat(100_000), `${'x'.repeat(100_000)}y`];
    await appendAll(store, sealer, [
      changeOf(sealer.random, { after: { [one]: 1 } }),
      changeOf(sealer.random, { after: { [one]: 2, [other]: 1 } }),
    ]);
    expect(await store.count(sealer.log, { streams: [streamOf.changed(one)] })).toBe(2);
    expect(await store.count(sealer.log, { streams: [streamOf.changed(other)] })).toBe(1);
  });

  it('makes partitions for a year when its first entry comes, and reads on over the turn of years', async () => {
    const sealer = newSealer();
    const store = await opened();
    const changes = randomChanges(sealer.random, 90);
    for (let year = 0; year < 3; year++) {
      await appendAll(store, sealer, changes.slice(year * 30, year * 30 + 30), 8);
      // The sealer's next batch is recorded a year later, which the tip's `recordedAt` carries over.
      sealer.tip = { ...sealer.tip, recordedAt: START_2026 + (year + 1) * 366 * 86_400_000_000 };
    }
    sealer.tip = { ...sealer.tip, recordedAt: sealer.written.at(-1)!.entry.recordedAt };
    const parts = await sql<{ name: string; count: string }>(
      database.url,
      `SELECT 'entries_2026' AS name, count(*)
      FROM annals.entries_2026 UNION ALL SELECT 'entries_2028', count(*) FROM annals.entries_2028 ORDER BY name`,
    );
    expect(parts.map(({ count }) => Number(count)).every((count) => count >= 30)).toBe(true);
    await expectAllOf(store, sealer);
    await expectPagesOver(store, sealer);
  });
});

/** Pages of every stream, forwards and backwards, behind every tenth entry. */
async function expectPagesOver(store: Store, { log, written }: LogSealer): Promise<void> {
  const model = modelOf(written);
  for (const filter of filtersOf(model)) {
    const all = matching(model, { filters: [filter] }).map(({ stored }) => stored.position);
    for (let position = 5; position < 90; position += 10) {
      const behind = { position, occurredAt: 0 };
      const page = async (order: 'asc' | 'desc'): Promise<number[]> => {
        const range = { by: 'position', order, limit: 100, behind } as const;
        return (await store.select(log, { streams: [filter.stream] }, range)).map((row) => row.position);
      };
      const message = `${filter.stream} behind ${position}, ${hint}`;
      expect(await page('asc'), message).toEqual(all.filter((other) => other > position));
      expect(await page('desc'), message).toEqual(all.filter((other) => other < position).reverse());
    }
  }
}

function heard(store: Store): News[] {
  const news: News[] = [];
  store.subscribe?.((one) => news.push(one));
  return news;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries === 500) throw new Error('what was waited for did not come within ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
