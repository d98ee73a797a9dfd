import { describe, expect, it } from 'vitest';
import { MAX_INSTANT, MIN_INSTANT } from '../../core/instant.ts';
import { boundsOf } from './bounds.ts';
import { parseFilter } from './filter.ts';

describe('the bounds of a filter', () => {
  it.each([
    ['gt(timestamp,5)', { since: 6000 }],
    ['gte(timestamp,5)', { since: 5000 }],
    ['lt(timestamp,5)', { until: 5000 }],
    ['lte(timestamp,5)', { until: 6000 }],
    ['equals(timestamp,5)', { since: 5000, until: 6000 }],
    [
      'gt(timestamp,5) and gt(timestamp,7) and lt(timestamp,9) and lte(timestamp,9)',
      { since: 8000, until: 9000 },
    ],
    ['equals(user,ada) and gte(timestamp,5)', { since: 5000 }],
    ['(gte(timestamp,5) and equals(user,ada)) and lt(timestamp,9)', { since: 5000, until: 9000 }],
    ['equals(user,ada)', {}],
    ['gt(timestamp,5) or gt(timestamp,7)', {}],
    ['not(gt(timestamp,5))', {}],
    [`gt(timestamp,${'9'.repeat(40)})`, { since: MAX_INSTANT }],
    [`lt(timestamp,${'9'.repeat(40)})`, {}],
    [`gt(timestamp,-${'9'.repeat(40)})`, { since: MIN_INSTANT }],
    [`lt(timestamp,-${'9'.repeat(400)})`, { until: MIN_INSTANT }],
  ])('of %s are %j', (filter, bounds) => {
    expect(boundsOf(parseFilter(filter))).toEqual(bounds);
  });
});
