// Random choices that a printed seed brings back; `ANNALS_SEED` repeats a run.

import { Random as Numbers, testSeed } from '../src/store/contract-batches.ts';

export interface Random {
  seed: number;
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  pick<Item>(items: readonly Item[]): Item;
  chance(probability: number): boolean;
}

export function makeRandom(seed: number = testSeed()): Random {
  const random = new Numbers(seed);
  return {
    seed,
    below: (end) => random.below(end),
    pick: (items) => random.pick(items),
    chance: (probability) => random.chance(probability),
  };
}
