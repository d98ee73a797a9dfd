// What verification and copying read: a store's tables as they are, all at one moment, whatever is
// appended meanwhile. It decides nothing; `query/verify.ts` and `query/copy.ts` do.

import type { Instant } from '../core/instant.ts';
import type { Stream } from '../core/streams.ts';
import type { KeptAnswer, LogId, Store } from './store.ts';

/** An entry whose filing is asked for. */
export interface Filed {
  id: string;
  position: number;
  occurredAt: Instant;
  isAccess: boolean;
  /** The resource's stream first. */
  streams: readonly Stream[];
}

/** How an entry is filed. */
export interface Filing {
  /** In each stream; undefined where it is not filed there. */
  places: (Place | undefined)[];
  /** Is it found by its id? */
  isById: boolean;
  /** Is it found by its `occurredAt`, in the whole log and, unless it is an access, in its resource? */
  isByTime: boolean;
}

export interface Place {
  number: number;
  /** The number of the entry before it in the stream; 0 where there is none. */
  previous: number;
  /** The size that is kept of the stream. */
  size: number;
}

/** How many of each the store keeps of a log. */
export interface Kept {
  entries: number;
  nodes: number;
  /** Resources with a latest state, or with nothing but accesses. */
  resources: number;
  filings: number;
  /** Entries by time: each in the whole log and, unless it is an access, in its resource. */
  times: number;
}

export interface Audit
  extends Pick<Store, 'tip' | 'latest' | 'select' | 'nodes' | 'organizations' | 'close'> {
  /** Every log, also one whose organization is not known. */
  logs(): Promise<LogId[]>;
  /** One for each entry, in their order. */
  filings(log: LogId, entries: readonly Filed[]): Promise<Filing[]>;
  kept(log: LogId): Promise<Kept>;
  /** Streams by name behind another one, with the size that is kept and the number of entries that are filed. */
  streams(
    log: LogId,
    behind: Stream | undefined,
    limit: number,
  ): Promise<{ stream: Stream; size: number; filed: number }[]>;
  /** What the installation keeps for itself: see `Store.secret`. */
  secrets(): Promise<Secret[]>;
  /** The answers that are kept under idempotency keys, by key behind another one. */
  answers(log: LogId, behind: string | undefined, limit: number): Promise<KeptAnswer[]>;
}

export interface Secret {
  name: string;
  value: Uint8Array;
  /** From then on it may be dropped; undefined: never. */
  until: Instant | undefined;
}
