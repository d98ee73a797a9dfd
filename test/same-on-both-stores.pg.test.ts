// The same import on both stores, with the same clock and randomness: every byte of what is exported is
// the same, hashes, salts and root among it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Change } from '../src/core/entry.ts';
import { SALT_BYTES } from '../src/core/section.ts';
import { toText } from '../src/dialects/native/to-wire.ts';
import { makeRecorder } from '../src/ingest/record.ts';
import { makeReader } from '../src/query/read.ts';
import { Random, START, sha256, testSeed } from '../src/store/contract-batches.ts';
import { hexOf, plain } from '../src/store/contract-model.ts';
import { openPostgresStore } from '../src/store/postgres/postgres-store.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { hardChanges, realChanges } from './imports.ts';
import { createDatabase } from './postgres.ts';

const LOG = '11111111-1111-4111-8111-111111111111';
const WHOLE = { streams: [] };
const seed = testSeed();

interface Export {
  /** What the native API exports of each entry. */
  lines: string[];
  /** All that the store gives of each entry. */
  entries: object[];
  size: number;
  root: string;
}

describe('an import', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annals-both-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('of the country history, and of numbers that jsonb words anew, is exported byte for byte the same', async () => {
    const database = await createDatabase();
    const random = new Random(seed);
    const changes = [...hardChanges(random), ...realChanges(random)];
    const onSqlite = await imported(await openSqliteStore(join(folder, 'annals.db')), changes);
    const onPostgres = await imported(await openPostgresStore(database.url), changes);
    await database.drop();
    const hint = `ANNALS_SEED=${seed} repeats this run`;
    expect(onSqlite.size).toBe(changes.length);
    expect(onPostgres.root, hint).toBe(onSqlite.root);
    for (const index of changes.keys()) {
      expect(onPostgres.lines[index], hint).toBe(onSqlite.lines[index]);
      expect(onPostgres.entries[index], hint).toEqual(onSqlite.entries[index]);
    }
  }, 600_000);
});

async function imported(store: Store, changes: readonly Change[]): Promise<Export> {
  const random = new Random(seed);
  let now = START;
  const sealing = { now: () => now++, salt: () => random.bytes(SALT_BYTES), sha256 };
  const { record } = makeRecorder(store, sealing);
  for (let at = 0; at < changes.length; at += 250) await record(LOG, changes.slice(at, at + 250));
  const reader = makeReader(store, sha256);
  const lines: string[] = [];
  const entries: object[] = [];
  for await (const rows of reader.walk(LOG, WHOLE, { by: 'position', order: 'asc' }, { states: true })) {
    lines.push(...rows.map((row) => toText(row).text.toString()));
    const ids = rows.map(({ id }) => id);
    const found = (await store.find(LOG, ids)).sort((left, right) => left.position - right.position);
    entries.push(...found.map(plain));
  }
  const { size, rootHash } = await reader.head(LOG);
  await store.close();
  return { lines, entries, size, root: hexOf(rootHash) };
}
