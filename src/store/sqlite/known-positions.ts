// Positions of selections, at hand for as long as nothing is committed to the database.

import type { LogId, Range, Selection } from '../store.ts';
import { Gathered } from './gathered.ts';

/** Bound on all positions at hand. */
const MOST_POSITIONS = 200_000;
/** What a selection weighs beside its positions. */
const OVERHEAD = 30;

type Positions = readonly number[];

interface Asked {
  key: string;
  find: () => Promise<Positions>;
  resolve: (positions: Positions | Promise<Positions>) => void;
}

/** What was found, or is being found; it weighs something once it is there. */
interface Known {
  positions: Positions | Promise<Positions>;
  weight: number;
}

export class KnownPositions {
  readonly #look: () => number | undefined;
  readonly #most: number;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Gathered<Asked>((asked) => this.#answer(asked));
  /** The version of the database of which all that is known is. */
  #version: number | undefined;
  #weight = 0;

  /** @param look a value that changes with every commit; undefined where it cannot be told */
  constructor(look: () => number | undefined, most: number = MOST_POSITIONS) {
    this.#look = look;
    this.#most = most;
  }

  /** What `find` gives; it is asked only where that is not known as of now. */
  positions(
    log: LogId,
    selection: Selection,
    range: Range,
    find: () => Promise<Positions>,
  ): Promise<Positions> {
    return new Promise((resolve) => {
      this.#asked.add({ key: keyOf(log, selection, range), find, resolve });
    });
  }

  /** The look comes behind all questions: what it vouches for is as of a moment when all of them had been asked. */
  #answer(asked: readonly Asked[]): void {
    const version = this.#look();
    if (version !== this.#version) this.#forget(version);
    for (const { key, find, resolve } of asked) {
      resolve(version === undefined ? find() : (this.#known.get(key)?.positions ?? this.#find(key, find)));
    }
  }

  /**
   * The reading comes behind the look: it may find more than was there then, never less. If it does, there was a commit, and
   * the next look forgets it. So who asks while it is under way, and after a look that saw no commit, may share it.
   */
  #find(key: string, find: () => Promise<Positions>): Promise<Positions> {
    const positions = find();
    const known: Known = { positions, weight: 0 };
    this.#known.set(key, known);
    positions.then(
      (found) => {
        if (this.#known.get(key) === known) this.#keep(key, found);
      },
      () => {
        if (this.#known.get(key) === known) this.#known.delete(key);
      },
    );
    return positions;
  }

  /** The oldest go first: one that is still asked for comes back at the cost of one read. */
  #keep(key: string, positions: Positions): void {
    const weight = positions.length + OVERHEAD + Math.ceil(key.length / 8);
    this.#known.delete(key);
    this.#known.set(key, { positions, weight });
    this.#weight += weight;
    for (const [oldest, known] of this.#known) {
      if (this.#weight <= this.#most) return;
      this.#known.delete(oldest);
      this.#weight -= known.weight;
    }
  }

  #forget(version: number | undefined): void {
    this.#version = version;
    this.#known.clear();
    this.#weight = 0;
  }
}

/** Names of streams hold whatever callers sent: as JSON, no two of them look like another. */
function keyOf(log: LogId, { streams, since, until }: Selection, range: Range): string {
  const { by, order, limit, skip = 0, below, behind } = range;
  const edge = behind === undefined ? '' : `${behind.position} ${behind.occurredAt}`;
  const names = streams.length === 1 ? streams[0] : JSON.stringify(streams);
  return `${log} ${by} ${order} ${limit} ${skip} ${below} ${since} ${until} (${edge}) ${streams.length} ${names}`;
}
