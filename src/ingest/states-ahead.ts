// The latest states of what waits for its turn in a log, asked for before that has come: others wait for it to end.

import type { ResourceRef } from '../core/entry.ts';
import type { Latest } from '../core/seal.ts';
import { type KnownLatest, resourceKey } from './latest-states.ts';
import type { Submission } from './sealed-batch.ts';

/** How long it gathers what comes before it asks again: a question for each would cost more than it spares. */
const GATHER_MS = 4;

export class StatesAhead {
  readonly #waiting: () => readonly Submission[];
  readonly #latest: (resources: ResourceRef[]) => Promise<(Latest | undefined)[]>;
  readonly #states = new Map<string, KnownLatest>();
  readonly #asked = new Set<string>();
  readonly #answers: Promise<void>[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param waiting those that are sealed first
   * @param latest answers once it is their turn
   */
  constructor(
    waiting: () => readonly Submission[],
    latest: (resources: ResourceRef[]) => Promise<(Latest | undefined)[]>,
  ) {
    this.#waiting = waiting;
    this.#latest = latest;
  }

  /** Asks soon for what waits then. */
  askSoon(): void {
    this.#timer ??= setTimeout(() => this.#ask(), GATHER_MS);
  }

  /** By `resourceKey`, of all that waits now; rejects where one of the questions failed. */
  async all(): Promise<ReadonlyMap<string, KnownLatest>> {
    this.#ask();
    await Promise.all(this.#answers);
    return this.#states;
  }

  /** Asks for nothing any longer. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #ask(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const resources = this.#notAskedFor();
    if (resources.size === 0) return;
    for (const key of resources.keys()) this.#asked.add(key);
    const answer = this.#learn([...resources.keys()], [...resources.values()]);
    // `all` hears of it.
    answer.catch(() => undefined);
    this.#answers.push(answer);
  }

  async #learn(keys: readonly string[], resources: ResourceRef[]): Promise<void> {
    const found = await this.#latest(resources);
    keys.forEach((key, index) => {
      this.#states.set(key, found[index]);
    });
  }

  #notAskedFor(): Map<string, ResourceRef> {
    const resources = new Map<string, ResourceRef>();
    for (const submission of this.#waiting()) {
      for (const resource of resourcesOf(submission)) {
        const key = resourceKey(resource);
        if (!this.#asked.has(key)) resources.set(key, resource);
      }
    }
    return resources;
  }
}

/** None where they cannot be read, for which it is refused when it is sealed. */
function resourcesOf({ proposals }: Submission): ResourceRef[] {
  try {
    return proposals.map(({ resource }) => resource);
  } catch {
    return [];
  }
}
