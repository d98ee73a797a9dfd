// Behind a pooler in transaction mode nothing of a session may be needed: the sentences that write, and
// those of reads that take more than one statement; and turns.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../../../test/postgres.ts';
import { startPooler } from '../../../test/transaction-pooler.ts';
import { appendSentences } from '../contract/append.ts';
import { asOfSentences } from '../contract/as-of.ts';
import { entrySentences } from '../contract/entries.ts';
import { installationSentences } from '../contract/installation.ts';
import { lifetimeSentences } from '../contract/lifetime.ts';
import type { Opened, Subject } from '../contract/subject.ts';
import { LogSealer, Random, testSeed } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import type { Turn } from '../store.ts';
import { openPostgresStore } from './postgres-store.ts';

describe('the PostgreSQL store behind a pooler in transaction mode', () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.close());

  const seed = testSeed();
  const subject: Subject = {
    store: () => opened.store,
    open,
    random: () => new Random(seed),
    hint: `ANNALS_SEED=${seed} repeats this run`,
  };
  describe('append', () => appendSentences(subject));
  describe('entries', () => entrySentences(subject));
  describe('as-of reads', () => asOfSentences(subject));
  describe('organizations and secrets', () => installationSentences(subject));
  describe('lifetime', () => lifetimeSentences(subject));
});

describe('turns behind a pooler in transaction mode', () => {
  it('are had by one server at a time, whatever connection they come down', async () => {
    const database = await createDatabase();
    const pooler = await startPooler(database.url);
    const servers = await Promise.all([1, 2].map(() => openPostgresStore(`${pooler.url}?listen=off`)));
    const sealer = new LogSealer(randomUUID(), new Random(8));
    const { log } = sealer;
    const append = async (turn: Turn): Promise<void> => {
      const { tree } = await turn.tip(log);
      // The sealer stands where the turn before left the log.
      expect(tree.size).toBe(sealer.tip.tree.size);
      const changes = randomChanges(sealer.random, 2);
      await turn.latest(
        log,
        changes.map(({ resource }) => resource),
      );
      expect(await turn.append(log, tree.size, sealer.batch(changes))).toEqual({ outcome: 'appended' });
    };
    await Promise.all(
      servers.map(async (server) => {
        for (let count = 0; count < 10; count++) await server.turn?.(log, append);
      }),
    );
    for (const server of servers) await server.close();
    await pooler.close();
    await database.drop();
    expect(sealer.tip.tree.size).toBe(40);
  });
});

async function open(): Promise<Opened> {
  const database = await createDatabase();
  const pooler = await startPooler(database.url);
  const store = await openPostgresStore(`${pooler.url}?listen=${encodeURIComponent(database.url)}`);
  const close = async (): Promise<void> => {
    await store.close();
    await pooler.close();
    await database.drop();
  };
  return { store, close };
}
