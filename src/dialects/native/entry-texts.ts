// Entries as the native wire has them, kept at hand: an entry never changes, and neither does its text.

import type { Reader } from '../../query/read.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';
import { type EntryText, toText } from './to-wire.ts';

/** Bound on the bytes of all texts at hand. */
const MOST_BYTES = 24 * 1024 * 1024;
/** What a text weighs beside its bytes. */
const OVERHEAD = 150;
/** Keys are safe integers: so many positions of a log, and so many logs. */
const MOST_POSITIONS = 2 ** 33;
const MOST_LOGS = 2 ** 20;

export type EntryTexts = (log: LogId, selection: Selection, range: Range) => Promise<EntryText[]>;

/** Entries of a selection without their states, as texts. Whoever erases a section must start with a fresh one. */
export function makeEntryTexts({ local, rows }: Reader): EntryTexts {
  const known = new Map<number, EntryText>();
  const logs = new Map<LogId, number>();
  let bytes = 0;
  if (local === undefined)
    return async (log, selection, range) => (await rows(log, selection, range)).map(toText);

  return async (log, selection, range) => {
    const positions = await local.positions(log, selection, range);
    const base = baseOf(log);
    const missing: number[] = [];
    const texts = positions.map((position) => {
      const text = known.get(base + position);
      if (text === undefined) missing.push(position);
      return text;
    });
    if (missing.length === 0) return texts as EntryText[];
    const read = (await local.at(log, missing)).map(toText);
    for (const text of read) keep(base + text.position, text);
    const fresh = read.values();
    return texts.map((text) => text ?? (fresh.next().value as EntryText));
  };

  /** Keys are numbers, which cost less than texts to make and to look up: those of a log lie behind those of the one before. */
  function baseOf(log: LogId): number {
    let number = logs.get(log);
    if (number === undefined) {
      if (logs.size === MOST_LOGS) forget();
      number = logs.size;
      logs.set(log, number);
    }
    return number * MOST_POSITIONS;
  }

  function forget(): void {
    logs.clear();
    known.clear();
    bytes = 0;
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
