// What a store must answer, worked out the slow way from what was written: states are carried along
// resource by resource, and filters look at the changes themselves, never at stream names.

import type { Change, ResourceRef, State } from '../core/entry.ts';
import type { Instant } from '../core/instant.ts';
import { canonicalize, type Json } from '../core/json.ts';
import type { Tip } from '../core/seal.ts';
import { isVersion, type Stream, streamOf, VERSIONS } from '../core/streams.ts';
import type { Written } from './contract-batches.ts';
import type { LatestRow, Parts, Range, Selection, StoredEntry } from './store.ts';

/** One entry as the store must give it with all parts, and what is known of it besides. */
export interface Kept {
  change: Change;
  stored: StoredEntry;
  before: State;
  after: State;
}

export function modelOf(written: readonly Written[]): Kept[] {
  const states = new Map<string, State>();
  return written.map(({ change, entry: { streams: _, ...entry } }) => {
    const key = keyOf(change.resource);
    const known = states.get(key) ?? null;
    if (change.action === 'access') {
      return { change, before: null, after: null, stored: { ...entry, before: undefined, after: undefined } };
    }
    const before = change.before === undefined ? known : change.before;
    const after = change.after ?? null;
    states.set(key, after);
    return { change, before, after, stored: { ...entry, before: textOf(before), after: textOf(after) } };
  });
}

export function keyOf({ type, id }: ResourceRef): string {
  return JSON.stringify([type, id]);
}

function textOf(state: State): string | null {
  return state === null ? null : canonicalize(state);
}

/** A stream, and the entries that belong to it. */
export interface Filter {
  stream: Stream;
  matches(kept: Kept): boolean;
}

/** Every filter that some entry passes, the whole vocabulary of `streamOf`. */
export function filtersOf(model: readonly Kept[]): Filter[] {
  const filters = new Map<Stream, Filter>();
  const add = (stream: Stream, matches: Filter['matches']): void => {
    filters.set(stream, { stream, matches });
  };
  for (const { change, before, after } of model) {
    const { resource, action, actor, event, related = [], context } = change;
    add(streamOf.resource(resource), (kept) => isSame(kept.change.resource, resource));
    add(streamOf.id(resource.id), (kept) => kept.change.resource.id === resource.id);
    add(streamOf.type(resource.type), (kept) => kept.change.resource.type === resource.type);
    add(streamOf.action(action), (kept) => kept.change.action === action);
    add(streamOf.actor(actor.id), (kept) => kept.change.actor.id === actor.id);
    if (event !== undefined) add(streamOf.event(event), (kept) => kept.change.event === event);
    const ip = context?.ip;
    if (typeof ip === 'string') add(streamOf.ip(ip), (kept) => kept.change.context?.ip === ip);
    for (const ref of related) add(streamOf.related(ref), (kept) => isRelated(kept, ref));
    for (const ref of [resource, ...related]) {
      add(streamOf.about(ref), (kept) => isSame(kept.change.resource, ref) || isRelated(kept, ref));
    }
    for (const name of Object.keys({ ...before, ...after })) {
      add(streamOf.changed(name), (kept) => memberText(kept.before, name) !== memberText(kept.after, name));
    }
  }
  add(VERSIONS, (kept) => isVersion(kept.stored));
  return [...filters.values()];
}

function isSame(left: ResourceRef, right: ResourceRef): boolean {
  return left.type === right.type && left.id === right.id;
}

function isRelated({ change }: Kept, ref: ResourceRef): boolean {
  return (change.related ?? []).some((related) => isSame(related, ref));
}

function memberText(state: State, name: string): string | undefined {
  return state !== null && Object.hasOwn(state, name) ? canonicalize(state[name] as Json) : undefined;
}

/** A selection whose streams are filters. */
export interface Question {
  filters: Filter[];
  since?: Instant;
  until?: Instant;
}

export function selectionOf({ filters, ...window }: Question): Selection {
  return { streams: filters.map(({ stream }) => stream), ...window };
}

/** All entries that a question asks for, as the log took them. */
export function matching(model: readonly Kept[], { filters, since, until }: Question): Kept[] {
  return model.filter(
    (kept) =>
      kept.stored.occurredAt >= (since ?? Number.NEGATIVE_INFINITY) &&
      kept.stored.occurredAt < (until ?? Number.POSITIVE_INFINITY) &&
      filters.every((filter) => filter.matches(kept)),
  );
}

/** The entries of a range of a question, in its order. */
export function inRange(model: readonly Kept[], question: Question, range: Range): StoredEntry[] {
  const rows = matching(model, question)
    .map(({ stored }) => stored)
    .filter(({ position }) => position < (range.below ?? Number.POSITIVE_INFINITY));
  if (range.by === 'occurredAt') rows.sort(isLater);
  if (range.order === 'desc') rows.reverse();
  const { behind, skip = 0, limit } = range;
  const rest = behind === undefined ? rows : rows.filter((row) => isBehind(row, behind, range));
  return rest.slice(skip, skip + limit);
}

type Place = Pick<StoredEntry, 'position' | 'occurredAt'>;

function isLater(left: Place, right: Place): number {
  return left.occurredAt - right.occurredAt || left.position - right.position;
}

function isBehind(row: Place, behind: Place, { by, order }: Range): boolean {
  const distance = by === 'occurredAt' ? isLater(row, behind) : row.position - behind.position;
  return order === 'asc' ? distance > 0 : distance < 0;
}

/** The entry that `asOf` must answer. */
export function lastKnown(
  model: readonly Kept[],
  resource: ResourceRef,
  at: Instant,
  knownAt: Instant,
): StoredEntry | undefined {
  return model
    .filter(({ change }) => isSame(change.resource, resource) && change.action !== 'access')
    .map(({ stored }) => stored)
    .filter(({ occurredAt, recordedAt }) => occurredAt <= at && recordedAt <= knownAt)
    .sort(isLater)
    .at(-1);
}

/** The latest states that the entries left, deleted ones included, by (type, id) in order of code points. */
export function latestRows(model: readonly Kept[]): LatestRow[] {
  const rows = new Map<string, LatestRow>();
  for (const { change, stored } of model) {
    if (change.action === 'access') continue;
    rows.set(keyOf(change.resource), {
      resource: change.resource,
      version: stored.version,
      position: stored.position,
      state: stored.after ?? null,
      changedAt: stored.occurredAt,
      changedBy: stored.actor,
    });
  }
  return [...rows.values()].sort((left, right) => compareNames(left.resource, right.resource));
}

export function compareNames(left: ResourceRef, right: ResourceRef): number {
  return compareTexts(left.type, right.type) || compareTexts(left.id, right.id);
}

/** In the order of code points, which is not that of UTF-16 units. */
function compareTexts(left: string, right: string): number {
  const [ours, theirs] = [Array.from(left), Array.from(right)];
  for (const [index, character] of ours.entries()) {
    const distance = (character.codePointAt(0) as number) - (theirs[index]?.codePointAt(0) ?? -1);
    if (distance !== 0) return distance;
  }
  return ours.length - theirs.length;
}

/** An entry with its bytes as hex: equal where the entries are, and readable where a test prints it. */
export function plain({ leafHash, salts, digests, ...entry }: StoredEntry): object {
  return { ...entry, leafHash: hexOf(leafHash), salts: hexOfEach(salts), digests: hexOfEach(digests) };
}

/** The same of an entry that was read without some of its parts. */
export function plainWith(entry: StoredEntry, { states = false, seals = false }: Parts): object {
  return plain({
    ...entry,
    ...(states ? {} : { before: undefined, after: undefined }),
    ...(seals ? {} : { salts: {}, digests: {} }),
  });
}

export function plainTip({ log, tree, recordedAt }: Tip): object {
  return { log, recordedAt, size: tree.size, edge: tree.edge.map(hexOf) };
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function hexOfEach(seals: StoredEntry['salts']): object {
  return Object.fromEntries(Object.entries(seals).map(([name, bytes]) => [name, hexOf(bytes)]));
}
