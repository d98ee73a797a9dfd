// The database thread: a writer that owns the one write, or a reader. A message brings some calls,
// `{call, method, args}`, and takes some replies, `{call, result}` or `{call, error}`.

import { backup, type DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Instant } from '../../core/instant.ts';
import type { AppendResult, Organization } from '../store.ts';
import { Appender, type AppendRows } from './append.ts';
import { Connection, migrate } from './database.ts';
import { Reads } from './reads.ts';

export interface WorkerOptions {
  path: string;
  role: 'writer' | 'reader';
}

export interface Call {
  call: number;
  method: string;
  args: unknown[];
}

/** What the main thread makes an AnnalsError of. */
export interface CallError {
  code: 'storage_full' | 'store_unavailable';
  message: string;
}

export interface Reply {
  call: number;
  result?: unknown;
  error?: CallError;
}

interface AppendCall {
  call: number;
  args: [organization: string, expectedSize: number, batch: AppendRows];
}

const { path, role } = workerData as WorkerOptions;
const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');
let connection: Connection;
const reply = (...replies: Reply[]): void => port.postMessage(replies);
// The first call opens the database.
port.once('message', ([{ call }]: [Call]) => {
  connection = new Connection(path);
  if (role === 'writer') migrate(connection.db);
  port.on('message', role === 'writer' ? writer() : reader());
  reply({ call });
});

/** How long replies may wait for the others of their message, and a snapshot may be kept. */
const TOGETHER_MS = 2;

function reader(): (calls: readonly Call[]) => void {
  const reads = new Reads(connection);
  const { selector } = reads;
  const methods: Record<string, (...args: never[]) => unknown> = {
    tip: (...args: Parameters<Reads['tip']>) => reads.tip(...args),
    latest: (...args: Parameters<Reads['latest']>) => reads.latest(...args),
    find: (...args: Parameters<Reads['find']>) => reads.find(...args),
    answer: (...args: Parameters<Reads['answer']>) => reads.answer(...args),
    select: (...args: Parameters<typeof selector.select>) => selector.select(...args),
    positions: (...args: Parameters<typeof selector.positions>) => selector.positions(...args),
    at: (...args: Parameters<typeof selector.at>) => selector.at(...args),
    count: (...args: Parameters<typeof selector.count>) => selector.count(...args),
    asOf: (...args: Parameters<Reads['asOf']>) => reads.asOf(...args),
    resources: (...args: Parameters<Reads['resources']>) => reads.resources(...args),
    resource: (...args: Parameters<Reads['resource']>) => reads.resource(...args),
    types: (...args: Parameters<Reads['types']>) => reads.types(...args),
    nodes: (...args: Parameters<Reads['nodes']>) => reads.nodes(...args),
    organizations: () => reads.organizations(),
    secret: (...args: Parameters<Reads['secret']>) => reads.secret(...args),
    ping: () => reads.ping(),
  };
  /** One snapshot for all statements of a read, and for all reads of a message: it is younger than each of them. */
  function answer({ call, method, args }: Call): Reply {
    try {
      if (!connection.db.isTransaction) connection.prepare('BEGIN').run();
      return { call, result: methods[method]?.(...(args as never[])) };
    } catch (error) {
      rollback(connection.db);
      return { call, error: toCallError(error) };
    }
  }

  return (calls) => {
    let replies: Reply[] = [];
    let startedAtMs = performance.now();
    const send = (): void => {
      rollback(connection.db);
      if (replies.length > 0) reply(...replies);
      replies = [];
      startedAtMs = performance.now();
    };
    for (const asked of calls) {
      if (asked.method === 'close') {
        send();
        return close(asked.call);
      }
      replies.push(answer(asked));
      if (performance.now() - startedAtMs > TOGETHER_MS) send();
    }
    send();
  };
}

function writer(): (calls: readonly Call[]) => void {
  const appender = new Appender(connection);
  let waiting: AppendCall[] = [];
  let copies: Promise<unknown> = Promise.resolve();

  /** All appends that wait, in one transaction: one disk sync pays for them all. */
  function commit(): void {
    if (waiting.length === 0) return;
    const calls = waiting;
    waiting = [];
    const replies: Reply[] = [];
    try {
      connection.prepare('BEGIN IMMEDIATE').run();
      for (const { call, args } of calls) replies.push({ call, result: appendOne(args) });
      connection.prepare('COMMIT').run();
    } catch (error) {
      rollback(connection.db);
      appender.forget();
      for (const { call } of calls) reply({ call, error: toCallError(error) });
      return;
    }
    reply(...replies);
  }

  function appendOne([organization, expectedSize, batch]: AppendCall['args']): AppendResult {
    return appender.append(organization, expectedSize, batch);
  }

  const methods: Record<string, (...args: never[]) => unknown> = {
    addOrganization,
    addSecret,
    dropSecrets,
  };
  const take = ({ call, method, args }: Call): void => {
    if (method === 'append') {
      waiting.push({ call, args: args as AppendCall['args'] });
      if (waiting.length === 1) setImmediate(commit);
      return;
    }
    commit();
    if (method === 'close') return void copies.then(() => close(call));
    if (method === 'backup') {
      copies = Promise.all([copies, copy(call, args[0] as string)]);
      return;
    }
    try {
      reply({ call, result: methods[method]?.(...(args as never[])) });
    } catch (error) {
      reply({ call, error: toCallError(error) });
    }
  };
  return (calls) => calls.forEach(take);
}

function addOrganization({ id, slug, name, createdAt }: Organization): boolean {
  const { changes } = connection
    .prepare('INSERT INTO organizations VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    .run(id, slug, name, createdAt);
  return Number(changes) === 1;
}

function addSecret(name: string, value: Uint8Array, until?: Instant): boolean {
  const add = connection.prepare('INSERT INTO secrets VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  return Number(add.run(name, value, until ?? null).changes) === 1;
}

function dropSecrets(now: Instant): void {
  connection.prepare('DELETE FROM secrets WHERE until < ?').run(now);
}

/** The most that SQLite counts. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Copies from a connection of its own, in one step, so from one snapshot: a step on the writer's
 * connection fails where an append is under way, and a copy in several steps starts anew after each.
 */
async function copy(call: number, target: string): Promise<void> {
  try {
    const source = new Connection(path, { readOnly: true });
    try {
      await backup(source.db, target, { rate: ALL_PAGES });
    } finally {
      source.close();
    }
    reply({ call });
  } catch (error) {
    reply({ call, error: toCallError(error) });
  }
}

function close(call: number): void {
  if (role === 'writer') {
    try {
      connection.db.exec('PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // The log stays in the write-ahead file, from which the next start reads it.
    }
  }
  connection.close();
  reply({ call });
  port?.close();
}

function rollback(db: DatabaseSync): void {
  if (!db.isTransaction) return;
  try {
    db.exec('ROLLBACK');
  } catch {
    // A failed disk may end the transaction by itself; there is nothing left to roll back then.
  }
}

const SQLITE_FULL = 13;

function toCallError(error: unknown): CallError {
  const { errcode, message } = error as { errcode?: number; message?: string };
  const isFull = errcode !== undefined && errcode % 256 === SQLITE_FULL;
  return { code: isFull ? 'storage_full' : 'store_unavailable', message: message ?? String(error) };
}
