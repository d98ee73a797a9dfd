// Changes as messages, kept at hand: an entry never changes, and neither does its message in a language.

import { create } from '@bufbuild/protobuf';
import { type Change, ChangeSchema } from '@zitadel/proto/zitadel/change_pb.js';
import type { CompleteRow, Reader } from '../../query/read.ts';
import type { Range, Selection } from '../../store/store.ts';
import { type Shown, toChange } from './to-wire.ts';

/** Bound on the number of messages at hand; each weighs about a kilobyte. */
const MOST = 10_000;

export type ListChanges = (shown: Shown, selection: Selection, range: Range) => Promise<Change[]>;

/** Whoever erases a section must start with a fresh one. */
export function makeListChanges({ local, rows }: Reader): ListChanges {
  const known = new Map<string, Change>();
  const toMessage = (row: CompleteRow, shown: Shown): Change => create(ChangeSchema, toChange(row, shown));
  if (local === undefined) {
    return async (shown, selection, range) =>
      (await rows(shown.organization.id, selection, range)).map((row) => toMessage(row, shown));
  }

  return async (shown, selection, range) => {
    const log = shown.organization.id;
    const keyOf = (position: number): string => `${log} ${position} ${shown.language}`;
    const positions = await local.positions(log, selection, range);
    const missing = positions.filter((position) => !known.has(keyOf(position)));
    const read = missing.length === 0 ? [] : await local.at(log, missing);
    const fresh = new Map(read.map((row) => [row.position, toMessage(row, shown)]));
    const changes = positions.map(
      (position) => (fresh.get(position) ?? known.get(keyOf(position))) as Change,
    );
    for (const [position, change] of fresh) keep(keyOf(position), change);
    return changes;
  };

  /** The oldest go first: what is read again and again comes back at the cost of one look-up. */
  function keep(key: string, change: Change): void {
    known.set(key, change);
    for (const oldest of known.keys()) {
      if (known.size <= MOST) return;
      known.delete(oldest);
    }
  }
}
