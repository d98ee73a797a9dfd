// Reads of entries by selection, in two statements: how large the log and the selection's streams are,
// from which core/plan.ts decides; then the walk, and the rows that it finds.
//
// Every scan has the order of the index that it is meant for, and every look-up stands behind an
// `OFFSET 0`, which the planner does not reach through: so its statistics, fresh or stale, cannot talk
// it into reading a whole table.

import { COLLECTED, MARK, type Plan, planWalk, SPAN } from '../../core/plan.ts';
import type { LogId, Parts, Range, Selection, StoredEntry } from '../store.ts';
import { instantValue, textArray } from './arrays.ts';
import type { Database, Value } from './database.ts';
import { streamKey } from './keys.ts';
import { columnsOf, type EntryRow, fromRow, stateJoin } from './rows.ts';

interface StreamRow {
  stream: number;
  size: number;
}

/** A place in a log's order: its year is the partition in which it is. */
interface Place {
  position: number;
  year: number;
}

/** What the first statement finds. */
interface Walk {
  log: LogId;
  size: number;
  streams: StreamRow[];
  plan: Plan;
  selection: Selection;
  /** Of the entries at which the range has its ends, where there are such. */
  behind: Place | undefined;
  below: Place | undefined;
}

export class Selector {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async select(log: LogId, selection: Selection, range: Range, parts: Parts): Promise<StoredEntry[]> {
    if (range.limit <= 0) return [];
    const walk = await this.#walk(log, selection, range);
    if (walk === undefined || walk.plan.drive === 'nothing') return [];
    const query = new Query(log);
    const places = range.by === 'occurredAt' ? byTime(query, walk, range) : byPosition(query, walk, range);
    if (places === undefined) return [];
    const rows = await this.#database.read<EntryRow>(
      `SELECT ${columnsOf(parts)} FROM (${places}) d
        CROSS JOIN LATERAL (SELECT * FROM annals.entries x WHERE x.log = $1 AND x.year = d.year
          AND x.position = d.position OFFSET 0) e
        ${stateJoin(parts)} ORDER BY d.place`,
      query.values,
    );
    return rows.map((row) => fromRow(row, parts));
  }

  async count(log: LogId, selection: Selection): Promise<number> {
    const walk = await this.#walk(log, selection, undefined);
    if (walk === undefined || walk.plan.drive === 'nothing') return 0;
    const { plan, streams } = walk;
    if (!hasWindow(selection)) {
      if (plan.drive === 'log') return walk.size;
      if (plan.drive === 'stream' && plan.checks.length === 0)
        return (streams[plan.stream] as StreamRow).size;
    }
    const query = new Query(log);
    const rows = await this.#database.read<{ count: number }>(
      `SELECT count(*) FROM (${sourceOf(query, walk)} AND d.position < ${query.add(walk.size)}
        ${sourceOrder(walk)} OFFSET 0) d ${query.checks}`,
      query.values,
    );
    return rows[0]?.count ?? 0;
  }

  /** Sizes, and the years of the range's ends; undefined where the log is not known or empty. */
  async #walk(log: LogId, selection: Selection, range: Range | undefined): Promise<Walk | undefined> {
    const query = new Query(log);
    const names = selection.streams.map(streamKey);
    const [row] = await this.#database.read<{
      size: number;
      streams: string | null;
      window_size: number | null;
      behind_year: number | null;
      below_year: number | null;
    }>(
      `SELECT l.size,
        (SELECT json_object_agg(s.name, json_build_array(s.stream, s.size)) FROM annals.streams s
          WHERE s.log = l.log AND s.name = ANY (${query.add(textArray(names))}::text[])) AS streams,
        ${hasWindow(selection) ? windowSize(query, selection) : 'NULL'} AS window_size,
        ${yearAt(query, range?.behind?.position)} AS behind_year,
        ${yearAt(query, range?.below)} AS below_year
      FROM annals.logs l WHERE l.log = $1`,
      query.values,
    );
    if (row === undefined || row.size === 0) return undefined;
    const known = JSON.parse(row.streams ?? '{}') as Record<string, [number, number]>;
    const streams = names.map((name) => {
      const [stream, size] = known[name] ?? [-1, 0];
      return { stream, size };
    });
    const sizes = streams.map(({ size }) => size);
    return {
      log,
      size: row.size,
      streams,
      plan: planWalk(sizes, row.window_size ?? undefined),
      selection,
      behind: placeOf(range?.behind?.position, row.behind_year),
      below: placeOf(range?.below, row.below_year),
    };
  }
}

/** A statement in the making: `$1` is the log. */
class Query {
  readonly values: Value[];
  /** Look-ups that a row `d` of (year, position) has to pass. */
  checks = '';

  constructor(log: LogId) {
    this.values = [log];
  }

  add(value: Value): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  checkStream(stream: number): void {
    const index = this.values.length;
    this.checks += ` CROSS JOIN LATERAL (SELECT FROM annals.filed x WHERE x.log = $1 AND x.stream = ${this.add(stream)}
      AND x.year = d.year AND x.position = d.position OFFSET 0) c${index}`;
  }

  /** Looks the entry up by its place alone, so that its `occurredAt` is compared and not searched for. */
  checkWindow(selection: Selection): void {
    this.checks += ` CROSS JOIN LATERAL (SELECT FROM (SELECT x.occurred_at FROM annals.entries x
      WHERE x.log = $1 AND x.year = d.year AND x.position = d.position OFFSET 0) x
      WHERE ${windowCondition(this, selection, 'x')}) w`;
  }
}

/** SQL for (year, position, place) of the entries of a range, in log order; undefined where there is none. */
function byPosition(query: Query, walk: Walk, range: Range): string | undefined {
  const { plan, selection } = walk;
  if (isOutside(walk, range)) return undefined;
  if (!hasWindow(selection)) {
    if (plan.drive === 'log') return ofLog(query, walk, range);
    const isJump = range.behind === undefined && range.below === undefined && (range.skip ?? 0) > 0;
    if (isJump && plan.drive === 'stream' && plan.checks.length === 0) return jump(query, walk, range);
  } else if (plan.drive !== 'window') return bySpans(query, walk, range);
  const isCollected = plan.drive === 'window';
  const source = sourceOf(query, walk) + boundsOf(query, walk, range, isCollected);
  return paged(query, range, `(${source} ${sourceOrder(walk, range)} OFFSET 0)`, 'd.year, d.position');
}

/** By (occurredAt, position): a small stream is collected and sorted, else the whole timeline is walked. */
function byTime(query: Query, walk: Walk, range: Range): string | undefined {
  const { plan, streams, selection } = walk;
  const isSmall = plan.drive === 'stream' && (streams[plan.stream] as StreamRow).size <= COLLECTED;
  const below = query.add(Math.min(range.below ?? walk.size, walk.size));
  const behind =
    range.behind === undefined
      ? 'true'
      : `(d.occurred_at, d.position) ${range.order === 'desc' ? '<' : '>'}
          (${query.add(instantValue(range.behind.occurredAt))}::timestamptz, ${query.add(range.behind.position)}::bigint)`;
  if (isSmall) {
    const { stream } = streams[plan.stream] as StreamRow;
    for (const index of plan.checks) query.checkStream((streams[index] as StreamRow).stream);
    const collected = `(SELECT x.year, x.position, t.occurred_at
      FROM (SELECT f.year, f.position FROM annals.filed f WHERE f.log = $1 AND f.stream = ${query.add(stream)}
        ORDER BY f.year, f.position OFFSET 0) x
      CROSS JOIN LATERAL (SELECT y.occurred_at FROM annals.entries y WHERE y.log = $1 AND y.year = x.year
        AND y.position = x.position OFFSET 0) t)`;
    const where = `${windowCondition(query, selection, 'd')} AND d.position < ${below} AND ${behind}`;
    return paged(query, range, collected, 'd.occurred_at, d.position', where);
  }
  for (const { stream } of streams) query.checkStream(stream);
  const timeline = `(SELECT d.year, d.position, d.occurred_at FROM annals.entries d WHERE d.log = $1
    AND ${windowCondition(query, selection, 'd')} AND d.position < ${below} AND ${behind}
    ORDER BY d.occurred_at ${range.order}, d.position ${range.order} OFFSET 0)`;
  return paged(query, range, timeline, 'd.occurred_at, d.position');
}

/** Positions of the log itself are arithmetic. */
function ofLog(query: Query, walk: Walk, range: Range): string | undefined {
  const { above, below } = stretchOf(walk.size, range);
  const skip = range.skip ?? 0;
  const length = Math.min(range.limit, below - above - 1 - skip);
  if (length <= 0) return undefined;
  const [first, step] = range.order === 'asc' ? [above + 1 + skip, 1] : [below - 1 - skip, -1];
  const last = first + step * (length - 1);
  const series = [first, last, step].map((value) => `${query.add(value)}::bigint`);
  return `SELECT x.year, x.position, n.place FROM generate_series(${series.join(', ')}) WITH ORDINALITY n (position, place)
    CROSS JOIN LATERAL (SELECT y.year, y.position FROM annals.entries y WHERE y.log = $1 AND y.position = n.position
      OFFSET 0) x`;
}

/** Jumps to a number of one stream: to the nearest mark, then at most 63 steps. */
function jump(query: Query, walk: Walk, range: Range): string | undefined {
  const { stream, size } = walk.streams[walk.plan.drive === 'stream' ? walk.plan.stream : 0] as StreamRow;
  const skip = range.skip ?? 0;
  if (skip >= size) return undefined;
  const isDescending = range.order === 'desc';
  const first = isDescending ? size - skip : skip + 1;
  const mark = (isDescending ? Math.ceil(first / MARK) : Math.floor(first / MARK)) * MARK;
  const isMarked = mark > 0 && mark <= size;
  const id = query.add(stream);
  const from = isMarked
    ? `annals.marks m CROSS JOIN LATERAL (SELECT d.year, d.position FROM annals.filed d
        WHERE d.log = $1 AND d.stream = ${id} AND d.year ${isDescending ? '<=' : '>='} m.year
          AND (d.year, d.position) ${isDescending ? '<=' : '>='} (m.year, m.position)
        ORDER BY d.year ${range.order}, d.position ${range.order} OFFSET 0) d
        WHERE m.log = $1 AND m.stream = ${id} AND m.number = ${query.add(mark)} AND`
    : `(SELECT d.year, d.position FROM annals.filed d WHERE d.log = $1 AND d.stream = ${id}
        ORDER BY d.year ${range.order}, d.position ${range.order} OFFSET 0) d WHERE`;
  const offset = isMarked ? Math.abs(mark - first) : skip;
  return numbered(
    range,
    `SELECT d.year, d.position FROM ${from} d.position < ${query.add(walk.size)}
      ORDER BY d.year ${range.order}, d.position ${range.order}
      LIMIT ${query.add(range.limit)} OFFSET ${query.add(offset)}`,
    'd.year, d.position',
  );
}

/** Walks in log order through the spans that reach into the window of `occurredAt`. */
function bySpans(query: Query, walk: Walk, range: Range): string {
  const { plan, streams, selection } = walk;
  const { above, below } = stretchOf(walk.size, range);
  const [low, high] = [query.add(above), query.add(below)];
  const within = `x.log = $1 AND x.year = s.year AND x.position >= s.span * ${SPAN} AND x.position < (s.span + 1) * ${SPAN}
    AND x.position > ${low}::bigint AND x.position < ${high}::bigint`;
  const { order } = range;
  const inner =
    plan.drive === 'stream'
      ? `SELECT x.year, x.position FROM annals.filed x
          WHERE ${within} AND x.stream = ${query.add((streams[plan.stream] as StreamRow).stream)}`
      : `SELECT x.year, x.position FROM (SELECT x.year, x.position, x.occurred_at FROM annals.entries x
          WHERE ${within} ORDER BY x.position ${order} OFFSET 0) x WHERE ${windowCondition(query, selection, 'x')}`;
  if (plan.drive === 'stream') {
    query.checkWindow(selection);
    for (const index of plan.checks) query.checkStream((streams[index] as StreamRow).stream);
  }
  const [since, until] = windowBounds(query, selection);
  const spans = `(SELECT s.span, s.year FROM annals.spans s
    WHERE s.log = $1 AND s.span >= ${query.add(Math.floor(Math.max(above, 0) / SPAN))}
      AND s.span <= ${query.add(Math.floor(below / SPAN))} AND s.latest >= ${since} AND s.earliest < ${until}
    ORDER BY s.span ${order}, s.year ${order} OFFSET 0)`;
  const from = `(SELECT s.span, x.year, x.position FROM ${spans} s
    CROSS JOIN LATERAL (${inner} ORDER BY x.position ${order} OFFSET 0) x)`;
  return paged(query, range, from, 'd.span, d.year, d.position');
}

/** The driving set as rows `d` of (year, position), still open for further conditions; `query.checks` checks the rest. */
function sourceOf(query: Query, { plan, streams, selection }: Walk): string {
  if (plan.drive === 'nothing') throw new Error('nothing is no source');
  if (plan.drive === 'stream') {
    if (hasWindow(selection)) query.checkWindow(selection);
    for (const index of plan.checks) query.checkStream((streams[index] as StreamRow).stream);
    const { stream } = streams[plan.stream] as StreamRow;
    return `SELECT d.year, d.position FROM annals.filed d WHERE d.log = $1 AND d.stream = ${query.add(stream)}`;
  }
  for (const index of plan.drive === 'window' ? plan.checks : []) {
    query.checkStream((streams[index] as StreamRow).stream);
  }
  return `SELECT d.year, d.position FROM annals.entries d WHERE d.log = $1 AND ${windowCondition(query, selection, 'd')}`;
}

function sourceOrder({ plan }: Walk, range?: Range): string {
  const order = range?.order ?? 'asc';
  if (plan.drive === 'stream') return `ORDER BY d.year ${order}, d.position ${order}`;
  return 'ORDER BY d.occurred_at, d.position';
}

/** Conditions on (year, position) for the ends of a range. */
function boundsOf(query: Query, walk: Walk, range: Range, isCollected: boolean): string {
  const { above, below } = stretchOf(walk.size, range);
  if (isCollected) return ` AND d.position > ${query.add(above)} AND d.position < ${query.add(below)}`;
  const compare = (sign: '<' | '>', { year, position }: Place): string =>
    ` AND d.year ${sign}= ${query.add(year)}
      AND (d.year, d.position) ${sign} (${query.add(year)}::smallint, ${query.add(position)}::bigint)`;
  let conditions = ` AND d.position < ${query.add(walk.size)}`;
  for (const end of [walk.behind, walk.below]) {
    if (end?.position === below) conditions += compare('<', end);
    if (end?.position === above && end === walk.behind) conditions += compare('>', end);
  }
  return conditions;
}

/** Orders the rows `d` of a source that pass the checks, cuts the page out, and numbers its rows. */
function paged(query: Query, range: Range, from: string, order: string, where = 'true'): string {
  const directed = directedOrder(range, order);
  return numbered(
    range,
    `SELECT ${order} ${order.includes('d.year') ? '' : ', d.year'} FROM ${from} d ${query.checks} WHERE ${where}
      ORDER BY ${directed} LIMIT ${query.add(range.limit)} OFFSET ${query.add(range.skip ?? 0)}`,
    order,
  );
}

function numbered(range: Range, page: string, order: string): string {
  return `SELECT d.year, d.position, row_number() OVER (ORDER BY ${directedOrder(range, order)}) AS place FROM (${page}) d`;
}

function directedOrder({ order }: Range, columns: string): string {
  return columns
    .split(', ')
    .map((column) => `${column} ${order}`)
    .join(', ');
}

function windowSize(query: Query, selection: Selection): string {
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

function hasWindow(selection: Selection): boolean {
  return selection.since !== undefined || selection.until !== undefined;
}

function windowBounds(query: Query, { since, until }: Selection): [since: string, until: string] {
  return [
    `${query.add(instantValue(since ?? Number.NEGATIVE_INFINITY))}::timestamptz`,
    `${query.add(instantValue(until ?? Number.POSITIVE_INFINITY))}::timestamptz`,
  ];
}

function windowCondition(query: Query, selection: Selection, row: string): string {
  if (!hasWindow(selection)) return 'true';
  const [since, until] = windowBounds(query, selection);
  return `${row}.occurred_at >= ${since} AND ${row}.occurred_at < ${until}`;
}

/** An open-ended stretch of positions, both ends exclusive. */
interface Stretch {
  above: number;
  below: number;
}

function stretchOf(size: number, { behind, order, below = size }: Range): Stretch {
  const end = Math.min(size, below);
  if (behind === undefined) return { above: -1, below: end };
  return order === 'desc'
    ? { above: -1, below: Math.min(behind.position, end) }
    : { above: behind.position, below: end };
}

function isOutside({ size }: Walk, range: Range): boolean {
  const { above, below } = stretchOf(size, range);
  return below <= 0 || above + 1 >= below;
}
