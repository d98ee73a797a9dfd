// Several selections read as one: entries of any of them, each once, in the order of the log.

import type { CompleteRow, Reader } from '../../query/read.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';

export interface Source {
  selection: Selection;
  /** Which of its entries count; undefined: all. */
  accepts?: ((row: CompleteRow) => boolean) | undefined;
}

/** Entries that a source is read ahead, where there are several. */
const CHUNK = 64;

/** What is read of one source, and not given yet. */
interface Cursor extends Source {
  rows: CompleteRow[];
  behind: Range['behind'];
  isAtEnd: boolean;
}

/** At most `range.limit` entries, behind `range.behind`, of any of the sources. */
export async function readMerged(
  read: Reader,
  log: LogId,
  sources: readonly Source[],
  range: Range,
): Promise<CompleteRow[]> {
  const [only] = sources;
  if (only === undefined) return [];
  if (sources.length === 1 && only.accepts === undefined) return read.rows(log, only.selection, range);
  // All sources are read as the log is now: an entry that one shows, and another not yet, would be missed for ever.
  const { size: below } = await read.head(log);
  const cursors = sources.map(
    (source): Cursor => ({ ...source, rows: [], behind: range.behind, isAtEnd: false }),
  );
  const merged: CompleteRow[] = [];
  while (merged.length < range.limit) {
    await Promise.all(cursors.map((cursor) => fill(read, log, cursor, { ...range, below, limit: CHUNK })));
    const next = nextOf(cursors, range.order);
    if (next === undefined) break;
    merged.push(next);
    for (const { rows } of cursors) if (rows[0]?.position === next.position) rows.shift();
  }
  return merged;
}

async function fill(read: Reader, log: LogId, cursor: Cursor, range: Range): Promise<void> {
  const { selection, accepts } = cursor;
  while (cursor.rows.length === 0 && !cursor.isAtEnd) {
    const rows = await read.rows(log, selection, { ...range, behind: cursor.behind });
    cursor.behind = rows.at(-1) ?? cursor.behind;
    cursor.isAtEnd = rows.length < range.limit;
    cursor.rows = accepts === undefined ? rows : rows.filter(accepts);
  }
}

function nextOf(cursors: readonly Cursor[], order: Range['order']): CompleteRow | undefined {
  const isBefore = (left: CompleteRow, right: CompleteRow): boolean =>
    order === 'asc' ? left.position < right.position : left.position > right.position;
  let next: CompleteRow | undefined;
  for (const { rows } of cursors) {
    const [row] = rows;
    if (row !== undefined && (next === undefined || isBefore(row, next))) next = row;
  }
  return next;
}
