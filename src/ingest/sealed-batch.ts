// A batch while it is sealed: each submission goes in whole, or not at all.

import type { ResourceRef } from '../core/entry.ts';
import { AnnalsError } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import type { Hash, Node, Sha256 } from '../core/merkle.ts';
import {
  type Draft,
  draftOf,
  type Latest,
  receiptOf,
  type SealedEntry,
  seal,
  type Tip,
} from '../core/seal.ts';
import type { KeptAnswer, Packed, Store, StoredEntry } from '../store/store.ts';
import { type KnownLatest, resourceKey } from './latest-states.ts';
import { isRecordedAs, isSameChange, isStateProposal, type Outcome, type Proposal } from './proposal.ts';

/** What sealing needs from outside: the clock, the randomness, the hash. */
export interface Sealing {
  now(): Instant;
  /** A fresh random 16-byte salt. */
  salt(): Uint8Array;
  sha256: Sha256;
}

/** An idempotency key, already bound to who uses it, and the fingerprint of what was sent with it. */
export interface RequestKey {
  key: string;
  fingerprint: string;
}

/** A caller's proposals, recorded together or not at all. */
export interface Submission {
  readonly proposals: readonly Proposal[];
  readonly requestKey: RequestKey | undefined;
  /** Throws where a resource is not to be written. */
  readonly admit: ((resource: ResourceRef) => void) | undefined;
  /** Entries that the log has already under ids of this submission. */
  known: Map<string, StoredEntry> | undefined;
  resolve(outcomes: Outcome[]): void;
  reject(error: unknown): void;
}

/** What a submission has come to so far, by change id. */
type Twins = Map<string, { change: Draft; outcome: Outcome }>;

/** A batch as it is sealed, submission by submission. */
export class SealedBatch {
  tip: Tip;
  /** The last hash at the edge of the tree on which it is sealed. */
  readonly parent: Hash | undefined;
  /** The entries that the store has packed, before those that it has not. */
  readonly packed: Packed[] = [];
  readonly entries: SealedEntry[] = [];
  readonly nodes: Node[] = [];
  readonly answers: KeptAnswer[] = [];
  readonly latest = new Map<string, Latest>();
  readonly ids = new Set<string>();
  /** What the log knows of every resource that the batch names. */
  readonly known = new Map<string, KnownLatest>();
  readonly #sealing: Sealing;

  constructor(tip: Tip, sealing: Sealing) {
    this.tip = tip;
    this.parent = tip.tree.edge.at(-1);
    this.#sealing = sealing;
  }

  /** Has the store put the entries into a form of its own: they are large, and there may be many until all are sealed. */
  pack(store: Store): void {
    if (store.pack !== undefined && this.entries.length > 0)
      this.packed.push(store.pack(this.entries.splice(0)));
  }

  /** Seals all proposals of a submission, or throws and leaves the batch as it was. */
  add({ proposals, requestKey, known }: Submission): Outcome[] {
    // Of one there is nothing to take back: what is sealed cannot fail any more.
    const outcomes =
      proposals.length === 1
        ? [this.#addOne(proposals[0] as Proposal, 0, known, this.latest, undefined)]
        : this.#addAll(proposals, known);
    if (requestKey !== undefined) this.answers.push(this.#answer(requestKey, outcomes));
    return outcomes;
  }

  #addAll(proposals: readonly Proposal[], known: Map<string, StoredEntry> | undefined): Outcome[] {
    const tipBefore = this.tip;
    const staged = new Map<string, Latest>();
    const twins: Twins = new Map();
    const [entryCount, nodeCount] = [this.entries.length, this.nodes.length];
    try {
      const outcomes = proposals.map((proposal, index) =>
        this.#addOne(proposal, index, known, staged, twins),
      );
      for (const [key, latest] of staged) this.latest.set(key, latest);
      return outcomes;
    } catch (error) {
      this.tip = tipBefore;
      this.entries.length = entryCount;
      this.nodes.length = nodeCount;
      for (const id of twins.keys()) this.ids.delete(id);
      throw error;
    }
  }

  #addOne(
    proposal: Proposal,
    index: number,
    known: Map<string, StoredEntry> | undefined,
    staged: Map<string, Latest>,
    twins: Twins | undefined,
  ): Outcome {
    const key = resourceKey(proposal.resource);
    const latest = staged.get(key) ?? this.latest.get(key) ?? this.known.get(key);
    const change = isStateProposal(proposal) ? proposal.derive(latest) : draftOf(proposal);
    if (change === undefined) return { unchangedAt: latest?.statePosition ?? 0 };
    const twin = twins?.get(change.id);
    if (twin !== undefined) {
      if (isSameChange(twin.change, change)) return twin.outcome;
      throw idConflict(change.id, index);
    }
    const entry = known?.get(change.id);
    if (entry !== undefined) {
      if (isRecordedAs(change, entry)) return { receipt: receiptOf(entry) };
      throw idConflict(change.id, index);
    }
    const { now, salt, sha256 } = this.#sealing;
    const sealed = seal(this.tip, latest, change, now(), salt, sha256);
    this.tip = sealed.tip;
    this.entries.push(sealed.entry);
    for (const node of sealed.nodes) this.nodes.push(node);
    staged.set(key, sealed.latest);
    this.ids.add(change.id);
    const outcome = { receipt: receiptOf(sealed.entry) };
    twins?.set(change.id, { change, outcome });
    return outcome;
  }

  /** What is kept is where the receipts are to be found, not the receipts: those are in the log. */
  #answer({ key, fingerprint }: RequestKey, outcomes: Outcome[]): KeptAnswer {
    const answer = outcomes.map((outcome) =>
      'receipt' in outcome ? { position: outcome.receipt.position } : { unchangedAt: outcome.unchangedAt },
    );
    return { key, fingerprint, answer: JSON.stringify(answer), keptAt: this.#sealing.now() };
  }
}

function idConflict(id: string, index: number): AnnalsError {
  return new AnnalsError('id_conflict', `the change id ${id} is in the log already, with other content`, {
    field: '/id',
    got: id,
    index,
  });
}
