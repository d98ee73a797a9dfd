// Faults for tests of what stands on a store. Their names say what fails and what was kept all the
// same: a caller cannot tell the two failed appends apart, and must come out right after either.

export type Fault =
  | 'append failed and nothing was kept'
  | 'append failed and everything was kept'
  | 'append is stale'
  | 'read failed';

export class Faults {
  readonly #coming: Fault[] = [];

  /** The next call that this fault can strike meets it, and only that one; said twice, the next two. */
  next(fault: Fault): void {
    this.#coming.push(fault);
  }

  /** For the store: does this fault strike now? Asking spends it. */
  strikes(fault: Fault): boolean {
    const index = this.#coming.indexOf(fault);
    if (index === -1) return false;
    this.#coming.splice(index, 1);
    return true;
  }

  /** The faults that have not struck yet. */
  get coming(): readonly Fault[] {
    return this.#coming;
  }
}
