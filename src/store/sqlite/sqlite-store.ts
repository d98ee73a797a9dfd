// The SQLite store, seen from the main thread: each call is a message to the writer or the reader thread.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ResourceRef } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import type { Instant } from '../../core/instant.ts';
import type { Hash } from '../../core/merkle.ts';
import type { Latest, SealedEntry, Tip } from '../../core/seal.ts';
import type {
  AppendResult,
  Batch,
  KeptAnswer,
  LatestRow,
  LocalReads,
  LogId,
  Organization,
  Parts,
  Range,
  Selection,
  Store,
  StoredEntry,
} from '../store.ts';
import type { AppendRows } from './append.ts';
import { CommitWatch } from './commit-watch.ts';
import { Gathered } from './gathered.ts';
import { KnownPositions } from './known-positions.ts';
import { type LatestText, toLatest } from './reads.ts';
import { type EntryRows, toNodeRows, toRows } from './rows.ts';
import type { Call, Reply, WorkerOptions } from './worker.ts';

/** Opens the database file at `path`, made where it is missing, and brings its schema up to date. */
export async function openSqliteStore(path: string): Promise<Store> {
  mkdirSync(dirname(path), { recursive: true });
  const writer = new Thread({ path, role: 'writer' });
  const reader = new Thread({ path, role: 'reader' });
  try {
    // Both start at once; the reader opens what the writer has migrated.
    await writer.call('open');
    await reader.call('open');
    return new SqliteStore(writer, reader, new CommitWatch(path));
  } catch (error) {
    await Promise.all([writer.terminate(), reader.terminate()]);
    throw error;
  }
}

class SqliteStore implements Store {
  readonly #writer: Thread;
  readonly #reader: Thread;
  readonly #watch: CommitWatch;
  readonly #known: KnownPositions;

  constructor(writer: Thread, reader: Thread, watch: CommitWatch) {
    this.#writer = writer;
    this.#reader = reader;
    this.#watch = watch;
    this.#known = new KnownPositions(() => watch.look());
  }

  readonly local: LocalReads = {
    positions: (log, selection, range) =>
      this.#known.positions(log, selection, range, () =>
        this.#reader.gather('positions', log, selection, range),
      ),
    at: (log, positions, parts = {}) => this.#reader.gather('at', log, positions, parts),
  };

  pack(entries: readonly SealedEntry[]): EntryRows {
    return toRows(entries);
  }

  append(log: LogId, expectedSize: number, batch: Batch): Promise<AppendResult> {
    const packed = (batch.packed ?? []) as readonly EntryRows[];
    const rows: AppendRows = {
      parent: batch.parent && owned(batch.parent),
      entries: batch.entries.length === 0 ? [...packed] : [...packed, toRows(batch.entries)],
      nodes: toNodeRows(batch.nodes),
      tip: { size: batch.tip.tree.size, recordedAt: batch.tip.recordedAt },
      answers: batch.answers,
    };
    const columns = rows.entries.flatMap(({ ids, numbers, bytes, filed }) => [ids, numbers, bytes, filed]);
    const buffers = [...columns, rows.nodes.places, rows.nodes.hashes].map(({ buffer }) => buffer);
    return this.#writer.callWith(buffers, 'append', log, expectedSize, rows);
  }

  tip(log: LogId): Promise<Tip> {
    return this.#reader.call('tip', log);
  }

  async latest(log: LogId, resources: ResourceRef[]): Promise<(Latest | undefined)[]> {
    const rows = await this.#reader.call<(LatestText | undefined)[]>('latest', log, resources);
    return rows.map((row) => row && toLatest(row));
  }

  find(log: LogId, ids: string[]): Promise<StoredEntry[]> {
    return this.#reader.gather('find', log, ids);
  }

  answer(log: LogId, key: string): Promise<KeptAnswer | undefined> {
    return this.#reader.call('answer', log, key);
  }

  select(log: LogId, selection: Selection, range: Range, parts: Parts = {}): Promise<StoredEntry[]> {
    return this.#reader.gather('select', log, selection, range, parts);
  }

  count(log: LogId, selection: Selection): Promise<number> {
    return this.#reader.gather('count', log, selection);
  }

  asOf(log: LogId, resource: ResourceRef, at: Instant, knownAt: Instant): Promise<StoredEntry | undefined> {
    return this.#reader.gather('asOf', log, resource, at, knownAt);
  }

  resources(
    log: LogId,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): Promise<LatestRow[]> {
    return this.#reader.gather('resources', log, type, behind, limit);
  }

  resource(log: LogId, resource: ResourceRef): Promise<LatestRow | undefined> {
    return this.#reader.gather('resource', log, resource);
  }

  types(log: LogId): Promise<string[]> {
    return this.#reader.gather('types', log);
  }

  nodes(log: LogId, names: { level: number; index: number }[]): Promise<(Hash | undefined)[]> {
    return this.#reader.gather('nodes', log, names);
  }

  organizations(): Promise<Organization[]> {
    return this.#reader.call('organizations');
  }

  addOrganization(organization: Organization): Promise<boolean> {
    return this.#writer.call('addOrganization', organization);
  }

  secret(name: string): Promise<Uint8Array | undefined> {
    return this.#reader.call('secret', name);
  }

  addSecret(name: string, value: Uint8Array, until?: Instant): Promise<boolean> {
    return this.#writer.call('addSecret', name, owned(value), until);
  }

  dropSecrets(now: Instant): Promise<void> {
    return this.#writer.call('dropSecrets', now);
  }

  ping(): Promise<void> {
    return this.#reader.call('ping');
  }

  backup(path: string): Promise<void> {
    return this.#writer.call('backup', path);
  }

  async close(): Promise<void> {
    // What was asked for in this turn goes over first.
    await new Promise((resolve) => setImmediate(resolve));
    // The writer is the last to close: it puts the write-ahead log away.
    this.#watch.close();
    await this.#reader.close();
    await this.#writer.close();
  }
}

/** A hash that owns its bytes: cloning a view would clone the whole pool that it looks into. */
function owned(hash: Hash): Hash {
  return Uint8Array.from(hash);
}

interface Pending {
  resolve: (result: never) => void;
  reject: (error: AnnalsError) => void;
}

/** Keeps a thread from gathering garbage for as long as the machine has memory; what is alive in it is a batch or a page. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 256 };

/** A worker thread, its calls and their answers. What requests ask goes over together: it is waking up that costs. */
class Thread {
  readonly #worker: Worker;
  readonly #gathered = new Gathered<Call>((calls) => this.#worker.postMessage(calls));
  readonly #pending = new Map<number, Pending>();
  #called = 0;
  #failure: AnnalsError | undefined;

  constructor(options: WorkerOptions) {
    const worker = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: options,
      resourceLimits: THREAD_LIMITS,
    });
    this.#worker = worker;
    worker.on('message', (replies: Reply[]) => {
      for (const reply of replies) this.#settle(reply);
    });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('the database thread has ended')));
  }

  /** Goes over at once. */
  call<Result>(method: string, ...args: unknown[]): Promise<Result> {
    return this.callWith([], method, ...args);
  }

  /**
   * Goes over at once.
   * @param buffers those of the arguments that go over to the thread, and are not to be used here any longer
   */
  callWith<Result>(buffers: readonly ArrayBuffer[], method: string, ...args: unknown[]): Promise<Result> {
    return this.#expect(method, args, (call) => this.#worker.postMessage([call], buffers));
  }

  /** Goes over with all others that are gathered in this turn. */
  gather<Result>(method: string, ...args: unknown[]): Promise<Result> {
    return this.#expect(method, args, (call) => this.#gathered.add(call));
  }

  #expect<Result>(method: string, args: unknown[], send: (call: Call) => void): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#called += 1;
    const call = this.#called;
    return new Promise((resolve, reject) => {
      this.#pending.set(call, { resolve, reject });
      send({ call, method, args });
    });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    // Behind what is gathered; what comes later finds no thread to take it.
    const closed = this.gather('close');
    this.#failure = unavailable(new Error('the store is closed'));
    await closed;
    await ended;
  }

  #settle({ call, result, error }: Reply): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (error === undefined) pending?.resolve(result as never);
    else pending?.reject(new AnnalsError(error.code, MESSAGES[error.code], {}, new Error(error.message)));
  }

  #fail(cause: unknown): void {
    this.#failure ??= unavailable(cause);
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}

const MESSAGES = {
  storage_full: 'the database has no space left; nothing was stored',
  store_unavailable: 'the database did not take the request; try again later',
} as const;

function unavailable(cause: unknown): AnnalsError {
  return new AnnalsError('store_unavailable', MESSAGES.store_unavailable, {}, cause);
}
