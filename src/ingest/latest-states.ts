// The latest states that a recorder has at hand, the least recently used given up first.

import type { ResourceRef } from '../core/entry.ts';
import type { Latest } from '../core/seal.ts';

/** Bound on the canonical text of all states at hand, in UTF-16 units. */
const MOST_TEXT = 8 * 1024 * 1024;
/** What one entry weighs beside its text. */
const OVERHEAD = 200;

export function resourceKey({ type, id }: ResourceRef): string {
  return `${type}/${id}`;
}

export class LatestStates {
  /** In the order of use; undefined: the log does not know the resource. */
  readonly #states = new Map<string, Latest | undefined>();
  #weight = 0;

  has(key: string): boolean {
    return this.#states.has(key);
  }

  get(key: string): Latest | undefined {
    return this.#states.get(key);
  }

  set(key: string, latest: Latest | undefined): void {
    this.#remove(key);
    this.#states.set(key, latest);
    this.#weight += weightOf(latest);
  }

  /** Called between batches: a batch needs all that it loaded. */
  trim(): void {
    for (const key of this.#states.keys()) {
      if (this.#weight <= MOST_TEXT) return;
      this.#remove(key);
    }
  }

  clear(): void {
    this.#states.clear();
    this.#weight = 0;
  }

  #remove(key: string): void {
    if (!this.#states.has(key)) return;
    this.#weight -= weightOf(this.#states.get(key));
    this.#states.delete(key);
  }
}

function weightOf(latest: Latest | undefined): number {
  return OVERHEAD + (latest?.stateText.length ?? 0);
}
