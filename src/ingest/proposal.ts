// What a caller wants recorded: a change, or a state from which the change follows.

import type { Change, Receipt, ResourceRef } from '../core/entry.ts';
import { canonicalize, isEqual, type Json } from '../core/json.ts';
import { type Draft, isSameState, type Latest } from '../core/seal.ts';
import type { StoredEntry } from '../store/store.ts';

/** A change that is made beside the latest state: a put, a patch, a deletion, a guarded write, a line that was not read to its end. */
export interface StateProposal {
  resource: ResourceRef;
  /** The change's id, where the caller gave one. */
  readonly id?: string | undefined;
  /**
   * The change to record, or undefined where nothing differs. It is asked again where another writer
   * came first; it throws AnnalsError where the latest state forbids the write.
   */
  derive(latest: Latest | undefined): Draft | undefined;
}

export type Proposal = Change | StateProposal;

/** What became of a proposal: a receipt, fresh or of the entry that was there already. */
export type Outcome = { receipt: Receipt } | { unchangedAt: number };

export function isStateProposal(proposal: Proposal): proposal is StateProposal {
  return 'derive' in proposal;
}

/** Do two changes with one id say the same? */
export function isSameChange(left: Draft, right: Draft): boolean {
  const [{ before: leftBefore, after: leftAfter, ...leftRest }, { before, after, ...rest }] = [left, right];
  if (!isEqual(leftRest as unknown as Json, rest as unknown as Json) || !isSameState(leftAfter, after))
    return false;
  if (leftBefore === undefined || before === undefined) return leftBefore === before;
  return isSameState(leftBefore, before);
}

/**
 * Does the entry say what this change says? What the change leaves to Annals (the moment, the state
 * before) may be anything that Annals would have filled in.
 */
export function isRecordedAs(change: Draft, entry: StoredEntry): boolean {
  const { occurredAt, before, after } = change;
  return (
    isEqual({ ...change.resource }, { ...entry.resource }) &&
    change.action === entry.action &&
    change.event === entry.event &&
    (occurredAt ?? entry.recordedAt) === entry.occurredAt &&
    isEqual(refs(change.related ?? []), refs(entry.related)) &&
    text(change.actor as unknown as Json) === entry.actor &&
    text(change.context) === entry.context &&
    text(change.metadata) === entry.metadata &&
    (entry.action === 'access' || (after?.text ?? null) === (entry.after ?? null)) &&
    (before === undefined || entry.action === 'access' || (before?.text ?? null) === (entry.before ?? null))
  );
}

function refs(list: readonly ResourceRef[]): Json {
  return list.map(({ type, id }) => ({ type, id }));
}

function text(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalize(value);
}
