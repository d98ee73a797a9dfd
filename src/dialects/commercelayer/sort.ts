// Sorted pages of a walk: only as many versions are kept as the page asked for reaches.

import type { Json } from '../../core/json.ts';
import type { SortKey } from './from-wire.ts';
import { type Version, valueIn } from './versions.ts';

interface Ranked {
  version: Version;
  /** The values of the sort keys, in their order. */
  values: Json[];
}

/** Cutting the kept ones down costs a sort, so some more than are needed are kept. */
const SPARE = 1000;

/** Takes the versions that match, in the order of the logs, and gives one page of them. */
export class Gathered {
  /** How many there were. */
  count = 0;
  readonly #sort: readonly SortKey[];
  readonly #skip: number;
  readonly #end: number;
  #kept: Ranked[] = [];

  constructor(sort: readonly SortKey[], skip: number, limit: number) {
    this.#sort = sort;
    this.#skip = skip;
    this.#end = skip + limit;
  }

  add(version: Version): void {
    const index = this.count;
    this.count += 1;
    if (this.#sort.length === 0) {
      if (index >= this.#skip && index < this.#end) this.#kept.push({ version, values: [] });
      return;
    }
    this.#kept.push({ version, values: this.#sort.map(({ name }) => valueIn(version, name)) });
    if (this.#kept.length >= 2 * this.#end + SPARE) this.#kept = this.#sorted().slice(0, this.#end);
  }

  page(): Version[] {
    const page = this.#sort.length === 0 ? this.#kept : this.#sorted().slice(this.#skip, this.#end);
    return page.map(({ version }) => version);
  }

  #sorted(): Ranked[] {
    return this.#kept.sort((left, right) => compare(left, right, this.#sort));
  }
}

/**
 * By the keys, and where those are equal by when they occurred, then by their place, in the direction of
 * the last key. An absent value comes last, as PostgreSQL has it, and first in a descending order.
 */
function compare(left: Ranked, right: Ranked, sort: readonly SortKey[]): number {
  for (const [index, { isDescending }] of sort.entries()) {
    const order = compareValues(left.values[index] as Json, right.values[index] as Json);
    if (order !== 0) return isDescending ? -order : order;
  }
  const [one, other] = [left.version, right.version];
  const order = one.occurredAt - other.occurredAt || one.rank - other.rank || one.position - other.position;
  return sort.at(-1)?.isDescending === true ? -order : order;
}

export function compareValues(left: Json, right: Json): number {
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  return left < right ? -1 : 1;
}
