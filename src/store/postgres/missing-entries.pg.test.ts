// A year was taken out of the database by hand. What needs its entries is refused, and nothing is made up.

import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { SALT_BYTES } from '../../core/section.ts';
import { makeRecorder } from '../../ingest/record.ts';
import { START as START_2026, sha256 } from '../contract-batches.ts';
import type { Store } from '../store.ts';
import { openPostgresStore } from './postgres-store.ts';

const START_2027 = START_2026 + 365 * 86_400_000_000;
const log = randomUUID();

let database: TestDatabase;
let store: Store;

beforeEach(async () => {
  database = await createDatabase();
  store = await openPostgresStore(database.url);
});
afterEach(async () => {
  await store.close();
  await database.drop();
});

async function write(now: number, id: string): Promise<void> {
  const { record } = makeRecorder(store, { now: () => now, salt: () => randomBytes(SALT_BYTES), sha256 });
  const actor = { type: 'user', id: 'ada' } as const;
  await record(log, [{ id: randomUUID(), resource: { type: 't', id }, action: 'update', actor, after: {} }]);
}

/** The rows of every table that has a log. */
async function rows(): Promise<unknown> {
  const tables = ['logs', 'entries', 'filed', 'streams', 'resources', 'nodes', 'spans'];
  const counts = tables.map((table) => `(SELECT jsonb_agg(to_jsonb(x)) FROM annals.${table} x) AS ${table}`);
  return sql(database.url, `SELECT ${counts.join(', ')}`);
}

describe('a year that was detached by hand', () => {
  const detach = (): Promise<unknown> =>
    sql(database.url, 'ALTER TABLE annals.entries DETACH PARTITION annals.entries_2026');
  const refusal = (what: string): object => ({
    code: 'internal',
    message: expect.stringContaining(`entries of the log ${log} are missing in the database: ${what}`),
  });

  it('has the last leaf of a log: there is no head, and nothing is sealed on it', async () => {
    await write(START_2026, 'a');
    await detach();
    const before = await rows();
    const noHead = refusal('its head at 1 is not whole');
    await expect(store.tip(log)).rejects.toMatchObject(noHead);
    await expect(write(START_2027, 'b')).rejects.toMatchObject(noHead);
    expect(await rows()).toEqual(before);
  });

  it('has the latest state of a resource: it is not given as none, and nothing is recorded on it', async () => {
    await write(START_2026, 'a');
    await write(START_2027, 'b');
    await detach();
    const before = await rows();
    const noState = refusal('the latest state of t/a is in the one at position 0');
    const resource = { type: 't', id: 'a' };
    await expect(store.latest(log, [resource])).rejects.toMatchObject(noState);
    await expect(store.resource(log, resource)).rejects.toMatchObject(noState);
    await expect(store.resources(log, undefined, undefined, 10)).rejects.toMatchObject(noState);
    await expect(write(START_2027, 'a')).rejects.toMatchObject(noState);
    expect(await rows()).toEqual(before);
  });
});
