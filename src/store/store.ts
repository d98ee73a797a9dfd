// The seam between Annals and a database. A store keeps logs; it decides nothing.
//
// It has one write, `append`: compare and append. Its contract is the suite in contract.ts.

import type { Resource, ResourceRef } from '../core/entry.ts';
import type { Instant } from '../core/instant.ts';
import type { Hash, Node } from '../core/merkle.ts';
import type { Latest, SealedEntry, Tip } from '../core/seal.ts';
import type { Stream } from '../core/streams.ts';

/** A log is named by its organization's id, a UUID. */
export type LogId = string;

/** What a read gives beside the record itself. */
export interface Parts {
  /** The states before and after. */
  states?: boolean;
  /** Salts and digests. */
  seals?: boolean;
}

/** A kept entry: as sealed, less its streams; states and seals are there where the read asked for them. */
export interface StoredEntry extends Omit<SealedEntry, 'streams' | 'before' | 'after'> {
  /** Canonical text of the state before and after, null for a null state; undefined where not asked for. */
  before: string | null | undefined;
  after: string | null | undefined;
}

/** The answer that was given under an idempotency key, kept with the write that it answers. */
export interface KeptAnswer {
  /** Names the key and who used it. */
  key: string;
  /** Names the content that was sent with it. */
  fingerprint: string;
  /** The answer, JSON. */
  answer: string;
  keptAt: Instant;
}

/** Entries in the form in which a store will append them. */
export interface Packed {
  readonly count: number;
}

/** What one append commits, all of it or nothing. */
export interface Batch {
  /**
   * What the batch is sealed on: the last hash at the edge of the tree; undefined in an empty log. The size
   * alone does not tell: where another server has appended as many entries as an append that failed,
   * what was sealed behind that one would fit.
   */
  parent: Hash | undefined;
  /** Entries that `pack` has taken, before those that it has not. */
  packed?: readonly Packed[];
  /** In order, positions from the expected size on. May be empty where there are answers. */
  entries: SealedEntry[];
  nodes: Node[];
  /** The tip after the last entry. */
  tip: Tip;
  /** Latest states after the last entry, one for each resource that the entries touch. */
  latest: Latest[];
  answers: KeptAnswer[];
}

export type AppendResult =
  | { outcome: 'appended' }
  /** The log's size is not the expected one, or its last entries are others; nothing was kept. */
  | { outcome: 'stale' }
  /** These change ids or idempotency keys are in the log already; nothing was kept. */
  | { outcome: 'repeated'; ids: string[]; keys: string[] };

/** Which entries: those filed under all the streams, and within the window of `occurredAt`. */
export interface Selection {
  /** None: the whole log. */
  streams: Stream[];
  /** Inclusive. */
  since?: Instant | undefined;
  /** Exclusive. */
  until?: Instant | undefined;
}

/** Which part of a selection, in which order. */
export interface Range {
  /** `position`: as the log took them. `occurredAt`: by (occurredAt, position). */
  by: 'position' | 'occurredAt';
  order: 'asc' | 'desc';
  limit: number;
  /** Start behind this entry, in the direction of the order. */
  behind?: { position: number; occurredAt: Instant } | undefined;
  /** Leave out this many from the start. */
  skip?: number | undefined;
  /** Only entries below this position. */
  below?: number | undefined;
}

/** A resource's latest state, and the entry that left it. */
export interface LatestRow {
  resource: Resource;
  /** The version that left the state. */
  version: number;
  position: number;
  /** Canonical text; null where it was deleted. */
  state: string | null;
  changedAt: Instant;
  /** The actor section's text. */
  changedBy: string;
}

export interface Organization {
  id: string;
  slug: string;
  name: string;
  createdAt: Instant;
}

/**
 * Reads that pay where the database is on the same machine: the positions first, then only those
 * entries that the reader has not at hand. Over a network one round trip is better than two.
 */
export interface LocalReads {
  /** The positions of what `select` gives. */
  positions(log: LogId, selection: Selection, range: Range): Promise<readonly number[]>;
  /** The entries at positions that the log has, in the order asked for. */
  at(log: LogId, positions: readonly number[], parts?: Parts): Promise<StoredEntry[]>;
}

/** What another server on the same database did: heard soon, or never. */
export type News =
  | { kind: 'head'; log: LogId; size: number }
  /** An organization or a secret was added, such as that an access token is revoked. */
  | { kind: 'access' }
  /** Anything may have happened: some news was missed. */
  | { kind: 'missed' };

/** What is done in a turn is done through it. */
export type Turn = Pick<Store, 'append' | 'tip' | 'latest'>;

export interface Store {
  /** Undefined where the database may be on another machine. */
  readonly local?: LocalReads | undefined;

  /** Makes less of entries that wait for the rest of their batch; absent where that is not worth it. */
  pack?(entries: readonly SealedEntry[]): Packed;

  /** Commits the batch, or answers why not; rejects with AnnalsError `storage_full` or `store_unavailable`. */
  append(log: LogId, expectedSize: number, batch: Batch): Promise<AppendResult>;

  /**
   * Has `work` append while no other server does; absent where there is no other. `work` runs at once, and
   * what it reads is answered when its turn has come. That spares servers that write to one log the sealing
   * on a head that moves meanwhile, and serves them in the order in which they came; what keeps the log
   * right is still `append`, of which `work` may do one.
   */
  turn?(log: LogId, work: (turn: Turn) => Promise<void>): Promise<void>;

  /** Size, edge and last `recordedAt` of the log; of an empty log where it is not known. */
  tip(log: LogId): Promise<Tip>;
  /** Latest states, in the order asked for; undefined where the resource is unknown. */
  latest(log: LogId, resources: ResourceRef[]): Promise<(Latest | undefined)[]>;
  /** Entries by change id, with all parts, in no order; unknown ids are left out. */
  find(log: LogId, ids: string[]): Promise<StoredEntry[]>;
  /** The answer kept under an idempotency key. */
  answer(log: LogId, key: string): Promise<KeptAnswer | undefined>;
  /** Entries of a selection. */
  select(log: LogId, selection: Selection, range: Range, parts?: Parts): Promise<StoredEntry[]>;
  /** The exact number of entries of a selection. */
  count(log: LogId, selection: Selection): Promise<number>;
  /**
   * The entry that left the state of a resource as it was at `at`, as known at `knownAt`: the one with
   * the greatest (occurredAt, position) among those with `occurredAt <= at` and `recordedAt <= knownAt`.
   */
  asOf(log: LogId, resource: ResourceRef, at: Instant, knownAt: Instant): Promise<StoredEntry | undefined>;
  /** Latest states by (type, id), deleted resources left out. */
  resources(
    log: LogId,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): Promise<LatestRow[]>;
  /** The resource types, in the order of their first entries. */
  types(log: LogId): Promise<string[]>;
  /** One latest state, deleted or not. */
  resource(log: LogId, resource: ResourceRef): Promise<LatestRow | undefined>;
  /** Complete Merkle nodes by name, leaves included (level 0). */
  nodes(log: LogId, names: { level: number; index: number }[]): Promise<(Hash | undefined)[]>;

  organizations(): Promise<Organization[]>;
  /** False where the id or the slug is taken. */
  addOrganization(organization: Organization): Promise<boolean>;

  /** What the installation keeps for itself under a name, such as the key that signs access tokens. */
  secret(name: string): Promise<Uint8Array | undefined>;
  /**
   * Keeps a secret; false, and nothing is kept, where the name is taken.
   * @param until from then on it may be dropped; undefined: never
   */
  addSecret(name: string, value: Uint8Array, until?: Instant): Promise<boolean>;
  /** Drops the secrets whose `until` lies before `now`. */
  dropSecrets(now: Instant): Promise<void>;

  /** Has `hear` told what other servers do; absent where there can be none. */
  subscribe?(hear: (news: News) => void): void;

  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** A consistent copy of the whole installation, while it serves. */
  backup(path: string): Promise<void>;
  /** Finishes what is under way, and closes. */
  close(): Promise<void>;
}
