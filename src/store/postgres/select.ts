// Reads of entries by selection, in two statements: how large the log and the selection's streams are,
// from which core/plan.ts decides; then the walk (walks.ts), and the rows that it finds.

import { COLLECTED, type Plan, planWalk } from '../../core/plan.ts';
import type { LogId, Parts, Range, Selection, StoredEntry } from '../store.ts';
import { textArray } from './arrays.ts';
import type { Reading } from './database.ts';
import { streamKey } from './keys.ts';
import { columnsOf, type EntryRow, fromRow, stateJoin } from './rows.ts';
import { hasWindow, Query, sourceOf, walkOf, windowCondition } from './walks.ts';

/** A stream's number and size. */
export interface StreamRow {
  stream: number;
  size: number;
}

/** A place in a log's order: its year is the partition in which it is. */
export interface Place {
  position: number;
  year: number;
}

/** What is known before a walk. */
export interface Walk {
  size: number;
  streams: StreamRow[];
  plan: Plan;
  selection: Selection;
  /** Of the entries at which the range has its ends, where there are such. */
  behind: Place | undefined;
  below: Place | undefined;
}

interface WalkRow {
  size: number;
  streams: string | null;
  window_size: number | null;
  behind_year: number | null;
  below_year: number | null;
}

export class Selector {
  readonly #database: Reading;

  constructor(database: Reading) {
    this.#database = database;
  }

  async select(log: LogId, selection: Selection, range: Range, parts: Parts): Promise<StoredEntry[]> {
    if (range.limit <= 0) return [];
    const walk = await this.#walk(log, selection, range);
    const query = new Query(log);
    const places = walk && walkOf(query, walk, range);
    if (places === undefined) return [];
    const { by, order } = range;
    const rows = await this.#database.read<EntryRow>(
      `SELECT ${columnsOf(parts)} FROM (${places}) d
        CROSS JOIN LATERAL (SELECT * FROM annals.entries x WHERE x.log = $1 AND x.year = d.year
          AND x.position = d.position OFFSET 0) e
        ${stateJoin(parts)}
        ORDER BY ${by === 'occurredAt' ? `e.occurred_at ${order},` : ''} e.position ${order}`,
      query.values,
    );
    return rows.map((row) => fromRow(row, parts));
  }

  async count(log: LogId, selection: Selection): Promise<number> {
    const walk = await this.#walk(log, selection);
    if (walk === undefined || walk.plan.drive === 'nothing') return 0;
    const { plan, streams, size } = walk;
    if (!hasWindow(selection)) {
      if (plan.drive === 'log') return size;
      const only = plan.drive === 'stream' && plan.checks.length === 0 ? streams[plan.stream] : undefined;
      if (only !== undefined) return only.size;
    }
    const query = new Query(log);
    const source = sourceOf(query, walk);
    const [row] = await this.#database.read<{ count: number }>(
      `SELECT count(*) FROM (SELECT d.year, d.position FROM ${source.table} d
        WHERE d.log = $1 AND ${source.where} AND d.position < ${query.add(size)} ORDER BY ${source.order} OFFSET 0) d
        ${query.checks}`,
      query.values,
    );
    return row?.count ?? 0;
  }

  /** Sizes, and the years of the range's ends; undefined where the log is not known or empty. */
  async #walk(log: LogId, selection: Selection, range?: Range): Promise<Walk | undefined> {
    const query = new Query(log);
    const names = selection.streams.map(streamKey);
    const [row] = await this.#database.read<WalkRow>(
      `SELECT l.size, ${streamSizes(query, names)} AS streams, ${windowSize(query, selection)} AS window_size,
        ${yearAt(query, range?.behind?.position)} AS behind_year, ${yearAt(query, range?.below)} AS below_year
        FROM annals.logs l WHERE l.log = $1`,
      query.values,
    );
    if (row === undefined || row.size === 0) return undefined;
    const known = new Map(JSON.parse(row.streams ?? '[]') as [string, StreamRow][]);
    const streams = names.map((name) => known.get(name) ?? { stream: -1, size: 0 });
    return {
      size: row.size,
      streams,
      plan: planWalk(
        streams.map(({ size }) => size),
        row.window_size ?? undefined,
      ),
      selection,
      behind: placeOf(range?.behind?.position, row.behind_year),
      below: placeOf(range?.below, row.below_year),
    };
  }
}

function streamSizes(query: Query, names: string[]): string {
  if (names.length === 0) return 'NULL';
  return `(SELECT json_agg(json_build_array(s.name, json_build_object('stream', s.stream, 'size', s.size)))
    FROM unnest(${query.add(textArray(names))}::text[]) w (name)
    CROSS JOIN LATERAL (SELECT * FROM annals.streams x WHERE x.log = $1 AND x.name = w.name OFFSET 0) s)`;
}

function windowSize(query: Query, selection: Selection): string {
  if (!hasWindow(selection)) return 'NULL';
  return `(SELECT count(*) FROM (SELECT FROM annals.entries d WHERE d.log = $1
    AND ${windowCondition(query, selection, 'd')} ORDER BY d.occurred_at, d.position LIMIT ${COLLECTED + 1}) w)`;
}

function yearAt(query: Query, position: number | undefined): string {
  if (position === undefined) return 'NULL';
  return `(SELECT d.year FROM annals.entries d WHERE d.log = $1 AND d.position = ${query.add(position)})`;
}

function placeOf(position: number | undefined, year: number | null): Place | undefined {
  return position === undefined || year === null ? undefined : { position, year };
}
