// Entries as the native wire has them, kept at hand: an entry never changes, and neither does its text.

import type { Reader } from '../../query/read.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';
import { type EntryText, toText } from './to-wire.ts';

/** Bound on the bytes of all texts at hand. */
const MOST_BYTES = 24 * 1024 * 1024;
/** What a text weighs beside its bytes. */
const OVERHEAD = 150;

export type EntryTexts = (log: LogId, selection: Selection, range: Range) => Promise<EntryText[]>;

/** Entries of a selection without their states, as texts. Whoever erases a section must start with a fresh one. */
export function makeEntryTexts({ local, rows }: Reader): EntryTexts {
  const known = new Map<string, EntryText>();
  let bytes = 0;
  if (local === undefined)
    return async (log, selection, range) => (await rows(log, selection, range)).map(toText);

  return async (log, selection, range) => {
    const positions = await local.positions(log, selection, range);
    const missing = positions.filter((position) => !known.has(`${log} ${position}`));
    const read = missing.length === 0 ? [] : (await local.at(log, missing)).map(toText);
    const fresh = new Map(read.map((text) => [text.position, text]));
    const texts = positions.map(
      (position) => (fresh.get(position) ?? known.get(`${log} ${position}`)) as EntryText,
    );
    for (const text of read) keep(`${log} ${text.position}`, text);
    return texts;
  };

  /** The oldest go first: what is read again and again comes back at the cost of one look-up. */
  function keep(key: string, text: EntryText): void {
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
