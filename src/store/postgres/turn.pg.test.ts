import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { appendAll, LogSealer, Random } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import type { AppendResult, Store, Turn } from '../store.ts';
import { openPostgresStore } from './postgres-store.ts';

describe('servers that take turns, and one that appends without', () => {
  let database: TestDatabase;
  let stores: [Store, Store, Store];
  beforeAll(async () => {
    database = await createDatabase();
    const open = (): Promise<Store> => openPostgresStore(`${database.url}?listen=off`);
    stores = [await open(), await open(), await open()];
  });
  afterAll(async () => {
    for (const store of stores ?? []) await store.close();
    await database?.drop();
  });

  it('come one after the other in the order of asking, so that neither keeps the other from the log', async () => {
    const [first, alone, second] = stores;
    const sealer = new LogSealer(randomUUID(), new Random(3));
    const { log } = sealer;
    await appendAll(first, sealer, randomChanges(sealer.random, 1));
    const sizeIn = async (turn: Turn): Promise<number> => (await turn.tip(log)).tree.size;
    const sizes = { firstTurn: 0, secondTurn: 0 };
    let appended: Promise<AppendResult> | undefined;
    let secondTurn: Promise<void> | undefined;
    await first.turn?.(log, async (turn) => {
      // Asking for the size keeps the turn, however long the others take to come.
      const untilInLine = async (count: number): Promise<void> => {
        while ((await sizeIn(turn)) === 1 && (await inLine()) < count);
      };
      await sizeIn(turn);
      appended = alone.append(log, 1, sealer.batch(randomChanges(sealer.random, 1)));
      await untilInLine(1);
      secondTurn = second.turn?.(log, async (own) => {
        sizes.secondTurn = await sizeIn(own);
      });
      await untilInLine(2);
      sizes.firstTurn = await sizeIn(turn);
    });
    expect(await appended).toEqual({ outcome: 'appended' });
    await secondTurn;
    expect(sizes).toEqual({ firstTurn: 1, secondTurn: 2 });
  });

  /** How many wait for their turn. */
  async function inLine(): Promise<number> {
    const waiting = await sql(
      database.url,
      `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted`,
    );
    return waiting.length;
  }
});
