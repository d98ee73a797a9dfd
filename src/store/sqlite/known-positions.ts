// Positions of selections, at hand on the main thread for as long as nothing is committed to the database.

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { LogId, Range, Selection } from '../store.ts';

/** Bound on all positions at hand. */
const MOST_POSITIONS = 100_000;
/** What a selection weighs beside its positions. */
const OVERHEAD = 20;

/**
 * Every commit, by whatever connection of whatever process, changes what `PRAGMA data_version` gives on this one.
 * It reads a counter in shared memory, so it may be asked on the main thread; nothing else is.
 */
export class KnownPositions {
  readonly #db: DatabaseSync;
  readonly #version: StatementSync;
  /** The version of the database for which the positions are known. */
  #seen: unknown;
  readonly #known = new Map<string, readonly number[]>();
  #weight = 0;
  /** Has someone looked in this turn of the event loop? What comes in one turn came before it. */
  #hasLooked = false;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    this.#version = this.#db.prepare('PRAGMA data_version');
    this.#version.setReturnArrays(true);
  }

  /** The positions of a selection, as `find` gives them where they are not known. */
  async positions(
    log: LogId,
    selection: Selection,
    range: Range,
    find: () => Promise<readonly number[]>,
  ): Promise<readonly number[]> {
    const version = this.#look();
    if (version === undefined) return find();
    const key = keyOf(log, selection, range);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = await find();
    // Of another version they may be, if someone has looked meanwhile.
    if (this.#seen === version) this.#keep(key, found);
    return found;
  }

  close(): void {
    this.forget();
    if (this.#db.isOpen) this.#db.close();
  }

  /** What this process commits is not known of before it is acknowledged. */
  forget(): void {
    this.#hasLooked = false;
  }

  /** The version now; what was known of another is forgotten. Undefined where the database does not say. */
  #look(): unknown {
    if (this.#hasLooked) return this.#seen;
    this.#hasLooked = true;
    setImmediate(() => {
      this.#hasLooked = false;
    });
    let version: unknown;
    try {
      [version] = this.#version.get() as unknown as unknown[];
    } catch {
      version = undefined;
    }
    if (version === this.#seen) return version;
    this.#seen = version;
    this.#known.clear();
    this.#weight = 0;
    return version;
  }

  #keep(key: string, positions: readonly number[]): void {
    if (this.#known.has(key)) return;
    this.#known.set(key, positions);
    this.#weight += positions.length + OVERHEAD;
    for (const [oldest, { length }] of this.#known) {
      if (this.#weight <= MOST_POSITIONS) return;
      this.#known.delete(oldest);
      this.#weight -= length + OVERHEAD;
    }
  }
}

/** Names of streams may have any character, so their lengths go before them. */
function keyOf(log: LogId, { streams, since, until }: Selection, range: Range): string {
  const { by, order, limit, skip, below, behind } = range;
  let key = `${log} ${since} ${until} ${by} ${order} ${limit} ${skip} ${below} ${behind?.position} ${behind?.occurredAt}`;
  for (const name of streams) key += ` ${name.length}:${name}`;
  return key;
}
