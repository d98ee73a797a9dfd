// The window of time outside which a filter matches nothing, so that a client that asks for what is new
// costs what is new.

import { type Instant, MAX_INSTANT, MIN_INSTANT } from '../../core/instant.ts';
import type { Condition } from './filter.ts';

export interface Bounds {
  /** Inclusive. */
  since?: Instant;
  /** Exclusive. */
  until?: Instant;
}

/** What matches lies within; what lies within need not match. */
export function boundsOf(condition: Condition): Bounds {
  if (condition.kind === 'and') return condition.conditions.map(boundsOf).reduce(intersection);
  if (condition.kind !== 'time') return {};
  const { operator, timestamp } = condition;
  switch (operator) {
    case 'equals':
      return { ...since(timestamp), ...until(timestamp + 1) };
    case 'gt':
      return since(timestamp + 1);
    case 'gte':
      return since(timestamp);
    case 'lt':
      return until(timestamp);
    case 'lte':
      return until(timestamp + 1);
  }
}

function since(millis: number): Bounds {
  return { since: Math.max(MIN_INSTANT, Math.min(MAX_INSTANT, millis * 1000)) };
}

function until(millis: number): Bounds {
  return millis * 1000 > MAX_INSTANT ? {} : { until: Math.max(MIN_INSTANT, millis * 1000) };
}

function intersection(left: Bounds, right: Bounds): Bounds {
  const both = { ...left, ...right };
  if (left.since !== undefined && right.since !== undefined) both.since = Math.max(left.since, right.since);
  if (left.until !== undefined && right.until !== undefined) both.until = Math.min(left.until, right.until);
  return both;
}
