// Sealing: a change becomes an entry. Pure: given the same tip, change, moment and salts it gives
// the same entry, byte for byte, on every store.

import { attributesOf, changedAttributes, changesBetween } from './diff.ts';
import type { Action, Change, Continuity, Receipt, Resource, ResourceRef, State } from './entry.ts';
import type { Instant } from './instant.ts';
import { canonicalize, type Json } from './json.ts';
import { appendLeaf, type Hash, leafHash, type Node, type Sha256, type Tree } from './merkle.ts';
import {
  type Digests,
  leafBytes,
  type Salts,
  SECTION_NAMES,
  type Sections,
  sectionDigest,
  subjectText,
} from './section.ts';
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
  state: State;
  /** The canonical text of `state`. */
  stateText: string;
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
  after: string | null | undefined;
  /** Kept only where the caller's `before` is not the state of the entry at `prior`. */
  before: string | null | undefined;
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
  change: Change,
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

  const sections: Sections = {
    subject: subjectText({
      id: change.id,
      occurredAt,
      resource,
      action,
      ...(event === undefined ? {} : { event }),
      related,
      version,
      continuity,
    }),
    actor: canonicalize(change.actor as unknown as Json),
  };
  if (change.context !== undefined) sections.context = canonicalize(change.context);
  if (change.metadata !== undefined) sections.metadata = canonicalize(change.metadata);
  if (states.before !== null) sections.before = states.beforeText;
  if (states.after !== null) sections.after = states.afterText;

  const salts: Salts = {};
  const digests: Digests = {};
  for (const name of SECTION_NAMES) {
    const text = sections[name];
    if (text === undefined) continue;
    const drawn = salt();
    salts[name] = drawn;
    digests[name] = sectionDigest(sha256, drawn, text);
  }
  const leaf = leafHash(sha256, leafBytes({ log: tip.log, position, recordedAt, digests }));
  const { tree, nodes } = appendLeaf(sha256, tip.tree, leaf);

  const isAccess = action === 'access';
  const changed = !isAccess && states.beforeText !== states.afterText;
  const differences = changed ? differencesOf(states) : undefined;
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
    actor: sections.actor as string,
    context: sections.context,
    metadata: sections.metadata,
    after: isAccess ? undefined : states.after === null ? null : states.afterText,
    before: states.isKnown ? undefined : states.before === null ? null : states.beforeText,
    prior: known?.statePosition,
    changes: differences?.kept,
    salts,
    digests,
    leafHash: leaf,
    streams: streamsOf(
      {
        resource,
        related,
        action,
        actor: change.actor,
        changed,
        ...(event === undefined ? {} : { event }),
        ...(change.context === undefined ? {} : { context: change.context }),
      },
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
        stateText: states.afterText,
      };
  return { entry, tip: { log: tip.log, tree, recordedAt }, latest, nodes };
}

/** The receipt of an entry. */
export function receiptOf(entry: Receipt): Receipt {
  const { id, position, version, recordedAt, continuity, changed, leafHash } = entry;
  return { id, position, version, recordedAt, continuity, changed, leafHash };
}

const NOTHING = {
  stateVersion: undefined,
  statePosition: undefined,
  state: null,
  stateText: 'null',
} as const;

interface States {
  before: State;
  beforeText: string;
  after: State;
  afterText: string;
  continuity: Continuity;
  /** Is `before` the state that the log knows? */
  isKnown: boolean;
}

function statesOf(change: Change, known: Latest | undefined): States {
  const continuity = known?.stateVersion === undefined ? 'first' : 'continuous';
  if (change.action === 'access') {
    return { before: null, beforeText: 'null', after: null, afterText: 'null', continuity, isKnown: true };
  }
  const { state, stateText } = known ?? NOTHING;
  const after = change.after ?? null;
  const afterText = after === null ? 'null' : canonicalize(after);
  if (change.before === undefined) {
    return { before: state, beforeText: stateText, after, afterText, continuity, isKnown: true };
  }
  const beforeText = canonicalize(change.before);
  const isKnown = beforeText === stateText;
  return {
    before: change.before,
    beforeText,
    after,
    afterText,
    continuity: isKnown || continuity === 'first' ? continuity : 'gap',
    isKnown,
  };
}

/** Beyond this many characters in both states, differences are computed when they are read. */
const MOST_COMPARED = 128 * 1024;

/** The attributes that differ, and the differences as JSON where they are worth keeping. */
function differencesOf({ before, beforeText, after, afterText }: States): {
  attributes: string[];
  kept?: string;
} {
  const isWhole = before === null || after === null;
  // Creations and deletions repeat a whole state, and large rewrites most of two: those are cheaper to compute again.
  if (isWhole || beforeText.length + afterText.length > MOST_COMPARED) {
    return { attributes: changedAttributes(before, after) };
  }
  const changes = changesBetween(before, after);
  const text = JSON.stringify(changes);
  const attributes = attributesOf(changes);
  return text.length <= KEPT_CHANGES_LENGTH ? { attributes, kept: text } : { attributes };
}
