// The one write: a batch into its tables, in one transaction.

import type { Instant } from '../../core/instant.ts';
import { edgeOf, type Hash } from '../../core/merkle.ts';
import { SPAN } from '../../core/plan.ts';
import { type Stream, WHOLE_LOG } from '../../core/streams.ts';
import type { AppendResult, KeptAnswer } from '../store.ts';
import type { Connection } from './database.ts';
import { insertRows } from './insert-rows.ts';
import {
  type EntryRow,
  type EntryRows,
  fromNodeRows,
  idsOf,
  LOG_STRIDE,
  type NodeRows,
  rowsOf,
  uuidText,
} from './rows.ts';

/** A batch as it crosses to the worker thread. */
export interface AppendRows {
  /** The last hash at the edge of the tree on which it is sealed. */
  parent: Hash | undefined;
  /** Some entries behind the other. */
  entries: EntryRows[];
  nodes: NodeRows;
  tip: { size: number; recordedAt: Instant };
  answers: KeptAnswer[];
}

const KEEP_ANSWERS_MICROS = 24 * 3600 * 1_000_000;

/** Appends within a transaction that the caller began and ends. */
export class Appender {
  readonly #connection: Connection;
  readonly #streams: StreamNumbers;
  /** The size at which this appender left each log: at any other, another process has appended since. */
  readonly #left = new Map<number, number>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#streams = new StreamNumbers(connection);
  }

  append(organization: string, expectedSize: number, batch: AppendRows): AppendResult {
    const log = this.#logNumber(organization);
    const { size } = this.#connection.prepare('SELECT size FROM logs WHERE log = ?').get(log) as {
      size: number;
    };
    if (size !== expectedSize || !this.#endsIn(log, size, batch.parent)) return { outcome: 'stale' };
    const repeated = this.#repeated(log, batch);
    if (repeated.ids.length > 0 || repeated.keys.length > 0) return { outcome: 'repeated', ...repeated };
    if (this.#left.get(log) !== size) this.#streams.forget();

    this.#insertAll(log, batch.entries);
    insertRows(this.#connection, 'nodes', 4, fromNodeRows(log, batch.nodes));
    this.#keepAnswers(log, batch.answers);
    this.#connection
      .prepare('UPDATE logs SET size = ?, recorded_at = ? WHERE log = ?')
      .run(batch.tip.size, Number.isFinite(batch.tip.recordedAt) ? batch.tip.recordedAt : null, log);
    this.#left.set(log, batch.tip.size);
    return { outcome: 'appended' };
  }

  /** What is cached of a transaction that was rolled back is forgotten. */
  forget(): void {
    this.#streams.forget();
    this.#left.clear();
  }

  /** Is this the last hash at the edge of the tree? */
  #endsIn(log: number, size: number, hash: Hash | undefined): boolean {
    const last = edgeOf(size).at(-1);
    if (last === undefined) return true;
    const found =
      last.level === 0
        ? this.#connection
            .prepare('SELECT leaf_hash AS hash FROM entries WHERE entry = ?')
            .get(log * LOG_STRIDE + last.index)
        : this.#connection
            .prepare('SELECT hash FROM nodes WHERE log = ? AND level = ? AND node = ?')
            .get(log, last.level, last.index);
    return hash !== undefined && found !== undefined && Buffer.compare(hash, found.hash as Uint8Array) === 0;
  }

  #logNumber(organization: string): number {
    const found = this.#connection.prepare('SELECT log FROM logs WHERE organization = ?').get(organization);
    if (found !== undefined) return found.log as number;
    const added = this.#connection.prepare('INSERT INTO logs (organization) VALUES (?)').run(organization);
    return Number(added.lastInsertRowid);
  }

  #repeated(log: number, { entries, answers }: AppendRows): { ids: string[]; keys: string[] } {
    const findId = this.#connection.prepare('SELECT 1 FROM entries WHERE log = ? AND id = ?');
    const findKey = this.#connection.prepare('SELECT 1 FROM answers WHERE log = ? AND key = ?');
    const ids = idsOf(entries)
      .filter((id) => findId.get(log, id) !== undefined)
      .map(uuidText);
    const keys = answers.map(({ key }) => key).filter((key) => findKey.get(log, key) !== undefined);
    return { ids, keys };
  }

  /** Some entries at a time are taken apart; of the others it is enough to know what they come to. */
  #insertAll(log: number, all: readonly EntryRows[]): void {
    const times: number[] = [];
    const spans: Spans = new Map();
    const latest: LatestRows = new Map();
    const whole = this.#streams.of(log, WHOLE_LOG).id;
    for (const entries of all) {
      const streams = entries.streams.map((name) => this.#streams.of(log, name));
      for (const row of rowsOf(entries)) {
        const { position, occurredAt, isAccess } = row;
        this.#insert(log, row);
        for (const stream of row.streams) this.#streams.add(streams[stream] as StreamNumber, position);
        const own = streams[row.streams[0] as number] as StreamNumber;
        if (!isAccess) times.push(own.id, occurredAt, position);
        times.push(whole, occurredAt, position);
        widen(spans, row);
        leave(latest, own, row);
      }
    }
    this.#streams.write();
    insertRows(this.#connection, 'timeline', 3, times);
    this.#widenSpans(log, spans);
    this.#replaceLatest(log, latest);
  }

  #insert(log: number, { position, values, isAccess, after, before }: EntryRow): void {
    const entry = log * LOG_STRIDE + position;
    this.#connection
      .prepare('INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)')
      .run(entry, log, ...values);
    if (!isAccess) {
      this.#connection
        .prepare('INSERT INTO states VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT))')
        .run(entry, after, before);
    }
  }

  #widenSpans(log: number, spans: Spans): void {
    const statement = this.#connection.prepare(`INSERT INTO spans VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)`);
    for (const [span, { earliest, latest }] of spans) statement.run(log, span, earliest, latest);
  }

  #replaceLatest(log: number, rows: LatestRows): void {
    const replace = this.#connection.prepare(`INSERT INTO resources VALUES (?,?,?,?,?,?,?,?)
      ON CONFLICT DO UPDATE SET name = excluded.name, version = excluded.version,
        state_version = excluded.state_version, state_position = excluded.state_position, is_there = excluded.is_there`);
    // An access leaves everything but the version as it was.
    const count = this.#connection.prepare(`INSERT INTO resources VALUES (?,?,?,?,?,NULL,NULL,0)
      ON CONFLICT DO UPDATE SET version = excluded.version`);
    for (const { resource, version, stateVersion, statePosition, isThere } of rows.values()) {
      const { type, id, name } = resource;
      if (stateVersion === undefined || statePosition === undefined) count.run(log, type, id, name, version);
      else replace.run(log, type, id, name, version, stateVersion, statePosition, isThere ? 1 : 0);
    }
  }

  #keepAnswers(log: number, answers: KeptAnswer[]): void {
    const keep = this.#connection.prepare('INSERT INTO answers VALUES (?, ?, ?, ?, ?)');
    const expire = this.#connection.prepare(`DELETE FROM answers WHERE (log, key) IN
      (SELECT log, key FROM answers WHERE kept_at < ? ORDER BY kept_at LIMIT 10)`);
    for (const { key, fingerprint, answer, keptAt } of answers) {
      keep.run(log, key, fingerprint, answer, keptAt);
      expire.run(keptAt - KEEP_ANSWERS_MICROS);
    }
  }
}

/** The spans that entries touch. */
type Spans = Map<number, { earliest: number; latest: number }>;

function widen(spans: Spans, { position, occurredAt }: EntryRow): void {
  const span = Math.floor(position / SPAN);
  const known = spans.get(span);
  if (known === undefined) spans.set(span, { earliest: occurredAt, latest: occurredAt });
  else if (occurredAt < known.earliest) known.earliest = occurredAt;
  else if (occurredAt > known.latest) known.latest = occurredAt;
}

/** What entries leave of their resources, by the streams of these. */
type LatestRows = Map<StreamNumber, LatestRow>;

interface LatestRow {
  resource: EntryRow['resource'];
  version: number;
  /** Of the last of them that left a state. */
  stateVersion: number | undefined;
  statePosition: number | undefined;
  isThere: boolean;
}

function leave(rows: LatestRows, own: StreamNumber, row: EntryRow): void {
  const { version, position, resource, isAccess, isNull } = row;
  const known = rows.get(own);
  if (known !== undefined && isAccess) known.version = version;
  else {
    const state = isAccess ? undefined : { stateVersion: version, statePosition: position };
    rows.set(own, {
      resource,
      version,
      stateVersion: undefined,
      statePosition: undefined,
      ...state,
      isThere: !isNull,
    });
  }
}

interface StreamNumber {
  id: number;
  size: number;
  /** Positions that are yet to be written; the last has `size` as its number. */
  added: number[];
}

/** How many streams' numbers stay in memory between transactions. */
const CACHED_STREAMS = 50_000;

/** Gives out the numbers in each stream; what is filed is written once per batch, stream by stream. */
class StreamNumbers {
  readonly #connection: Connection;
  readonly #known = new Map<string, StreamNumber>();
  #touched: StreamNumber[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  of(log: number, name: Stream): StreamNumber {
    const key = `${log} ${name}`;
    return this.#known.get(key) ?? this.#load(log, name, key);
  }

  /** Files the position under the next number of a stream. */
  add(stream: StreamNumber, position: number): void {
    stream.size += 1;
    stream.added.push(position);
    if (stream.added.length === 1) this.#touched.push(stream);
  }

  write(): void {
    const update = this.#connection.prepare('UPDATE streams SET size = ? WHERE stream = ?');
    const filed: number[] = [];
    // In the order of the table, so that neighbours find their page at hand.
    for (const stream of this.#touched.sort((left, right) => left.id - right.id)) {
      const { id, size, added } = stream;
      added.forEach((position, index) => {
        filed.push(id, position, size - added.length + index + 1);
      });
      stream.added = [];
      update.run(size, id);
    }
    insertRows(this.#connection, 'filed', 3, filed);
    this.#touched = [];
    if (this.#known.size > CACHED_STREAMS) this.#known.clear();
  }

  forget(): void {
    this.#known.clear();
    this.#touched = [];
  }

  #load(log: number, name: string, key: string): StreamNumber {
    const find = this.#connection.prepare(
      'SELECT stream AS id, size FROM streams WHERE log = ? AND name = ?',
    );
    const found = find.get(log, name) as { id: number; size: number } | undefined;
    const { id, size } = found ?? { id: this.#create(log, name), size: 0 };
    const stream = { id, size, added: [] };
    this.#known.set(key, stream);
    return stream;
  }

  #create(log: number, name: string): number {
    const created = this.#connection.prepare('INSERT INTO streams (log, name) VALUES (?, ?)').run(log, name);
    return Number(created.lastInsertRowid);
  }
}
