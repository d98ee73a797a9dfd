// Many proposals that came together and are answered together, each a submission of its own.

import type { ResourceRef } from '../core/entry.ts';
import type { StoredEntry } from '../store/store.ts';
import type { Outcome, Proposal } from './proposal.ts';
import type { Submission } from './sealed-batch.ts';

/** What became of one of many. */
export type SettledOne = Outcome | { error: unknown };

/**
 * A submission of each proposal.
 * @param admit throws where a resource is not to be written
 * @param resolve called once all are settled, with what became of each, in their order
 */
export function answeredTogether(
  proposals: readonly Proposal[],
  admit: ((resource: ResourceRef) => void) | undefined,
  resolve: (settled: SettledOne[]) => void,
): Submission[] {
  const together = new Together(proposals.length, resolve);
  return proposals.map((proposal, index) => new OneOfMany(proposal, index, together, admit));
}

/** Submissions that are answered together, and do not depend on each other. */
class Together {
  readonly #settled: SettledOne[];
  readonly #resolve: (settled: SettledOne[]) => void;
  #open: number;

  constructor(count: number, resolve: (settled: SettledOne[]) => void) {
    this.#settled = Array(count);
    this.#resolve = resolve;
    this.#open = count;
  }

  settle(index: number, settled: SettledOne): void {
    if (this.#settled[index] !== undefined) return;
    this.#settled[index] = settled;
    this.#open -= 1;
    if (this.#open === 0) this.#resolve(this.#settled);
  }
}

class OneOfMany implements Submission {
  readonly proposals: readonly Proposal[];
  readonly requestKey = undefined;
  readonly admit: ((resource: ResourceRef) => void) | undefined;
  known: Map<string, StoredEntry> | undefined;
  readonly #index: number;
  readonly #together: Together;

  constructor(
    proposal: Proposal,
    index: number,
    together: Together,
    admit: ((resource: ResourceRef) => void) | undefined,
  ) {
    this.proposals = [proposal];
    this.admit = admit;
    this.#index = index;
    this.#together = together;
  }

  resolve([outcome]: Outcome[]): void {
    this.#together.settle(this.#index, outcome as Outcome);
  }

  reject(error: unknown): void {
    this.#together.settle(this.#index, { error });
  }
}
