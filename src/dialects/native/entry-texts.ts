// Entries as the native wire has them, kept at hand: an entry never changes, and neither does its text.

import type { Reader } from '../../query/read.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';
import { type EntryText, toText } from './to-wire.ts';

/** Bound on the bytes of all texts at hand. */
const MOST_BYTES = 24 * 1024 * 1024;
/** What a text weighs beside its bytes. */
const OVERHEAD = 150;

/** More than a log has. */
const POSITIONS = 2 ** 33;

export type EntryTexts = (log: LogId, selection: Selection, range: Range) => Promise<EntryText[]>;

/** Entries of a selection without their states, as texts. Whoever erases a section must start with a fresh one. */
export function makeEntryTexts({ local, rows }: Reader): EntryTexts {
  const logs = new Map<LogId, number>();
  const known = new Map<number, EntryText>();
  let bytes = 0;
  if (local === undefined)
    return async (log, selection, range) => (await rows(log, selection, range)).map(toText);

  return async (log, selection, range) => {
    const positions = await local.positions(log, selection, range);
    const first = firstKeyOf(log);
    const missing: number[] = [];
    const texts = positions.map((position) => {
      const text = known.get(first + position);
      if (text === undefined) missing.push(position);
      return text;
    });
    if (missing.length === 0) return texts as EntryText[];
    const read = (await local.at(log, missing)).map(toText);
    for (const text of read) keep(first + text.position, text);
    const fresh = read.values();
    return texts.map((text) => text ?? (fresh.next().value as EntryText));
  };

  /** Keys are numbers: one for each position of each log. */
  function firstKeyOf(log: LogId): number {
    const number = logs.get(log) ?? logs.size;
    if (number === logs.size) logs.set(log, number);
    return number * POSITIONS;
  }

  /** The oldest go first: what is read again and again comes back at the cost of one look-up. */
  function keep(key: number, text: EntryText): void {
    if (known.has(key)) return;
    known.set(key, text);
    bytes += text.text.length + OVERHEAD;
    for (const [oldest, { text }] of known) {
      if (bytes <= MOST_BYTES) return;
      known.delete(oldest);
      bytes -= text.length + OVERHEAD;
    }
  }
}
