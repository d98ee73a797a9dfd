// Batches for tests of stores: changes sealed as `ingest` seals them, but with a clock, salts and ids
// that follow from a seed, so that a printed seed makes the same batches again.

import { hash, randomInt } from 'node:crypto';
import type { Change } from '../core/entry.ts';
import type { Instant } from '../core/instant.ts';
import { EMPTY_TREE, type Sha256 } from '../core/merkle.ts';
import { draftOf, type Latest, type SealedEntry, seal, type Tip } from '../core/seal.ts';
import { SALT_BYTES } from '../core/section.ts';
import type { Batch, KeptAnswer, LogId, Store } from './store.ts';

export const sha256: Sha256 = (data) => Uint8Array.from(hash('sha256', data, 'buffer'));

/** 2026-01-01T00:00:00Z: when the clock of every sealer starts. */
export const START: Instant = 1_767_225_600_000_000;

/** A fresh seed for each run; `ANNALS_SEED` repeats the run that printed it. */
export function testSeed(): number {
  const given = process.env.ANNALS_SEED;
  return given === undefined ? randomInt(2 ** 32) : Number(given);
}

/** Numbers that follow from a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to, and not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.#fraction() * limit);
  }

  chance(probability: number): boolean {
    return this.#fraction() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] as Item, shuffled[last] as Item];
    }
    return shuffled;
  }

  bytes(length: number): Uint8Array {
    const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => this.#word());
    return new Uint8Array(words.buffer, 0, length);
  }

  uuid(): string {
    const hex = Buffer.from(this.bytes(16)).toString('hex');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  #fraction(): number {
    return this.#word() / 2 ** 32;
  }

  #word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}

/** A change, and the entry that it became. */
export interface Written {
  change: Change;
  entry: SealedEntry;
}

/** Seals the batches of one log, one on top of the other, and remembers what went into them. */
export class LogSealer {
  readonly log: LogId;
  readonly random: Random;
  tip: Tip;
  readonly written: Written[] = [];
  readonly #latest = new Map<string, Latest>();
  #now = START;

  constructor(log: LogId, random: Random) {
    this.log = log;
    this.random = random;
    this.tip = { log, tree: EMPTY_TREE, recordedAt: Number.NEGATIVE_INFINITY };
  }

  /** The next batch: all its changes at one moment, now and then the moment of the batch before. */
  batch(changes: readonly Change[], answers: KeptAnswer[] = []): Batch {
    if (this.random.chance(0.8)) this.#now += 1 + this.random.below(5_000_000);
    const parent = this.tip.tree.edge.at(-1);
    const batch: Batch = { parent, entries: [], nodes: [], tip: this.tip, latest: [], answers };
    const touched = new Map<string, Latest>();
    for (const change of changes) {
      const key = JSON.stringify([change.resource.type, change.resource.id]);
      const salt = (): Uint8Array => this.random.bytes(SALT_BYTES);
      const sealed = seal(this.tip, this.#latest.get(key), draftOf(change), this.#now, salt, sha256);
      batch.entries.push(sealed.entry);
      batch.nodes.push(...sealed.nodes);
      touched.set(key, sealed.latest);
      this.#latest.set(key, sealed.latest);
      this.written.push({ change, entry: sealed.entry });
      this.tip = sealed.tip;
    }
    return { ...batch, tip: this.tip, latest: [...touched.values()] };
  }

  /** Another sealer that stands where this one does: what it seals competes with what this one seals. */
  fork(): LogSealer {
    const fork = new LogSealer(this.log, this.random);
    fork.tip = this.tip;
    fork.written.push(...this.written);
    for (const [key, latest] of this.#latest) fork.#latest.set(key, latest);
    fork.#now = this.#now;
    return fork;
  }
}

/** Seals the changes and appends them, `batchSize` at a time; throws where the store does not take them. */
export async function appendAll(
  store: Store,
  sealer: LogSealer,
  changes: readonly Change[],
  batchSize = changes.length,
): Promise<void> {
  for (let start = 0; start < changes.length; start += batchSize) {
    const { size } = sealer.tip.tree;
    const batch = sealer.batch(changes.slice(start, start + batchSize));
    const { outcome } = await store.append(sealer.log, size, batch);
    if (outcome !== 'appended') throw new Error(`the store answered ${outcome} to an append at ${size}`);
  }
}
