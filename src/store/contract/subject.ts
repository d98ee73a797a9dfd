// What the sentences of the contract are given.

import type { Random } from '../contract-batches.ts';
import type { Store } from '../store.ts';

export interface Opened {
  store: Store;
  /** Closes the store, where that was not done yet, and clears away what it kept. */
  close(): Promise<void>;
}

/** What a sentence is given. */
export interface Subject {
  store(): Store;
  /** Another store, with nothing in it that matters. */
  open(): Promise<Opened>;
  /** Randomness of its own, from the seed. */
  random(): Random;
  /** For failure messages. */
  hint: string;
}
