import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { storeContract } from '../contract.ts';
import { appendAll, LogSealer, Random, START, testSeed } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import type { Store } from '../store.ts';
import { openPostgresStore } from './postgres-store.ts';

const SECOND = 1_000_000;
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

describe.each(['off', 'on'])(
  'a database that was empty when its statements were planned, named statements %s',
  (prepare) => {
    /** Plans are kept when a statement has been run five times. */
    const KEPT = 10;
    const LARGE = 2000;
    let database: TestDatabase;
    let store: Store;
    let sealer: LogSealer;

    beforeEach(async () => {
      database = await createDatabase();
      store = await openPostgresStore(`${database.url}?prepare=${prepare}`);
      sealer = new LogSealer(LOG, new Random(testSeed()));
    });
    afterEach(() => database.drop());

    async function append(changes: number): Promise<void> {
      await appendAll(store, sealer, randomChanges(sealer.random, changes));
    }

    /** What indexes of these tables have given; a connection tells what it has read when it ends. */
    async function rowsRead(tables: string): Promise<number> {
      await store.close();
      const [read] = await sql<{ rows: number }>(
        database.url,
        `SELECT sum(idx_tup_read)::integer AS rows FROM pg_stat_all_indexes WHERE relname ~ '${tables}'`,
      );
      return read?.rows as number;
    }

    it('looks up the ids of an append in a large log as in a small one', async () => {
      for (let count = 0; count < KEPT; count++) await append(1);
      for (let size = 0; size < LARGE; size += 100) await append(100);
      // A plan for a small log would read half of it for each entry.
      expect(await rowsRead('^entries_2')).toBeLessThan(50 * LARGE);
    });

    it('looks up and clears away answers among many as among few', async () => {
      const day = 24 * 3600 * SECOND;
      const keep = async (count: number, keptAt: number): Promise<void> => {
        const answers = Array.from({ length: count }, () => ({
          key: sealer.random.uuid(),
          fingerprint: 'f',
          answer: '[]',
          keptAt: keptAt + sealer.random.below(SECOND),
        }));
        const { outcome } = await store.append(LOG, sealer.tip.tree.size, sealer.batch([], answers));
        expect(outcome).toBe('appended');
      };
      await append(1);
      for (let count = 0; count < KEPT; count++) await keep(1, START);
      await keep(LARGE, START);
      for (let count = 0; count < 100; count++) await keep(1, START + 2 * day);
      expect(await store.answer(LOG, 'none')).toBeUndefined();
      // Those that were cleared away are found once more, until the database has tidied up.
      expect(await rowsRead('^answers$')).toBeLessThan(100 * LARGE);
      const [kept] = await sql<{ count: number }>(
        database.url,
        'SELECT count(*)::integer FROM annals.answers',
      );
      expect(kept?.count).toBe(KEPT + LARGE + 100 - 100 * 10);
    });

    it('finds what was known at an instant in a large log as in a small one', async () => {
      const ask = (): Promise<unknown> => store.asOf(LOG, { type: 'orders', id: 'none' }, START, START);
      await append(1);
      for (let count = 0; count < KEPT; count++) await ask();
      await append(LARGE);
      for (let count = 0; count < 100; count++) await ask();
      expect(await rowsRead('^entries_2')).toBeLessThan(50 * LARGE);
    });

    it('reads heads, latest states and single entries of a large log as of a small one', async () => {
      const ask = async (): Promise<void> => {
        const { entry } = sealer.random.pick(sealer.written);
        const [latest] = await store.latest(LOG, [entry.resource]);
        const [found] = await store.find(LOG, [entry.id]);
        expect(latest?.version).toBeGreaterThanOrEqual(entry.version);
        expect(found?.position).toBe(entry.position);
        expect((await store.tip(LOG)).tree.size).toBe(sealer.tip.tree.size);
      };
      await append(1);
      for (let count = 0; count < KEPT; count++) await ask();
      await append(LARGE);
      for (let count = 0; count < 100; count++) await ask();
      expect(await rowsRead('^(entries_2|nodes|resources|streams)')).toBeLessThan(50 * LARGE);
    });
  },
);
