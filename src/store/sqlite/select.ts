// Reads of entries by selection. First the positions, from the smallest known set; then their rows.

import { COLLECTED, MARK, type Plan, planWalk, SPAN } from '../../core/plan.ts';
import { WHOLE_LOG } from '../../core/streams.ts';
import type { Parts, Range, Selection, StoredEntry } from '../store.ts';
import type { Connection } from './database.ts';
import { columnsOf, fromRow, LOG_STRIDE, type Row, STATE_JOINS } from './rows.ts';

/** A stream by its name, as the dictionary has it. */
interface StreamRow {
  id: number;
  size: number;
}

/** An open-ended stretch of positions, both ends exclusive. */
interface Stretch {
  above: number;
  below: number;
}

interface Walk {
  log: number;
  size: number;
  streams: StreamRow[];
  plan: Plan;
  selection: Selection;
}

export class Selector {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  select(organization: string, selection: Selection, range: Range, parts: Parts): StoredEntry[] {
    const log = this.logNumber(organization)?.log ?? -1;
    return this.rows(log, this.positions(organization, selection, range), parts);
  }

  positions(organization: string, selection: Selection, range: Range): number[] {
    const walk = this.#walk(organization, selection);
    if (walk === undefined || walk.plan.drive === 'nothing' || range.limit <= 0) return [];
    return range.by === 'occurredAt' ? this.#byTime(walk, range) : this.#byPosition(walk, range);
  }

  at(organization: string, positions: readonly number[], parts: Parts): StoredEntry[] {
    return this.rows(this.logNumber(organization)?.log ?? -1, positions, parts);
  }

  /** The entries at these positions of a log, in their order. */
  rows(log: number, positions: readonly number[], parts: Parts): StoredEntry[] {
    const statement = this.#connection.prepare(
      parts.states === true
        ? `SELECT ${columnsOf(parts)} FROM entries e ${STATE_JOINS} WHERE e.entry = ?`
        : `SELECT ${columnsOf(parts)} FROM entries e WHERE e.entry = ?`,
    );
    return positions.map((position) => fromRow(statement.get(log * LOG_STRIDE + position) as Row, parts));
  }

  count(organization: string, selection: Selection): number {
    const walk = this.#walk(organization, selection);
    if (walk === undefined || walk.plan.drive === 'nothing') return 0;
    const { plan, streams } = walk;
    if (!hasWindow(selection)) {
      if (plan.drive === 'log') return walk.size;
      if (plan.drive === 'stream' && plan.checks.length === 0)
        return (streams[plan.stream] as StreamRow).size;
    } else if (plan.drive === 'log') {
      return this.#countWindow(walk.log, selection, Number.MAX_SAFE_INTEGER);
    }
    const { from, where, values } = this.#source(walk);
    return this.#number(`SELECT count(*) AS n FROM ${from} WHERE ${where}`, values);
  }

  logNumber(organization: string): { log: number; size: number } | undefined {
    const statement = this.#connection.prepare('SELECT log, size FROM logs WHERE organization = ?');
    return statement.get(organization) as { log: number; size: number } | undefined;
  }

  streamNumber(log: number, name: string): StreamRow | undefined {
    const statement = this.#connection.prepare(
      'SELECT stream AS id, size FROM streams WHERE log = ? AND name = ?',
    );
    return statement.get(log, name) as StreamRow | undefined;
  }

  #walk(organization: string, selection: Selection): Walk | undefined {
    const found = this.logNumber(organization);
    if (found === undefined || found.size === 0) return undefined;
    const streams = selection.streams.map(
      (name) => this.streamNumber(found.log, name) ?? { id: -1, size: 0 },
    );
    const windowSize = hasWindow(selection)
      ? this.#countWindow(found.log, selection, COLLECTED + 1)
      : undefined;
    const plan = planWalk(
      streams.map(({ size }) => size),
      windowSize,
    );
    return { ...found, streams, plan, selection };
  }

  #byPosition(walk: Walk, range: Range): number[] {
    const { plan, selection } = walk;
    const stretch = stretchOf(walk.size, range);
    const isJump = range.behind === undefined && range.below === undefined && (range.skip ?? 0) > 0;
    if (plan.drive === 'log' && !hasWindow(selection)) return positionsOfLog(stretch, range);
    if (isJump && plan.drive === 'stream' && plan.checks.length === 0 && !hasWindow(selection)) {
      return this.#jump(walk.streams[plan.stream] as StreamRow, range);
    }
    if (plan.drive === 'window' || !hasWindow(selection)) return this.#walkStretch(walk, range, stretch);
    return this.#walkSpans(walk, range, stretch);
  }

  /** Jumps to a number of one stream: to the nearest mark, then at most 63 steps. */
  #jump(stream: StreamRow, range: Range): number[] {
    const skip = range.skip ?? 0;
    if (skip >= stream.size) return [];
    const descending = range.order === 'desc';
    const first = descending ? stream.size - skip : skip + 1;
    const mark = descending ? Math.ceil(first / MARK) * MARK : Math.floor(first / MARK) * MARK;
    const marked = this.#connection
      .prepare(`SELECT position FROM filed WHERE stream = ? AND number = ? AND number % ${MARK} = 0`)
      .get(stream.id, mark) as { position: number } | undefined;
    const statement = this.#connection.prepare(`SELECT position FROM filed
      WHERE stream = ? AND position ${descending ? '<=' : '>='} ?
      ORDER BY position ${range.order} LIMIT ? OFFSET ?`);
    const [start, offset] =
      marked === undefined
        ? [descending ? Number.MAX_SAFE_INTEGER : 0, skip]
        : [marked.position, Math.abs(mark - first)];
    return numbersOf(statement.all(stream.id, start, range.limit, offset));
  }

  #walkStretch(walk: Walk, range: Range, stretch: Stretch): number[] {
    if (walk.plan.drive === 'log') return this.#walkLog(walk, range, stretch);
    const { from, where, values } = this.#source(walk);
    const statement = this.#connection.prepare(`SELECT d.position FROM ${from}
      WHERE ${where} AND d.position > ? AND d.position < ?
      ORDER BY d.position ${range.order} LIMIT ? OFFSET ?`);
    return numbersOf(statement.all(...values, stretch.above, stretch.below, range.limit, range.skip ?? 0));
  }

  /** By the entries' own key, so that the walk starts at its stretch and stops at its limit. */
  #walkLog({ log, selection }: Walk, range: Range, { above, below }: Stretch): number[] {
    const { since, until } = windowOf(selection);
    const base = log * LOG_STRIDE;
    const statement = this.#connection.prepare(`SELECT entry - ? AS position FROM entries
      WHERE entry > ? AND entry < ? AND occurred_at >= ? AND occurred_at < ?
      ORDER BY entry ${range.order} LIMIT ? OFFSET ?`);
    const bounds = [base, base + above, base + below, since, until];
    return numbersOf(statement.all(...bounds, range.limit, range.skip ?? 0));
  }

  /** Walks in log order through the spans that reach into the window of `occurredAt`. */
  #walkSpans(walk: Walk, range: Range, stretch: Stretch): number[] {
    const { since, until } = windowOf(walk.selection);
    const spans = this.#connection
      .prepare(`SELECT span FROM spans WHERE log = ? AND span BETWEEN ? AND ? AND latest >= ? AND earliest < ?
        ORDER BY span ${range.order}`)
      .all(walk.log, Math.floor(stretch.above / SPAN), Math.floor(stretch.below / SPAN), since, until);
    const wanted = (range.skip ?? 0) + range.limit;
    const positions: number[] = [];
    for (const { above, below } of mergeSpans(spans.map((row) => row.span as number))) {
      const part = { above: Math.max(above, stretch.above), below: Math.min(below, stretch.below) };
      const rest = { ...range, skip: 0, limit: wanted - positions.length };
      positions.push(...this.#walkStretch(walk, rest, part));
      if (positions.length >= wanted) break;
    }
    return positions.slice(range.skip ?? 0);
  }

  /** By (occurredAt, position): a small stream is sorted, else the timeline is walked and the streams checked. */
  #byTime(walk: Walk, range: Range): number[] {
    const { plan, streams } = walk;
    const isSmall = plan.drive === 'stream' && (streams[plan.stream] as StreamRow).size <= COLLECTED;
    const { from, where, values } = isSmall
      ? this.#source(walk)
      : this.#source({ ...walk, plan: EVERYTHING(walk) });
    const join = isSmall ? 'JOIN entries t ON t.entry = ? + d.position' : '';
    const at = isSmall ? 't.occurred_at' : 'd.occurred_at';
    const [comparison, bound] =
      range.behind === undefined
        ? ['1 = 1', []]
        : [
            `(${at}, d.position) ${range.order === 'desc' ? '<' : '>'} (?, ?)`,
            [range.behind.occurredAt, range.behind.position],
          ];
    const statement = this.#connection.prepare(`SELECT d.position FROM ${from} ${join}
      WHERE ${where} AND ${comparison} AND d.position < ?
      ORDER BY ${at} ${range.order}, d.position ${range.order} LIMIT ? OFFSET ?`);
    const joined = isSmall ? [walk.log * LOG_STRIDE] : [];
    const below = range.below ?? walk.size;
    return numbersOf(statement.all(...joined, ...values, ...bound, below, range.limit, range.skip ?? 0));
  }

  /** The driving set as `d`, and the conditions that check the rest of the selection. */
  #source(walk: Walk): { from: string; where: string; values: number[] } {
    const { log, streams, plan, selection } = walk;
    if (plan.drive === 'nothing' || plan.drive === 'log') throw new Error(`${plan.drive} is not a source`);
    const { since, until } = windowOf(selection);
    const checks = plan.checks.map((index) => (streams[index] as StreamRow).id);
    const checking = checks.map(
      () => ' AND EXISTS (SELECT 1 FROM filed c WHERE c.stream = ? AND c.position = d.position)',
    );
    if (plan.drive === 'window') {
      const whole = this.streamNumber(log, WHOLE_LOG)?.id ?? -1;
      return {
        from: 'timeline d',
        where: `d.stream = ? AND d.occurred_at >= ? AND d.occurred_at < ?${checking.join('')}`,
        values: [whole, since, until, ...checks],
      };
    }
    const inWindow = hasWindow(selection)
      ? ` AND EXISTS (SELECT 1 FROM entries w
          WHERE w.entry = ? + d.position AND w.occurred_at >= ? AND w.occurred_at < ?)`
      : '';
    const bounds = hasWindow(selection) ? [log * LOG_STRIDE, since, until] : [];
    const driver = (streams[plan.stream] as StreamRow).id;
    return {
      from: 'filed d',
      where: `d.stream = ?${inWindow}${checking.join('')}`,
      values: [driver, ...bounds, ...checks],
    };
  }

  #countWindow(log: number, selection: Selection, most: number): number {
    const whole = this.streamNumber(log, WHOLE_LOG);
    if (whole === undefined) return 0;
    const { since, until } = windowOf(selection);
    return this.#number(
      `SELECT count(*) AS n FROM (SELECT 1 FROM timeline
        WHERE stream = ? AND occurred_at >= ? AND occurred_at < ? LIMIT ?)`,
      [whole.id, since, until, most],
    );
  }

  #number(sql: string, values: number[]): number {
    return (this.#connection.prepare(sql).get(...values) as { n: number }).n;
  }
}

/** The whole timeline as the driving set, all streams checked. */
const EVERYTHING = (walk: Walk): Plan => ({ drive: 'window', checks: walk.streams.map((_, index) => index) });

function hasWindow(selection: Selection): boolean {
  return selection.since !== undefined || selection.until !== undefined;
}

function windowOf({ since, until }: Selection): { since: number; until: number } {
  return {
    since: since ?? Number.NEGATIVE_INFINITY,
    until: until ?? Number.POSITIVE_INFINITY,
  };
}

function stretchOf(size: number, range: Range): Stretch {
  const { behind, order } = range;
  const below = Math.min(size, range.below ?? size);
  if (behind === undefined) return { above: -1, below };
  return order === 'desc'
    ? { above: -1, below: Math.min(behind.position, below) }
    : { above: behind.position, below };
}

/** Positions of the log itself are arithmetic. */
function positionsOfLog({ above, below }: Stretch, range: Range): number[] {
  const skip = range.skip ?? 0;
  const length = Math.max(0, Math.min(range.limit, below - above - 1 - skip));
  return Array.from({ length }, (_, index) =>
    range.order === 'asc' ? above + 1 + skip + index : below - 1 - skip - index,
  );
}

/** Neighbouring spans as one stretch, in the order given. */
function mergeSpans(spans: readonly number[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const span of spans) {
    const [above, below] = [span * SPAN - 1, (span + 1) * SPAN];
    const last = stretches.at(-1);
    if (last !== undefined && last.below - 1 === above) last.below = below;
    else if (last !== undefined && last.above === below - 1) last.above = above;
    else stretches.push({ above, below });
  }
  return stretches;
}

function numbersOf(rows: Record<string, unknown>[]): number[] {
  return rows.map((row) => row.position as number);
}
