import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendAll, LogSealer, Random, testSeed } from '../contract-batches.ts';
import { changeOf } from '../contract-changes.ts';
import type { Range, Store } from '../store.ts';
import { KnownPositions } from './known-positions.ts';
import { openSqliteStore } from './sqlite-store.ts';

const seed = testSeed();
const LOG = randomUUID();
const LAST: Range = { by: 'position', order: 'desc', limit: 3 };
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'annals-known-'));
  path = join(folder, 'annals.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('positions at hand', () => {
  let writer: DatabaseSync;
  let known: KnownPositions;
  let found: number;

  beforeEach(() => {
    writer = new DatabaseSync(path);
    writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE things (thing)');
    known = new KnownPositions(path);
    found = 0;
  });
  afterEach(() => {
    known.close();
    writer.close();
  });

  /** Asks in a turn of its own; how often the database was asked so far. */
  async function asked(streams: string[] = [], range: Range = LAST): Promise<number> {
    await nextTurn();
    await known.positions(LOG, { streams }, range, async () => {
      found += 1;
      return [found];
    });
    return found;
  }

  it('are found once, until anyone commits anything', async () => {
    expect([await asked(), await asked(), await asked()]).toEqual([1, 1, 1]);
    writer.exec('INSERT INTO things VALUES (1)');
    expect([await asked(), await asked()]).toEqual([2, 2]);
  });

  it('stay at hand where a transaction is open, or was rolled back', async () => {
    expect(await asked()).toBe(1);
    writer.exec('BEGIN IMMEDIATE; INSERT INTO things VALUES (1)');
    expect(await asked()).toBe(1);
    writer.exec('ROLLBACK');
    expect(await asked()).toBe(1);
    writer.exec('BEGIN IMMEDIATE; INSERT INTO things VALUES (1); COMMIT');
    expect(await asked()).toBe(2);
  });

  it('are not kept where something was committed while they were looked for', async () => {
    await known.positions(LOG, { streams: [] }, LAST, async () => {
      writer.exec('INSERT INTO things VALUES (1)');
      await asked(['other']);
      return [-1];
    });
    expect(await known.positions(LOG, { streams: [] }, LAST, async () => [7])).toEqual([7]);
  });

  it('are those of the very selection and range', async () => {
    const behind = { position: 5, occurredAt: 7 };
    const ranges: Range[] = [
      LAST,
      { ...LAST, order: 'asc' },
      { ...LAST, by: 'occurredAt' },
      { ...LAST, limit: 4 },
      { ...LAST, skip: 1 },
      { ...LAST, below: 1 },
      { ...LAST, behind },
      { ...LAST, behind: { ...behind, occurredAt: 8 } },
    ];
    const streams = [[], ['a'], ['b'], ['a', 'b'], ['a b'], ['1:a'], ['a 1:b']];
    for (const range of ranges) await asked([], range);
    for (const names of streams.slice(1)) await asked(names);
    expect(found).toBe(ranges.length + streams.length - 1);
  });

  it('are forgotten, the oldest first, before they take much memory', async () => {
    const many = Array.from({ length: 10_000 }, (_, position) => position);
    for (let limit = 1; limit <= 30; limit++) {
      await known.positions(LOG, { streams: [] }, { ...LAST, limit }, async () => many);
    }
    let lookedFor = 0;
    for (let limit = 30; limit >= 1; limit--) {
      const range = { ...LAST, limit };
      await known.positions(LOG, { streams: [] }, range, async () => {
        lookedFor += 1;
        return [];
      });
    }
    expect(lookedFor).toBe(30 - 9);
  });

  it('are looked for each time where the database does not answer', async () => {
    known.close();
    expect([await asked(), await asked()]).toEqual([1, 2]);
    known = new KnownPositions(path);
  });
});

describe('a store with positions at hand', () => {
  const stores: Store[] = [];
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });

  async function open(): Promise<Store> {
    const store = await openSqliteStore(path);
    stores.push(store);
    return store;
  }

  it('gives what it has acknowledged, and what another process has, at once', async () => {
    const [ours, theirs] = [await open(), await open()];
    const sealer = new LogSealer(LOG, new Random(seed));
    for (let round = 0; round < 40; round++) {
      const writer = round % 2 === 0 ? ours : theirs;
      await appendAll(writer, sealer, [changeOf(sealer.random)]);
      const wanted = [round, round - 1, round - 2].filter((position) => position >= 0);
      // The one that has written answers in the same turn.
      expect(await writer.local?.positions(LOG, { streams: [] }, LAST)).toEqual(wanted);
      await nextTurn();
      for (const store of [ours, theirs, ours]) {
        expect(await store.local?.positions(LOG, { streams: [] }, LAST)).toEqual(wanted);
      }
    }
  });
});
