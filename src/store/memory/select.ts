// Selections by brute force: look at every entry, sort, cut.

import type { SealedEntry } from '../../core/seal.ts';
import type { Range, Selection } from '../store.ts';

export function selectEntries<Entry extends Selectable>(
  entries: Entry[],
  selection: Selection,
  range: Range,
): Entry[] {
  const { behind, below, skip = 0, limit } = range;
  const inOrder = range.order === 'asc' ? comparison(range) : reversed(comparison(range));
  return entries
    .filter((entry) => isSelected(entry, selection))
    .filter((entry) => below === undefined || entry.position < below)
    .filter((entry) => behind === undefined || inOrder(behind, entry) < 0)
    .sort(inOrder)
    .slice(skip, skip + limit);
}

export function isSelected(entry: Selectable, { streams, since, until }: Selection): boolean {
  if (since !== undefined && entry.occurredAt < since) return false;
  if (until !== undefined && entry.occurredAt >= until) return false;
  return streams.every((stream) => entry.streams.includes(stream));
}

/** What a selection looks at. */
type Selectable = Pick<SealedEntry, 'position' | 'occurredAt' | 'streams'>;

type Place = Pick<SealedEntry, 'position' | 'occurredAt'>;
type Comparison = (left: Place, right: Place) => number;

function comparison(range: Range): Comparison {
  return range.by === 'position' ? byPosition : byTime;
}

const byPosition: Comparison = (left, right) => left.position - right.position;
export const byTime: Comparison = (left, right) =>
  left.occurredAt - right.occurredAt || left.position - right.position;

function reversed(order: Comparison): Comparison {
  return (left, right) => order(right, left);
}
