// Changes to import: real ones, and ones that are hard to keep as they are.

import type { Change } from '../src/core/entry.ts';
import { parseInstant } from '../src/core/instant.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { Random } from '../src/store/contract-batches.ts';
import { countryChanges } from './countries.ts';

/** The country history, under ids that follow from a seed. */
export function realChanges(random: Random): Change[] {
  return countryChanges().map(({ occurredAt, ...change }) => ({
    ...change,
    id: random.uuid(),
    occurredAt: parseInstant(occurredAt) as number,
  }));
}

/** Numbers as a double can be: awkward ones, and any bits at all. */
export function hardChanges(random: Random): Change[] {
  const awkward = [
    1e21,
    -0,
    5e-324,
    1.7976931348623157e308,
    1 / 3,
    0.1 + 0.2,
    123456789012345680000,
    1e-7,
    1e23,
  ];
  return Array.from({ length: 400 }, (_, index): Change => {
    const numbers = Array.from({ length: 5 }, () => anyDouble(random));
    const after: JsonObject = {
      numbers: [...numbers, random.pick(awkward)],
      größe: index,
      'b\u2028': [{}],
      a: {},
    };
    const resource = { type: 'numbers', id: String(index % 7) };
    return { id: random.uuid(), resource, action: 'update', actor: { type: 'system', id: 'x' }, after };
  });
}

function anyDouble(random: Random): number {
  const view = new DataView(random.bytes(8).slice().buffer);
  const number = view.getFloat64(0);
  return Number.isFinite(number) ? number : random.below(2 ** 31) / 1e9;
}
