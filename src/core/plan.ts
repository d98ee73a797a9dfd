// How a selection is walked: from its smallest known set, the others checked entry by entry. Sizes of
// streams are exact, so the choice needs no statistics. Both databases follow the same plan.

/** A window of `occurredAt` with more entries than this is not collected and sorted, but checked along the walk. */
export const COLLECTED = 10_000;

/** Positions per span: a store keeps the earliest and latest `occurredAt` of each. */
export const SPAN = 1024;

/** Every 64th number of a stream is indexed; any other is at most 63 steps from one that is. */
export const MARK = 64;

export type Plan =
  /** Some stream is empty: so is the selection. */
  | { drive: 'nothing' }
  /** Walk the log itself. */
  | { drive: 'log' }
  /** Walk the stream with this number in the list, check the others. */
  | { drive: 'stream'; stream: number; checks: number[] }
  /** Collect the window of `occurredAt`, check all streams. */
  | { drive: 'window'; checks: number[] };

/**
 * @param sizes the sizes of the selection's streams, in their order
 * @param windowSize entries in the selection's window of the whole log, counted up to COLLECTED + 1;
 *   undefined where there is no window
 */
export function planWalk(sizes: readonly number[], windowSize: number | undefined): Plan {
  const checks = sizes.map((_, index) => index);
  const smallest = sizes.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...sizes);
  if (smallest === 0 || windowSize === 0) return { drive: 'nothing' };
  if (windowSize !== undefined && windowSize <= COLLECTED && windowSize < smallest) {
    return { drive: 'window', checks };
  }
  if (sizes.length === 0) return { drive: 'log' };
  const stream = sizes.indexOf(smallest);
  return { drive: 'stream', stream, checks: checks.filter((index) => index !== stream) };
}
