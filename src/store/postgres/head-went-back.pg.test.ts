// An older backup was restored under a running server, and another server has written to it since: the log is as long as
// it was, or longer, and yet what the first server acknowledged is gone.

import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import type { Receipt } from '../../core/entry.ts';
import { SALT_BYTES } from '../../core/section.ts';
import { makeRecorder } from '../../ingest/record.ts';
import { sha256 } from '../contract-batches.ts';
import type { Store } from '../store.ts';
import { openPostgresStore } from './postgres-store.ts';

const log = randomUUID();
const TABLES = ['logs', 'entries', 'streams', 'filed', 'marks', 'spans', 'resources', 'nodes'];

let database: TestDatabase;
const stores: Store[] = [];

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await database.drop();
});

/** A server that hears nothing of others. */
async function opened(): Promise<Store> {
  const store = await openPostgresStore(`${database.url}?listen=off`);
  stores.push(store);
  return store;
}

/** What records single changes on a store, one after the other. */
function writerOn(store: Store): (changes: number) => Promise<Receipt[]> {
  const sealing = { now: () => Date.now() * 1000, salt: () => randomBytes(SALT_BYTES), sha256 };
  const { record } = makeRecorder(store, sealing);
  const actor = { type: 'user', id: 'ada' } as const;
  return async (changes) => {
    const receipts: Receipt[] = [];
    for (let count = 0; count < changes; count++) {
      const resource = { type: 'things', id: '1' };
      const after = { random: randomUUID() };
      receipts.push(...(await record(log, [{ id: randomUUID(), resource, action: 'update', actor, after }])));
    }
    return receipts;
  };
}

const back = (name: string): Promise<unknown> =>
  sql(
    database.url,
    `CREATE SCHEMA ${name}; ${TABLES.map((table) => `CREATE TABLE ${name}.${table} AS TABLE annals.${table}`).join(';')}`,
  );
const restore = (name: string): Promise<unknown> =>
  sql(
    database.url,
    TABLES.map(
      (table) => `DELETE FROM annals.${table}; INSERT INTO annals.${table} SELECT * FROM ${name}.${table}`,
    ).join(';'),
  );

describe('a head that went back, and on again', () => {
  it.each([
    ['less than the server has seen', 1],
    ['as much', 2],
    ['one more', 3],
    ['many more', 40],
  ])('is refused when another server has written %s', async (_, written) => {
    const store = await opened();
    const write = writerOn(store);
    await write(4);
    await back('older');
    await write(2);
    await back('newer');
    await restore('older');
    const other = writerOn(await opened());
    await other(written);

    const refusal = { code: 'head_went_back', message: expect.stringContaining('restart all servers') };
    // By a writer that knows the head that it left, and by one that reads it.
    await expect(write(1)).rejects.toMatchObject(refusal);
    await expect(write(1)).rejects.toMatchObject(refusal);
    await expect(writerOn(store)(1)).rejects.toMatchObject(refusal);
    expect((await store.tip(log)).tree.size).toBe(4 + written);
    // The other one has started on it, and goes on.
    expect(await other(1)).toMatchObject([{ position: 4 + written }]);

    await restore('newer');
    expect(await write(1)).toMatchObject([{ position: 6 }]);
  });

  it('is no matter of a log that others have only written to', async () => {
    const servers = [writerOn(await opened()), writerOn(await opened()), writerOn(await opened())];
    for (let position = 0; position < 60; position++) {
      const write = servers[position % 3] as (changes: number) => Promise<Receipt[]>;
      expect(await write(1)).toMatchObject([{ position }]);
    }
  });
});
