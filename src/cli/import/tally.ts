// Counts what became of the lines, exactly: which entries are new is told by their positions.

import type { Problem } from '../../http/problem.ts';
import type { Answer } from './send.ts';

export interface Refusal {
  line: number;
  error: Problem;
}

export class Tally {
  recorded = 0;
  /** Of those recorded. */
  withoutDifference = 0;
  alreadyThere = 0;
  /** Changes of the directory, which nobody else may write: an export of the whole log has them. */
  leftOut = 0;
  refused = 0;
  /** The first refusals. */
  readonly refusals: Refusal[] = [];
  readonly #seen: Positions | undefined;

  /** @param sizeBefore the size of the log before the first line; undefined where the token may not read it */
  constructor(sizeBefore: number | undefined) {
    this.#seen = sizeBefore === undefined ? undefined : new Positions(sizeBefore);
  }

  get lines(): number {
    return this.recorded + this.alreadyThere + this.leftOut + this.refused;
  }

  /** Can entries that were there already be told from new ones? If not, all count as recorded. */
  get isExact(): boolean {
    return this.#seen !== undefined;
  }

  add(answer: Answer): void {
    if (isLeftOut(answer)) {
      this.leftOut += 1;
      return;
    }
    if ('error' in answer) {
      this.refused += 1;
      if (this.refusals.length < MOST_SHOWN)
        this.refusals.push({ line: answer.line ?? 0, error: answer.error });
      return;
    }
    if (this.#seen?.add(answer.position) === false) {
      this.alreadyThere += 1;
      return;
    }
    this.recorded += 1;
    if (!answer.changed) this.withoutDifference += 1;
  }
}

/** Was this line a change of the directory? It would be changed through /api. */
export function isLeftOut(answer: Answer): boolean {
  return 'error' in answer && answer.error.code === 'reserved';
}

/** Refusals that are shown one by one. */
export const MOST_SHOWN = 10;

/** Positions from a first one on, a bit each: a change that stands in a file twice has one position twice. */
class Positions {
  readonly #first: number;
  #bits = new Uint8Array(1024);

  constructor(first: number) {
    this.#first = first;
  }

  /** False where the position is below the first, or was added before. */
  add(position: number): boolean {
    const offset = position - this.#first;
    if (offset < 0) return false;
    const at = Math.floor(offset / 8);
    if (at >= this.#bits.length) this.#grow(at + 1);
    const bit = 1 << (offset % 8);
    const was = this.#bits[at] as number;
    this.#bits[at] = was | bit;
    return (was & bit) === 0;
  }

  #grow(least: number): void {
    const grown = new Uint8Array(Math.max(least, this.#bits.length * 2));
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
