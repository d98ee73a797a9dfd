// The latest states at hand, of all logs together, the least recently used given up first. It may forget
// anything at any time: a batch takes what it needs into a map of its own.

import type { ResourceRef } from '../core/entry.ts';
import type { Latest } from '../core/seal.ts';

/** Bound on all states at hand, in bytes. */
const MOST_BYTES = 12 * 1024 * 1024;
/** What one weighs beside its texts: with some twenty members, as measured. */
const OVERHEAD = 2000;

export function resourceKey({ type, id }: ResourceRef): string {
  return `${type}/${id}`;
}

/** What is known of a resource; undefined: the log does not know it. */
export type KnownLatest = Latest | undefined;

export class LatestStates {
  /** In the order of use. */
  readonly #states = new Map<string, { latest: KnownLatest }>();
  #weight = 0;

  get(key: string): { latest: KnownLatest } | undefined {
    return this.#states.get(key);
  }

  set(key: string, latest: KnownLatest): void {
    this.#remove(key);
    this.#states.set(key, { latest });
    this.#weight += weightOf(latest);
    if (this.#weight <= MOST_BYTES) return;
    for (const oldest of this.#states.keys()) {
      if (this.#weight <= MOST_BYTES) return;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const known = this.#states.get(key);
    if (known === undefined) return;
    this.#weight -= weightOf(known.latest);
    this.#states.delete(key);
  }
}

function weightOf(latest: KnownLatest): number {
  return OVERHEAD + (latest?.state?.weight ?? 0);
}
