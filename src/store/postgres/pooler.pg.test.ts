// Behind a pooler in transaction mode nothing of a session may be needed: the sentences that write, and
// those of reads that take more than one statement.

import { afterAll, beforeAll, describe } from 'vitest';
import { createDatabase } from '../../../test/postgres.ts';
import { startPooler } from '../../../test/transaction-pooler.ts';
import { appendSentences } from '../contract/append.ts';
import { asOfSentences } from '../contract/as-of.ts';
import { entrySentences } from '../contract/entries.ts';
import { installationSentences } from '../contract/installation.ts';
import { lifetimeSentences } from '../contract/lifetime.ts';
import type { Opened, Subject } from '../contract/subject.ts';
import { Random, testSeed } from '../contract-batches.ts';
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
