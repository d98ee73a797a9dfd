// The SQLite store as verification reads it: on a connection of its own that writes nothing, in one
// snapshot, also while a server appends.

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { ResourceRef } from '../../core/entry.ts';
import type { Hash } from '../../core/merkle.ts';
import { SPAN } from '../../core/plan.ts';
import type { Latest, Tip } from '../../core/seal.ts';
import { WHOLE_LOG } from '../../core/streams.ts';
import type { Audit, Filed, Filing, Kept, Place, Secret } from '../audit.ts';
import type { KeptAnswer, LogId, Organization, Parts, Range, Selection, StoredEntry } from '../store.ts';
import { Connection } from './database.ts';
import { Reads, toLatest } from './reads.ts';
import { LOG_STRIDE, uuidBytes } from './rows.ts';
import type { Selector } from './select.ts';

/** Opens the database file for reading alone. Throws where there is no database of Annals. */
export function openSqliteAudit(path: string): Audit {
  const connection = openReadOnly(path);
  // The snapshot begins with the first read.
  connection.db.exec('BEGIN');
  return new SqliteAudit(connection);
}

/** A connection that writes nothing; `path` may be on a medium that nobody can write. */
export function openReadOnly(path: string): Connection {
  try {
    // Its first pragma reads the file, and so fails where the file cannot be read.
    return new Connection(path, { readOnly: true });
  } catch (error) {
    // Reading a write-ahead log takes files beside the database. Where they cannot be made and are not there,
    // nobody writes either, and the file is all there is.
    const code = ((error as { errcode?: number }).errcode ?? 0) % 256;
    const isUnwritable = code === SQLITE_READONLY || code === SQLITE_CANTOPEN;
    if (!isUnwritable || existsSync(`${path}-wal`)) throw error;
    return new Connection(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  }
}

const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;

/** How many streams' numbers stay in memory. */
const CACHED_STREAMS = 50_000;

type StreamRow = NonNullable<ReturnType<Selector['streamNumber']>>;

class SqliteAudit implements Audit {
  readonly #connection: Connection;
  readonly #reads: Reads;
  readonly #streams = new Map<string, StreamRow | undefined>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#reads = new Reads(connection);
  }

  async logs(): Promise<LogId[]> {
    const rows = this.#connection.prepare('SELECT organization FROM logs ORDER BY log').all();
    return rows.map((row) => row.organization as string);
  }

  async organizations(): Promise<Organization[]> {
    return this.#reads.organizations();
  }

  async secrets(): Promise<Secret[]> {
    const rows = this.#connection.prepare('SELECT name, value, until FROM secrets ORDER BY name').all();
    return rows.map((row) => ({
      name: row.name as string,
      value: row.value as Uint8Array,
      until: (row.until as number | null) ?? undefined,
    }));
  }

  async answers(log: LogId, behind: string | undefined, limit: number): Promise<KeptAnswer[]> {
    const rows = this.#connection
      .prepare(`SELECT key, fingerprint, answer, kept_at AS keptAt FROM answers
        WHERE log = ? AND key > ? ORDER BY key LIMIT ?`)
      .all(this.#logNumber(log), behind ?? '', limit);
    return rows.map((row) => ({ ...row }) as unknown as KeptAnswer);
  }

  async tip(log: LogId): Promise<Tip> {
    return this.#reads.tip(log);
  }

  async latest(log: LogId, resources: ResourceRef[]): Promise<(Latest | undefined)[]> {
    const found = this.#reads.latest(log, resources);
    return found.map((row) => row && toLatest(row));
  }

  async select(log: LogId, selection: Selection, range: Range, parts: Parts = {}): Promise<StoredEntry[]> {
    return this.#reads.selector.select(log, selection, range, parts);
  }

  async nodes(log: LogId, names: { level: number; index: number }[]): Promise<(Hash | undefined)[]> {
    return this.#reads.nodes(log, names);
  }

  async filings(log: LogId, entries: readonly Filed[]): Promise<Filing[]> {
    const number = this.#logNumber(log);
    if (this.#streams.size > CACHED_STREAMS) this.#streams.clear();
    return entries.map((entry) => ({
      places: entry.streams.map((stream) => this.#place(number, stream, entry.position)),
      isById: this.#isById(number, entry),
      isByTime: this.#isByTime(number, entry),
    }));
  }

  async kept(log: LogId): Promise<Kept> {
    const number = this.#logNumber(log);
    const [from, to] = [number * LOG_STRIDE, (number + 1) * LOG_STRIDE];
    const streams = 'stream IN (SELECT stream FROM streams WHERE log = ?)';
    return {
      entries: this.#count('SELECT count(*) AS n FROM entries WHERE entry >= ? AND entry < ?', from, to),
      nodes: this.#count('SELECT count(*) AS n FROM nodes WHERE log = ?', number),
      resources: this.#count('SELECT count(*) AS n FROM resources WHERE log = ?', number),
      filings: this.#count(`SELECT count(*) AS n FROM filed WHERE ${streams}`, number),
      times: this.#count(`SELECT count(*) AS n FROM timeline WHERE ${streams}`, number),
    };
  }

  async streams(
    log: LogId,
    behind: string | undefined,
    limit: number,
  ): Promise<{ stream: string; size: number; filed: number }[]> {
    // The whole log is numbered by position: it is not filed.
    const rows = this.#connection
      .prepare(`SELECT name, size, (SELECT count(*) FROM filed f WHERE f.stream = s.stream) AS filed
        FROM streams s WHERE log = ? AND name > ? AND name <> ? ORDER BY name LIMIT ?`)
      .all(this.#logNumber(log), behind ?? '', WHOLE_LOG, limit);
    return rows.map((row) => ({
      stream: row.name as string,
      size: row.size as number,
      filed: row.filed as number,
    }));
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  #logNumber(log: LogId): number {
    return this.#reads.selector.logNumber(log)?.log ?? -1;
  }

  /** In a snapshot a stream stays as it is. */
  #stream(log: number, name: string): StreamRow | undefined {
    const key = `${log} ${name}`;
    if (!this.#streams.has(key)) this.#streams.set(key, this.#reads.selector.streamNumber(log, name));
    return this.#streams.get(key);
  }

  #place(log: number, name: string, position: number): Place | undefined {
    const stream = this.#stream(log, name);
    if (stream === undefined) return undefined;
    const [own, previous] = this.#connection
      .prepare(`SELECT position, number FROM filed WHERE stream = ? AND position <= ?
        ORDER BY position DESC LIMIT 2`)
      .all(stream.id, position) as { position: number; number: number }[];
    if (own?.position !== position) return undefined;
    return { number: own.number, previous: previous?.number ?? 0, size: stream.size };
  }

  #isById(log: number, { id, position }: Filed): boolean {
    const found = this.#connection
      .prepare('SELECT entry FROM entries WHERE log = ? AND id = ?')
      .get(log, uuidBytes(id));
    return found?.entry === log * LOG_STRIDE + position;
  }

  /** In the timelines, and within the bounds of its span, by which walks leave out whole spans. */
  #isByTime(log: number, { position, occurredAt, isAccess, streams }: Filed): boolean {
    const timelines = isAccess ? [WHOLE_LOG] : [WHOLE_LOG, streams[0] as string];
    const timed = this.#connection.prepare(
      'SELECT 1 FROM timeline WHERE stream = ? AND occurred_at = ? AND position = ?',
    );
    const span = this.#connection
      .prepare('SELECT 1 FROM spans WHERE log = ? AND span = ? AND earliest <= ? AND latest >= ?')
      .get(log, Math.floor(position / SPAN), occurredAt, occurredAt);
    return (
      span !== undefined &&
      timelines.every((name) => {
        const stream = this.#stream(log, name)?.id ?? -1;
        return timed.get(stream, occurredAt, position) !== undefined;
      })
    );
  }

  #count(sql: string, ...values: number[]): number {
    return (this.#connection.prepare(sql).get(...values) as { n: number }).n;
  }
}
