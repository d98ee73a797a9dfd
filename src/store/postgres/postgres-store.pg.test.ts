import { expect, it } from 'vitest';
import { createDatabase, sql } from '../../../test/postgres.ts';
import { storeContract } from '../contract.ts';
import { appendAll, LogSealer, Random, testSeed } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import { openPostgresStore } from './postgres-store.ts';

const LOG = '11111111-1111-4111-8111-111111111111';

storeContract('the PostgreSQL store', async () => {
  const database = await createDatabase();
  const store = await openPostgresStore(database.url);
  const close = async (): Promise<void> => {
    await store.close();
    await database.drop();
  };
  return { store, close };
});

it('appends at the same cost however large the log has become since a connection planned it', async () => {
  const database = await createDatabase();
  const store = await openPostgresStore(database.url);
  try {
    const random = new Random(testSeed());
    const sealer = new LogSealer(LOG, random);
    const append = async (changes: number): Promise<void> => {
      await appendAll(store, sealer, randomChanges(random, changes));
    };
    // Plans are kept when a statement has been run five times: of a table that has next to no rows yet.
    for (let count = 0; count < 10; count++) await append(1);
    for (let count = 0; count < 20; count++) await append(100);
  } finally {
    await store.close();
  }
  // What a connection has read is counted when it ends.
  const [read] = await sql<{ rows: number }>(
    database.url,
    `SELECT sum(idx_tup_read)::integer AS rows FROM pg_stat_all_indexes WHERE relname LIKE 'entries_2%'`,
  );
  await database.drop();
  // While there are few, any index will do; a kept plan reads half of the log for each entry, which is a thousand.
  expect(read?.rows).toBeLessThan(100 * 2010);
});
