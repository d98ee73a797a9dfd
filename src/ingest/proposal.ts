// What a caller wants recorded: a change, or a state from which the change follows.

import type { Change, Receipt, ResourceRef } from '../core/entry.ts';
import { canonicalize, isEqual, type Json } from '../core/json.ts';
import type { Latest } from '../core/seal.ts';
import type { StoredEntry } from '../store/store.ts';

/** A change that depends on the latest state: a put, a patch, a deletion, a guarded write. */
export interface StateProposal {
  resource: ResourceRef;
  /**
   * The change to record, or undefined where nothing differs. It is asked again where another writer
   * came first; it throws AnnalsError where the latest state forbids the write.
   */
  derive(latest: Latest | undefined): Change | undefined;
}

export type Proposal = Change | StateProposal;

/** What became of a proposal: a receipt, fresh or of the entry that was there already. */
export type Outcome = { receipt: Receipt } | { unchangedAt: number };

export function isStateProposal(proposal: Proposal): proposal is StateProposal {
  return 'derive' in proposal;
}

/** Do two changes with one id say the same? */
export function isSameChange(left: Change, right: Change): boolean {
  return isEqual(left as unknown as Json, right as unknown as Json);
}

/**
 * Does the entry say what this change says? What the change leaves to Annals (the moment, the state
 * before) may be anything that Annals would have filled in.
 */
export function isRecordedAs(change: Change, entry: StoredEntry): boolean {
  const { occurredAt, before, after = null } = change;
  return (
    isEqual({ ...change.resource }, { ...entry.resource }) &&
    change.action === entry.action &&
    change.event === entry.event &&
    (occurredAt ?? entry.recordedAt) === entry.occurredAt &&
    isEqual(refs(change.related ?? []), refs(entry.related)) &&
    text(change.actor as unknown as Json) === entry.actor &&
    text(change.context) === entry.context &&
    text(change.metadata) === entry.metadata &&
    (entry.action === 'access' || text(after) === (entry.after ?? 'null')) &&
    (before === undefined || entry.action === 'access' || text(before) === (entry.before ?? 'null'))
  );
}

function refs(list: readonly ResourceRef[]): Json {
  return list.map(({ type, id }) => ({ type, id }));
}

function text(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalize(value);
}
