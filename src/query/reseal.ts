// Seals a stored entry again from its content, its salts and its moment, and compares what comes out
// with what is stored. Sealing is pure, so the two are the same, or something was altered.

import { changedAttributes } from '../core/diff.ts';
import type { Actor, Change, State } from '../core/entry.ts';
import { canonicalize, type JsonObject } from '../core/json.ts';
import { parseText } from '../core/json-parse.ts';
import type { Hash, Sha256 } from '../core/merkle.ts';
import { draftOf, type Latest, type Sealed, seal, type Tip } from '../core/seal.ts';
import { SECTION_NAMES, type SectionName } from '../core/section.ts';
import { type Stream, streamsOf } from '../core/streams.ts';
import type { StoredEntry } from '../store/store.ts';

/** The first thing in a log that is not as it must be. */
export interface Disagreement {
  /** Absent where it is of the log as a whole. */
  position?: number;
  /** The change's id, where the entry can be read. */
  id?: string;
  /** What disagrees, such as `section after`, `leaf`, `node 3/0`, `stream actor:ada` or `head`. */
  what: string;
  /** What was wanted and what was got. */
  detail: string;
}

/** Thrown where something disagrees. */
export class Disagrees extends Error {
  readonly disagreement: Disagreement;

  constructor(disagreement: Disagreement) {
    super(disagreement.detail);
    this.disagreement = disagreement;
  }
}

/** @throws Disagrees */
export function disagree(row: StoredEntry, what: string, detail: string): never {
  throw new Disagrees({ position: row.position, id: row.id, what, detail });
}

/**
 * The entry as it comes out of sealing.
 * @param known what the entries before this one leave of its resource
 * @throws Disagrees where that is not the entry as it is stored
 */
export function reseal(row: StoredEntry, tip: Tip, known: Latest | undefined, sha256: Sha256): Sealed {
  mustBe(row, 'position', tip.tree.size, row.position);
  mustHaveItsSections(row);
  const salts = SECTION_NAMES.flatMap((name) => row.salts[name] ?? []).values();
  let sealed: Sealed;
  try {
    const draft = draftOf(changeOf(row, known));
    sealed = seal(tip, known, draft, row.recordedAt, () => salts.next().value as Hash, sha256);
  } catch (error) {
    disagree(row, 'content', `it cannot be read: ${(error as Error).message}`);
  }
  mustAgree(row, sealed);
  return sealed;
}

/** The streams in which a stored entry belongs. */
export function streamsOfRow(row: StoredEntry): Stream[] {
  const attributes = row.changed ? changedAttributes(stateOf(row.before), stateOf(row.after)) : [];
  const { event, context, ...rest } = row;
  return streamsOf(
    {
      ...rest,
      actor: JSON.parse(row.actor) as Actor,
      ...(event === undefined ? {} : { event }),
      ...(context === undefined ? {} : { context: parseText(context) as JsonObject }),
    },
    attributes,
  );
}

/** Content, salt and digest: all three, or none. */
function mustHaveItsSections(row: StoredEntry): void {
  const texts: Partial<Record<SectionName, string | null | undefined>> = { ...row, subject: '' };
  for (const name of SECTION_NAMES) {
    const isThere = typeof texts[name] === 'string';
    for (const [part, got] of [
      ['salt', row.salts[name]],
      ['digest', row.digests[name]],
    ] as const) {
      if ((got !== undefined) === isThere) continue;
      disagree(row, `section ${name}`, isThere ? `it has no ${part}` : `it has a ${part} and no content`);
    }
  }
}

function changeOf(row: StoredEntry, known: Latest | undefined): Change {
  const { id, occurredAt, resource, action, event, related, context, metadata } = row;
  const isKnown = (row.before ?? null) === (known?.state?.text ?? null);
  return {
    id,
    occurredAt,
    resource,
    action,
    ...(event === undefined ? {} : { event }),
    actor: JSON.parse(row.actor) as Actor,
    related,
    ...(isKnown ? {} : { before: stateOf(row.before) }),
    after: stateOf(row.after),
    ...(context === undefined ? {} : { context: parseText(context) as JsonObject }),
    ...(metadata === undefined ? {} : { metadata: parseText(metadata) }),
  };
}

function stateOf(text: string | null | undefined): State {
  return text === null || text === undefined ? null : (parseText(text) as State);
}

function mustAgree(row: StoredEntry, { entry }: Sealed): void {
  for (const name of SECTION_NAMES) {
    if (isSame(row.digests[name], entry.digests[name])) continue;
    disagree(row, `section ${name}`, 'its digest is not that of its content and salt');
  }
  for (const name of ['actor', 'context', 'metadata'] as const) {
    if (row[name] !== entry[name]) disagree(row, `section ${name}`, 'it is not in canonical form');
  }
  for (const name of ['after', 'before'] as const) {
    const state = entry[name];
    if (state === undefined || row[name] === (state?.text ?? null)) continue;
    disagree(row, `section ${name}`, 'it is not in canonical form');
  }
  // A moment that runs backwards is lifted by sealing, so it shows here and not only in the leaf.
  mustBe(row, 'recordedAt', entry.recordedAt, row.recordedAt);
  if (!isSame(row.leafHash, entry.leafHash)) disagree(row, 'leaf', 'its hash is not that of its digests');
  for (const name of ['version', 'continuity', 'prior', 'changed'] as const) {
    mustBe(row, name, entry[name], row[name]);
  }
  mustBe(row, 'changes', canonical(entry.changes), canonical(row.changes));
}

/** Differences keep the order of members in which a state was sent; that makes no difference. */
function canonical(text: string | undefined): string | undefined {
  return text === undefined ? undefined : canonicalize(parseText(text));
}

type Fact = string | number | boolean | undefined;

function mustBe(row: StoredEntry, what: string, wanted: Fact, got: Fact): void {
  if (wanted !== got) disagree(row, what, `it must be ${factText(wanted)}, got ${factText(got)}`);
}

const MOST_SHOWN = 60;

function factText(fact: Fact): string {
  const text = fact === undefined ? 'nothing' : String(fact);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

export function isSame(left: Hash | undefined, right: Hash | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
