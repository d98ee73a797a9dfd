// The SQL of walks: statements for the (year, position) of the entries on one page of a selection.
//
// The planner's statistics, fresh or stale, must not talk it into reading a whole table. So every walk
// has the order of the index that it is meant for, and every look-up stands behind an `OFFSET 0`, which
// the planner does not reach through.

import { COLLECTED, MARK, SPAN } from '../../core/plan.ts';
import type { LogId, Range, Selection } from '../store.ts';
import { instantValue } from './arrays.ts';
import type { Value } from './database.ts';
import type { Place, StreamRow, Walk } from './select.ts';

/** A statement in the making: `$1` is the log. */
export class Query {
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

  checkStreams(streams: readonly StreamRow[]): void {
    for (const { stream } of streams) {
      this.checks += ` CROSS JOIN LATERAL (SELECT FROM annals.filed x WHERE x.log = $1
        AND x.stream = ${this.add(stream)} AND x.year = d.year AND x.position = d.position OFFSET 0) c${this.values.length}`;
    }
  }

  /** Looks the entry up by its place alone, so that its `occurredAt` is compared and not searched for. */
  checkWindow(selection: Selection): void {
    this.checks += ` CROSS JOIN LATERAL (SELECT FROM (SELECT x.occurred_at FROM annals.entries x
      WHERE x.log = $1 AND x.year = d.year AND x.position = d.position OFFSET 0) x
      WHERE ${windowCondition(this, selection, 'x')}) w`;
  }
}

/** A driving set `d`, in the order of its index; the query's checks are for the rest of the selection. */
export interface Source {
  table: 'annals.filed' | 'annals.entries';
  where: string;
  order: string;
}

/** SQL for the (year, position) of the entries of a range; undefined where there are none. */
export function walkOf(query: Query, walk: Walk, range: Range): string | undefined {
  const { plan, selection, size } = walk;
  const { above, below } = stretchOf(size, range);
  if (plan.drive === 'nothing') return undefined;
  if (range.by === 'occurredAt')
    return isCollectable(walk) ? bySorting(query, walk, range) : byTimeline(query, walk, range);
  if (below <= 0 || above + 1 >= below) return undefined;
  if (plan.drive === 'window') return byWindow(query, walk, range);
  if (hasWindow(selection)) return bySpans(query, walk, range);
  if (plan.drive === 'log') return byArithmetic(query, walk, range);
  const isJump = range.behind === undefined && range.below === undefined && (range.skip ?? 0) > 0;
  return isJump && plan.checks.length === 0 ? byMark(query, walk, range) : byStream(query, walk, range);
}

export function sourceOf(query: Query, { plan, streams, selection }: Walk): Source {
  if (plan.drive === 'stream') {
    if (hasWindow(selection)) query.checkWindow(selection);
    query.checkStreams(plan.checks.map((index) => streams[index] as StreamRow));
    const where = `d.stream = ${query.add((streams[plan.stream] as StreamRow).stream)}`;
    return { table: 'annals.filed', where, order: 'd.year, d.position' };
  }
  query.checkStreams(streams);
  const where = windowCondition(query, selection, 'd');
  return { table: 'annals.entries', where, order: 'd.occurred_at, d.position' };
}

function byStream(query: Query, walk: Walk, range: Range): string {
  const { table, where } = sourceOf(query, walk);
  return `SELECT d.year, d.position FROM ${table} d ${query.checks}
    WHERE d.log = $1 AND ${where} ${boundsOf(query, walk, range)} ${pageOf(query, range, 'd.year', 'd.position')}`;
}

/** Jumps to a number of one stream: to the nearest mark, then at most 63 steps. */
function byMark(query: Query, walk: Walk, range: Range): string | undefined {
  const { stream, size } = walk.streams[walk.plan.drive === 'stream' ? walk.plan.stream : 0] as StreamRow;
  const skip = range.skip ?? 0;
  if (skip >= size) return undefined;
  const isDescending = range.order === 'desc';
  const first = isDescending ? size - skip : skip + 1;
  const mark = (isDescending ? Math.ceil(first / MARK) : Math.floor(first / MARK)) * MARK;
  const isMarked = mark > 0 && mark <= size;
  const sign = isDescending ? '<=' : '>=';
  const id = query.add(stream);
  const from = isMarked
    ? `AND d.year ${sign} m.year AND (d.year, d.position) ${sign} (m.year, m.position)`
    : '';
  const page = { ...range, skip: isMarked ? Math.abs(mark - first) : skip };
  const filed = `SELECT d.year, d.position FROM annals.filed d WHERE d.log = $1 AND d.stream = ${id}
    AND d.position < ${query.add(walk.size)} ${from} ${pageOf(query, page, 'd.year', 'd.position')}`;
  if (!isMarked) return filed;
  return `SELECT d.year, d.position FROM (SELECT x.year, x.position FROM annals.marks x
      WHERE x.log = $1 AND x.stream = ${id} AND x.number >= ${query.add(mark)} ORDER BY x.number LIMIT 1) m
    CROSS JOIN LATERAL (${filed}) d`;
}

/** Positions of the log itself are arithmetic. */
function byArithmetic(query: Query, { size }: Walk, range: Range): string | undefined {
  const { above, below } = stretchOf(size, range);
  const skip = range.skip ?? 0;
  const length = Math.min(range.limit, below - above - 1 - skip);
  if (length <= 0) return undefined;
  const low = range.order === 'asc' ? above + 1 + skip : below - skip - length;
  return `SELECT x.year, x.position
    FROM generate_series(${query.add(low)}::bigint, ${query.add(low + length - 1)}::bigint) n (position)
    CROSS JOIN LATERAL (SELECT d.year, d.position FROM annals.entries d WHERE d.log = $1 AND d.position = n.position
      OFFSET 0) x`;
}

/** A small window: collected, then put in log order. */
function byWindow(query: Query, walk: Walk, range: Range): string {
  const { table, where, order } = sourceOf(query, walk);
  const { above, below } = stretchOf(walk.size, range);
  return `SELECT d.year, d.position FROM (SELECT d.year, d.position FROM ${table} d WHERE d.log = $1 AND ${where}
      AND d.position > ${query.add(above)} AND d.position < ${query.add(below)}
      ORDER BY ${order} LIMIT ${COLLECTED}) d ${query.checks}
    ${pageOf(query, range, 'd.position')}`;
}

/** A large window, in log order: through the spans that reach into it, and no further into each than the page does. */
function bySpans(query: Query, walk: Walk, range: Range): string {
  const { plan, streams, selection } = walk;
  const { above, below } = stretchOf(walk.size, range);
  let table = 'annals.entries d';
  let ofStream = '';
  if (plan.drive === 'stream') {
    query.checkStreams(plan.checks.map((index) => streams[index] as StreamRow));
    table = 'annals.filed d';
    ofStream = `AND d.stream = ${query.add((streams[plan.stream] as StreamRow).stream)}`;
  }
  query.checkWindow(selection);
  const [since, until] = windowBounds(query, selection);
  const [low, high] = [Math.max(above, 0), below].map((position) => query.add(Math.floor(position / SPAN)));
  const ofSpan = { ...range, skip: 0, limit: range.limit + (range.skip ?? 0) };
  return `SELECT d.year, d.position FROM annals.spans s
    CROSS JOIN LATERAL (SELECT d.year, d.position FROM ${table} ${query.checks}
      WHERE d.log = $1 ${ofStream} AND d.year = s.year
        AND d.position >= s.span * ${SPAN} AND d.position < (s.span + 1) * ${SPAN}
        AND d.position > ${query.add(above)}::bigint AND d.position < ${query.add(below)}::bigint
      ${pageOf(query, ofSpan, 'd.position')}) d
    WHERE s.log = $1 AND s.span >= ${low} AND s.span <= ${high} AND s.latest >= ${since} AND s.earliest < ${until}
    ${pageOf(query, range, 's.span', 's.year', 'd.position')}`;
}

/** By time, a small stream: collected, then sorted. */
function bySorting(query: Query, walk: Walk, range: Range): string {
  const { plan, streams, selection } = walk;
  const stream = plan.drive === 'stream' ? plan.stream : 0;
  query.checkStreams(streams.filter((_, index) => index !== stream));
  return `SELECT d.year, d.position FROM (
      SELECT x.year, x.position, t.occurred_at
      FROM (SELECT f.year, f.position FROM annals.filed f
        WHERE f.log = $1 AND f.stream = ${query.add((streams[stream] as StreamRow).stream)}
        ORDER BY f.year, f.position LIMIT ${COLLECTED}) x
      CROSS JOIN LATERAL (SELECT y.occurred_at FROM annals.entries y
        WHERE y.log = $1 AND y.year = x.year AND y.position = x.position OFFSET 0) t OFFSET 0) d
    ${query.checks}
    WHERE ${windowCondition(query, selection, 'd')} AND ${timeBounds(query, walk, range)}
    ${pageOf(query, range, 'd.occurred_at', 'd.position')}`;
}

/** By time, anything larger: along the whole log's timeline. */
function byTimeline(query: Query, walk: Walk, range: Range): string {
  query.checkStreams(walk.streams);
  return `SELECT d.year, d.position FROM annals.entries d ${query.checks}
    WHERE d.log = $1 AND ${windowCondition(query, walk.selection, 'd')} AND ${timeBounds(query, walk, range)}
    ${pageOf(query, range, 'd.occurred_at', 'd.position')}`;
}

function pageOf(query: Query, { order, limit, skip = 0 }: Range, ...columns: string[]): string {
  const directed = columns.map((column) => `${column} ${order}`).join(', ');
  return `ORDER BY ${directed} LIMIT ${query.add(limit)} OFFSET ${query.add(skip)}`;
}

/** Conditions on (year, position) for the ends of a range. */
function boundsOf(query: Query, walk: Walk, range: Range): string {
  const { above, below } = stretchOf(walk.size, range);
  const compare = (sign: '<' | '>', { year, position }: Place): string =>
    ` AND d.year ${sign}= ${query.add(year)}
      AND (d.year, d.position) ${sign} (${query.add(year)}::smallint, ${query.add(position)}::bigint)`;
  let conditions = ` AND d.position < ${query.add(walk.size)}`;
  for (const end of [walk.behind, walk.below]) {
    if (end?.position === below) conditions += compare('<', end);
    else if (end?.position === above) conditions += compare('>', end);
  }
  return conditions;
}

function timeBounds(query: Query, walk: Walk, { behind, below = walk.size, order }: Range): string {
  const end = `d.position < ${query.add(Math.min(below, walk.size))}`;
  if (behind === undefined) return end;
  const [instant, position] = [query.add(instantValue(behind.occurredAt)), query.add(behind.position)];
  const sign = order === 'desc' ? '<' : '>';
  return `${end} AND (d.occurred_at, d.position) ${sign} (${instant}::timestamptz, ${position}::bigint)`;
}

function isCollectable({ plan, streams }: Walk): boolean {
  return plan.drive === 'stream' && (streams[plan.stream] as StreamRow).size <= COLLECTED;
}

export function hasWindow(selection: Selection): boolean {
  return selection.since !== undefined || selection.until !== undefined;
}

export function windowCondition(query: Query, selection: Selection, row: string): string {
  if (!hasWindow(selection)) return 'true';
  const [since, until] = windowBounds(query, selection);
  return `${row}.occurred_at >= ${since} AND ${row}.occurred_at < ${until}`;
}

function windowBounds(query: Query, { since, until }: Selection): [since: string, until: string] {
  return [
    `${query.add(instantValue(since ?? Number.NEGATIVE_INFINITY))}::timestamptz`,
    `${query.add(instantValue(until ?? Number.POSITIVE_INFINITY))}::timestamptz`,
  ];
}

/** A stretch of positions, both ends exclusive. */
function stretchOf(size: number, { behind, order, below = size }: Range): { above: number; below: number } {
  const end = Math.min(size, below);
  if (behind === undefined) return { above: -1, below: end };
  if (order === 'asc') return { above: behind.position, below: end };
  return { above: -1, below: Math.min(behind.position, end) };
}
