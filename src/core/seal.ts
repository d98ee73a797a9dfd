// Sealing: a change becomes an entry. Pure: given the same tip, change, moment and salts it gives
// the same entry, byte for byte, on every store.

import { changesBetween } from './diff.ts';
import type { Action, Change, Continuity, Receipt, Resource, ResourceRef } from './entry.ts';
import type { Instant } from './instant.ts';
import { canonicalize, type Json } from './json.ts';
import { appendLeaf, type Hash, type Node, type Sha256, type Tree } from './merkle.ts';
import { joinPointer } from './pointer.ts';
import {
  type Digests,
  leafHashOf,
  type Salts,
  type SectionName,
  sectionDigest,
  subjectText,
} from './section.ts';
import { type Difference, StateText } from './state-text.ts';
import { type Stream, streamsOf } from './streams.ts';

/** Where a log ends: what the next entry is sealed on. */
export interface Tip {
  log: string;
  tree: Tree;
  /** The latest `recordedAt`, which never runs backwards; -Infinity in an empty log. */
  recordedAt: Instant;
}

/** What the log knows of a resource. */
export interface Latest {
  resource: Resource;
  /** The version of its last entry. */
  version: number;
  /** The last entry that left a state, or undefined where only accesses are known. */
  stateVersion: number | undefined;
  statePosition: number | undefined;
  state: StateText | null;
}

/** A change with its states as canonical texts: what is sealed. */
export interface Draft extends Omit<Change, 'before' | 'after'> {
  /** Absent: the state that the log knows. */
  before?: StateText | null;
  after: StateText | null;
}

export function draftOf({ before, after = null, ...rest }: Change): Draft {
  const draft: Draft = { ...rest, after: after && StateText.of(after) };
  if (before !== undefined) draft.before = before && StateText.of(before);
  return draft;
}

/** An entry as it is kept: the record as canonical texts, its seals, and where it is filed. */
export interface SealedEntry {
  id: string;
  position: number;
  version: number;
  recordedAt: Instant;
  occurredAt: Instant;
  resource: Resource;
  action: Action;
  event: string | undefined;
  related: ResourceRef[];
  continuity: Continuity;
  changed: boolean;
  /** Canonical texts of the sections other than `subject`. */
  actor: string;
  context: string | undefined;
  metadata: string | undefined;
  /** null for a null state; undefined on `access`, which has no states. */
  after: StateText | null | undefined;
  /** Kept only where the caller's `before` is not the state of the entry at `prior`. */
  before: StateText | null | undefined;
  /** The entry whose `after` was the latest state when this one was sealed. */
  prior: number | undefined;
  /** `changesBetween` as JSON; undefined where reads compute it from the states instead. */
  changes: string | undefined;
  salts: Salts;
  digests: Digests;
  leafHash: Hash;
  /** The resource's stream first. */
  streams: Stream[];
}

export interface Sealed {
  entry: SealedEntry;
  tip: Tip;
  latest: Latest;
  /** The Merkle nodes above the leaves that this entry completed. */
  nodes: Node[];
}

/** Changes longer than this are computed from the states when read, not kept beside the entry. */
export const KEPT_CHANGES_LENGTH = 600;

/**
 * Seals one change on a tip. `continuity` is `first` where the log knew no state of the resource,
 * `gap` where the caller's `before` is not the state that the log knew, else `continuous`.
 * @param now the moment of recording; an earlier one than the tip's is lifted to the tip's
 * @param salt hands out a fresh random 16-byte salt
 */
export function seal(
  tip: Tip,
  known: Latest | undefined,
  change: Draft,
  now: Instant,
  salt: () => Uint8Array,
  sha256: Sha256,
): Sealed {
  const recordedAt = Math.max(now, tip.recordedAt);
  const occurredAt = change.occurredAt ?? recordedAt;
  const position = tip.tree.size;
  const version = (known?.version ?? 0) + 1;
  const states = statesOf(change, known);
  const { resource, action, event } = change;
  const related = change.related ?? [];
  const { continuity } = states;

  const actor = canonicalize(change.actor as unknown as Json);
  const context = change.context && canonicalize(change.context);
  const metadata = change.metadata === undefined ? undefined : canonicalize(change.metadata);
  const salts: Salts = {};
  const digests: Digests = {};
  const add = (name: SectionName, content: string | Uint8Array | undefined): void => {
    if (content === undefined) return;
    const drawn = salt();
    salts[name] = drawn;
    digests[name] = sectionDigest(sha256, drawn, content);
  };
  // In the order of SECTION_NAMES, in which salts are drawn.
  add(
    'subject',
    subjectText({ id: change.id, occurredAt, resource, action, event, related, version, continuity }),
  );
  add('actor', actor);
  add('context', context);
  add('metadata', metadata);
  add('before', states.before?.bytes);
  add('after', states.after?.bytes);
  const leaf = leafHashOf(sha256, { log: tip.log, position, recordedAt, digests });
  const { tree, nodes } = appendLeaf(sha256, tip.tree, leaf);

  const isAccess = action === 'access';
  const changed = !isAccess && !isSameState(states.before, states.after);
  const differences = changed ? differencesOf(states) : undefined;
  states.after?.forgetOrigin();
  const entry: SealedEntry = {
    id: change.id,
    position,
    version,
    recordedAt,
    occurredAt,
    resource,
    action,
    event,
    related,
    continuity,
    changed,
    actor,
    context,
    metadata,
    after: isAccess ? undefined : states.after,
    before: states.isKnown ? undefined : states.before,
    prior: known?.statePosition,
    changes: differences?.kept,
    salts,
    digests,
    leafHash: leaf,
    streams: streamsOf(
      { resource, related, action, actor: change.actor, event, context: change.context, changed },
      differences?.attributes ?? [],
    ),
  };
  const latest: Latest = isAccess
    ? { ...(known ?? NOTHING), resource: known?.resource ?? resource, version }
    : {
        resource,
        version,
        stateVersion: version,
        statePosition: position,
        state: states.after,
      };
  return { entry, tip: { log: tip.log, tree, recordedAt }, latest, nodes };
}

/** The receipt of an entry. */
export function receiptOf(entry: Receipt): Receipt {
  const { id, position, version, recordedAt, continuity, changed, leafHash } = entry;
  return { id, position, version, recordedAt, continuity, changed, leafHash };
}

const NOTHING = { stateVersion: undefined, statePosition: undefined, state: null } as const;

interface States {
  before: StateText | null;
  after: StateText | null;
  continuity: Continuity;
  /** Is `before` the state that the log knows? */
  isKnown: boolean;
}

function statesOf({ action, before, after }: Draft, known: Latest | undefined): States {
  const continuity = known?.stateVersion === undefined ? 'first' : 'continuous';
  if (action === 'access') return { before: null, after: null, continuity, isKnown: true };
  const { state } = known ?? NOTHING;
  if (before === undefined) return { before: state, after, continuity, isKnown: true };
  const isKnown = isSameState(before, state);
  return { before, after, continuity: isKnown || continuity === 'first' ? continuity : 'gap', isKnown };
}

/** Have they the same canonical text? */
export function isSameState(left: StateText | null, right: StateText | null): boolean {
  return left === null ? right === null : left.isSame(right);
}

/** Beyond this many characters in both states, in UTF-16 units, differences are computed when they are read. */
const MOST_COMPARED = 128 * 1024;

/** The attributes that differ, and the differences as JSON where they are worth keeping. */
function differencesOf({ before, after }: States): { attributes: readonly string[]; kept?: string } {
  // Creations and deletions repeat a whole state, and large rewrites most of two: those are cheaper to compute again.
  if (before === null || after === null) return { attributes: (before ?? after)?.keys ?? [] };
  const differences = after.differencesFrom(before);
  const attributes = differences.map(({ key }) => key);
  if (isLong(before, after)) return { attributes };
  const text = changesText(differences);
  return text.length <= KEPT_CHANGES_LENGTH ? { attributes, kept: text } : { attributes };
}

/** `changesBetween` of the two states as JSON: only what is inside of two objects or two arrays is looked for. */
function changesText(differences: readonly Difference[]): string {
  const pairs: string[] = [];
  addPairs(pairs, '', differences);
  return `{${pairs.join(',')}}`;
}

function addPairs(pairs: string[], path: string, differences: readonly Difference[]): void {
  for (const { key, before, after, inside } of differences) {
    if (inside !== undefined) {
      addPairs(pairs, joinPointer(path, key), inside);
    } else if (before !== undefined && before.kind !== 'scalar' && before.kind === after?.kind) {
      const changes = changesBetween({ [key]: before.parsed() }, { [key]: after.parsed() });
      for (const place in changes) {
        pairs.push(`${JSON.stringify(path + place)}:${JSON.stringify(changes[place])}`);
      }
    } else {
      const place = JSON.stringify(joinPointer(path, key));
      pairs.push(`${place}:[${before?.text() ?? 'null'},${after?.text() ?? 'null'}]`);
    }
  }
}

function isLong(before: StateText, after: StateText): boolean {
  // A text has no more characters than bytes.
  if (before.bytes.length + after.bytes.length <= MOST_COMPARED) return false;
  return before.text.length + after.text.length > MOST_COMPARED;
}
