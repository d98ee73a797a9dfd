import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { storeContract } from '../contract.ts';
import { appendAll, LogSealer, Random, testSeed } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import { filtersOf, matching, modelOf, plain, plainTip } from '../contract-model.ts';
import type { Store } from '../store.ts';
import { openSqliteStore } from './sqlite-store.ts';

storeContract('the SQLite store', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'annals-'));
  const store = await openSqliteStore(join(folder, 'annals.db'));
  const close = async (): Promise<void> => {
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { store, close };
});

describe('the file of the SQLite store', () => {
  const seed = testSeed();
  const hint = `ANNALS_SEED=${seed} repeats this run`;
  const newSealer = (): LogSealer => new LogSealer('11111111-1111-4111-8111-111111111111', new Random(seed));
  const cleanups: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it('has everything when it is opened again', async () => {
    const path = join(await temporaryFolder(), 'annals.db');
    const sealer = newSealer();
    const first = await opened(path);
    await appendAll(first, sealer, randomChanges(sealer.random, 80), 7);
    await first.close();
    const second = await opened(path);
    await expectAllOf(second, sealer);
    await appendAll(second, sealer, randomChanges(sealer.random, 80), 7);
    await expectAllOf(second, sealer);
  });

  it('is written by a connection that waits for the disk at every commit', async () => {
    const path = join(await temporaryFolder(), 'annals.db');
    const sealer = newSealer();
    const store = await opened(path);
    const database = new DatabaseSync(path);
    // A trigger runs in the connection that writes.
    database.exec(`CREATE TABLE settings (synchronous INTEGER);
      CREATE TRIGGER look AFTER INSERT ON entries
      BEGIN INSERT INTO settings SELECT synchronous FROM pragma_synchronous; END`);
    await appendAll(store, sealer, randomChanges(sealer.random, 1));
    const full = { synchronous: 2 };
    expect(database.prepare('SELECT synchronous FROM settings').all()).toEqual([full]);
    database.close();
  });

  it('is shared by two servers that append in turn', async () => {
    const path = join(await temporaryFolder(), 'annals.db');
    const sealer = newSealer();
    const servers = [await opened(path), await opened(path)];
    for (let turn = 0; turn < 8; turn++) {
      await appendAll(servers[turn % 2]!, sealer, randomChanges(sealer.random, 15), 4);
    }
    for (const server of servers) await expectAllOf(server, sealer);
  });

  it('has at hand no positions that an append has outdated, here or in another server', async () => {
    const path = join(await temporaryFolder(), 'annals.db');
    const sealer = newSealer();
    const servers = [await opened(path), await opened(path)];
    for (let turn = 0; turn < 12; turn++) {
      await appendAll(servers[turn % 2]!, sealer, randomChanges(sealer.random, 15), 4);
      for (const server of servers) await expectPositionsOf(server, sealer);
    }
  });

  it('answers positions as of each append, while appends go on', async () => {
    const sealer = newSealer();
    const store = await opened(join(await temporaryFolder(), 'annals.db'));
    const whole = { streams: [] };
    let size = 0;
    let isDone = false;
    const appending = (async () => {
      for (const change of randomChanges(sealer.random, 60)) {
        await appendAll(store, sealer, [change]);
        size = sealer.tip.tree.size;
      }
      isDone = true;
    })();
    while (!isDone) {
      const acknowledged = size;
      const range = { by: 'position', order: 'desc', limit: 1 } as const;
      const count = store.count(sealer.log, whole);
      const [last = -1] = (await store.local?.positions(sealer.log, whole, range)) ?? [];
      expect(last + 1, hint).toBeGreaterThanOrEqual(acknowledged);
      expect(await count, hint).toBeGreaterThanOrEqual(acknowledged);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await appending;
  });

  it('has the same positions at hand after an append that was refused', async () => {
    const sealer = newSealer();
    const store = await opened(join(await temporaryFolder(), 'annals.db'));
    await appendAll(store, sealer, randomChanges(sealer.random, 20), 4);
    const late = sealer.fork();
    const { size } = late.tip.tree;
    await appendAll(store, sealer, randomChanges(sealer.random, 5));
    await expectPositionsOf(store, sealer);
    const refused = await store.append(late.log, size, late.batch(randomChanges(late.random, 3)));
    expect(refused, hint).toEqual({ outcome: 'stale' });
    await expectPositionsOf(store, sealer);
  });

  it('is copied whole while appends go on', async () => {
    const folder = await temporaryFolder();
    const sealer = newSealer();
    const store = await opened(join(folder, 'annals.db'));
    await appendAll(store, sealer, randomChanges(sealer.random, 60));
    const atLeast = sealer.tip.tree.size;
    const backup = store.backup(join(folder, 'copy.db'));
    await appendAll(store, sealer, randomChanges(sealer.random, 60), 5);
    await backup;
    await expectAllOf(store, sealer);
    const copy = await opened(join(folder, 'copy.db'));
    const { size } = (await copy.tip(sealer.log)).tree;
    expect(size, hint).toBeGreaterThanOrEqual(atLeast);
    sealer.written.splice(size);
    await expectEntriesOf(copy, sealer);
  });

  it('is copied whole by a store that closes at once', async () => {
    const folder = await temporaryFolder();
    const sealer = newSealer();
    const store = await opened(join(folder, 'annals.db'));
    const append = appendAll(store, sealer, randomChanges(sealer.random, 30));
    const backup = store.backup(join(folder, 'copy.db'));
    await store.close();
    await Promise.all([append, backup]);
    await expectAllOf(await opened(join(folder, 'copy.db')), sealer);
  });

  it('is closed with nothing behind the word to close, where an append comes all the same', async () => {
    const store = await opened(join(await temporaryFolder(), 'annals.db'));
    const sealer = newSealer();
    const batch = sealer.batch(randomChanges(sealer.random, 1));
    const said: string[] = [];
    const late: Promise<unknown>[] = [];
    const post = Worker.prototype.postMessage;
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message, ...more) {
      post.call(this, message, ...more);
      said.push(message[0].method);
      if (said.at(-1) === 'close') late.push(store.append(sealer.log, 0, batch).catch(({ code }) => code));
    });
    await store.close().finally(() => vi.restoreAllMocks());
    // The thread that reads is closed first.
    expect(said).toEqual(['close', 'append', 'close']);
    expect(await Promise.all(late)).toEqual([{ outcome: 'appended' }, 'store_unavailable']);
  });

  it('cannot be copied to a folder that does not exist, and goes on serving', async () => {
    const folder = await temporaryFolder();
    const store = await opened(join(folder, 'annals.db'));
    const refused = { name: 'AnnalsError', code: 'store_unavailable' };
    await expect(store.backup(join(folder, 'nowhere', 'copy.db'))).rejects.toMatchObject(refused);
    await expect(store.ping()).resolves.toBeUndefined();
  });

  it('is refused where a newer Annals has migrated it', async () => {
    const path = join(await temporaryFolder(), 'annals.db');
    await (await opened(path)).close();
    const database = new DatabaseSync(path);
    database.exec("INSERT INTO migrations VALUES ('9999-from-the-future', '2099-01-01')");
    database.close();
    await expect(openSqliteStore(path)).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: { message: 'this database was migrated by a newer Annals: it has 9999-from-the-future' },
    });
  });

  async function temporaryFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'annals-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    return folder;
  }

  async function opened(path: string): Promise<Store> {
    const store = await openSqliteStore(path);
    cleanups.push(() => store.close());
    return store;
  }

  async function expectAllOf(store: Store, sealer: LogSealer): Promise<void> {
    expect(plainTip(await store.tip(sealer.log)), hint).toEqual(plainTip(sealer.tip));
    await expectEntriesOf(store, sealer);
  }

  /** The last page of every stream, found, and then at hand. */
  async function expectPositionsOf(store: Store, { log, written }: LogSealer): Promise<void> {
    const model = modelOf(written);
    const range = { by: 'position', order: 'desc', limit: 5 } as const;
    for (const filter of filtersOf(model)) {
      const expected = matching(model, { filters: [filter] }).map(({ stored }) => stored.position);
      for (let time = 0; time < 2; time++) {
        const positions = await store.local?.positions(log, { streams: [filter.stream] }, range);
        expect(positions, `${filter.stream}, ${hint}`).toEqual(expected.slice(-5).reverse());
      }
    }
  }

  /** Every entry, and the size and the last page of every stream. */
  async function expectEntriesOf(store: Store, { log, written }: LogSealer): Promise<void> {
    const model = modelOf(written);
    const range = { by: 'position', order: 'asc', limit: 1000 } as const;
    const rows = await store.select(log, { streams: [] }, range, { states: true, seals: true });
    expect(rows.map(plain), hint).toEqual(model.map(({ stored }) => plain(stored)));
    for (const filter of filtersOf(model)) {
      const expected = matching(model, { filters: [filter] });
      const selection = { streams: [filter.stream] };
      const skip = Math.max(0, expected.length - 2);
      const lastTwo = await store.select(log, selection, { ...range, skip });
      expect(await store.count(log, selection), `${filter.stream}, ${hint}`).toBe(expected.length);
      expect(
        lastTwo.map(({ position }) => position),
        `${filter.stream}, ${hint}`,
      ).toEqual(expected.slice(skip).map(({ stored }) => stored.position));
    }
  }
});
