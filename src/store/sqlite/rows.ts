// Between sealed entries and rows. A batch crosses to the worker thread in columns: a few arrays that change hands
// whole, because cloning thousands of small objects and byte arrays costs more than the inserts.

import { ACTIONS, type Continuity, type ResourceRef } from '../../core/entry.ts';
import type { Node } from '../../core/merkle.ts';
import type { SealedEntry } from '../../core/seal.ts';
import { SALT_BYTES, SECTION_NAMES, type SectionName } from '../../core/section.ts';
import type { StateText } from '../../core/state-text.ts';
import type { Stream } from '../../core/streams.ts';
import type { Parts, StoredEntry } from '../store.ts';

export const CONTINUITIES: readonly Continuity[] = ['first', 'continuous', 'gap'];
const HASH_BYTES = 32;
const ID_BYTES = 16;

/** Positions per log: an entry's key is `log * LOG_STRIDE + position`, a safe integer for 2^20 logs. */
export const LOG_STRIDE = 2 ** 33;

/** A value that SQLite binds. */
type Value = string | number | null | Uint8Array;

/** Entries in columns. Everything of one entry stands behind everything of the entry before. */
export interface EntryRows {
  readonly count: number;
  /** NUMBERS of each. */
  numbers: Float64Array<ArrayBuffer>;
  /** Of each: type, id, name, event, related, actor, context, metadata, changes. */
  texts: (string | null)[];
  /** The id of each. */
  ids: Uint8Array<ArrayBuffer>;
  /** Of each: leaf hash, salts, digests, state after, state before. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Each stream under which one of them is filed, once. */
  streams: Stream[];
  /** The streams of each, as indexes into `streams`. */
  filed: Uint32Array<ArrayBuffer>;
}

/** position, version, action, occurredAt, recordedAt, continuity, changed, prior, sections, lengths of the states, streams. */
const NUMBERS = 12;

/** For a number that is not there. */
const NONE = -1;
const NULL_STATE = Buffer.from('null');

/** An entry as the writer takes it out of a batch. */
export interface EntryRow {
  position: number;
  version: number;
  occurredAt: number;
  isAccess: boolean;
  resource: { type: string; id: string; name: string | null };
  /** The columns of `entries` behind `log`, in their order. */
  values: Value[];
  /** Canonical text in UTF-8; null on access. */
  after: Uint8Array | null;
  /** Null where it is not kept with this entry. */
  before: Uint8Array | null;
  isNull: boolean;
  /** Indexes into the streams of these entries, its resource's first. */
  streams: Uint32Array;
}

export function toRows(entries: readonly SealedEntry[]): EntryRows {
  const numbers = new Float64Array(entries.length * NUMBERS);
  const texts: (string | null)[] = [];
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + mostBytesOf(entry), 0));
  const ids = new Uint8Array(entries.length * ID_BYTES);
  const streams = new Map<Stream, number>();
  const filed: number[] = [];
  let number = 0;
  let at = 0;
  const put = (part: Uint8Array): void => {
    bytes.set(part, at);
    at += part.length;
  };
  for (const entry of entries) {
    const { resource, related } = entry;
    texts.push(resource.type, resource.id, resource.name ?? null, entry.event ?? null);
    texts.push(related.length === 0 ? null : JSON.stringify(related), entry.actor, entry.context ?? null);
    texts.push(entry.metadata ?? null, entry.changes ?? null);
    putUuid(entry.id, ids, (number / NUMBERS) * ID_BYTES);
    put(entry.leafHash);
    let sections = 0;
    for (let bit = 0; bit < SECTION_NAMES.length; bit++) {
      const salt = entry.salts[SECTION_NAMES[bit] as SectionName];
      if (salt === undefined) continue;
      sections |= 1 << bit;
      put(salt);
    }
    for (const name of SECTION_NAMES) if (entry.digests[name] !== undefined) put(entry.digests[name]);
    const [after, before] = [stateBytes(entry.after), stateBytes(entry.before)];
    if (after !== undefined) put(after);
    if (before !== undefined) put(before);
    for (const name of entry.streams) {
      const known = streams.get(name);
      filed.push(known ?? streams.size);
      if (known === undefined) streams.set(name, streams.size);
    }
    numbers[number++] = entry.position;
    numbers[number++] = entry.version;
    numbers[number++] = ACTIONS.indexOf(entry.action);
    numbers[number++] = entry.occurredAt;
    numbers[number++] = entry.recordedAt;
    numbers[number++] = CONTINUITIES.indexOf(entry.continuity);
    numbers[number++] = entry.changed ? 1 : 0;
    numbers[number++] = entry.prior ?? NONE;
    numbers[number++] = sections;
    numbers[number++] = after?.length ?? NONE;
    numbers[number++] = before?.length ?? NONE;
    numbers[number++] = entry.streams.length;
  }
  return {
    count: entries.length,
    ids,
    numbers,
    texts,
    bytes,
    streams: [...streams.keys()],
    filed: new Uint32Array(filed),
  };
}

function mostBytesOf({ after, before }: SealedEntry): number {
  const seals = SECTION_NAMES.length * (SALT_BYTES + HASH_BYTES);
  return HASH_BYTES + seals + (stateBytes(after)?.length ?? 0) + (stateBytes(before)?.length ?? 0);
}

function stateBytes(state: StateText | null | undefined): Uint8Array | undefined {
  return state === undefined ? undefined : (state?.bytes ?? NULL_STATE);
}

/** The ids of all entries. */
export function idsOf(all: readonly EntryRows[]): Uint8Array[] {
  return all.flatMap(({ count, ids }) =>
    Array.from({ length: count }, (_, at) => ids.subarray(at * ID_BYTES, (at + 1) * ID_BYTES)),
  );
}

/** Takes entries apart again. */
export function rowsOf({ count, ids, numbers, texts, bytes, filed }: EntryRows): EntryRow[] {
  let number = 0;
  let text = 0;
  let at = 0;
  let stream = 0;
  const next = (): number => numbers[number++] as number;
  const nextText = (): string | null => texts[text++] as string | null;
  const take = (length: number): Uint8Array => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  return Array.from({ length: count }, (_, index): EntryRow => {
    const position = next();
    const version = next();
    const action = next();
    const occurredAt = next();
    const recordedAt = next();
    const continuity = next();
    const changed = next();
    const prior = next();
    const sections = next();
    const afterLength = next();
    const beforeLength = next();
    stream += next();
    const resource = { type: nextText() as string, id: nextText() as string, name: nextText() };
    const event = nextText();
    const related = nextText();
    const actor = nextText();
    const context = nextText();
    const metadata = nextText();
    const changes = nextText();
    const leafHash = take(HASH_BYTES);
    const kept = bitsOf(sections);
    const salts = take(kept * SALT_BYTES);
    const digests = take(kept * HASH_BYTES);
    const after = afterLength === NONE ? null : take(afterLength);
    return {
      position,
      version,
      occurredAt,
      isAccess: action === ACCESS,
      resource,
      values: [
        ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES),
        resource.type,
        resource.id,
        resource.name,
        version,
        action,
        event,
        occurredAt,
        recordedAt,
        continuity,
        changed,
        prior === NONE ? null : prior,
        related,
        actor,
        context,
        metadata,
        changes,
        sections,
        salts,
        digests,
        leafHash,
      ],
      after,
      before: beforeLength === NONE ? null : take(beforeLength),
      isNull: after === null || isNullState(after),
      streams: filed.subarray(stream - (numbers[number - 1] as number), stream),
    };
  });
}

const ACCESS = ACTIONS.indexOf('access');

/** The state of an object has braces. */
function isNullState(state: Uint8Array): boolean {
  return state[0] === NULL_STATE[0];
}

/** The Merkle nodes of a batch in columns. */
export interface NodeRows {
  /** Level and index of each. */
  places: Float64Array<ArrayBuffer>;
  /** The hash of each. */
  hashes: Uint8Array<ArrayBuffer>;
}

export function toNodeRows(nodes: readonly Node[]): NodeRows {
  const places = new Float64Array(nodes.length * 2);
  const hashes = new Uint8Array(nodes.length * HASH_BYTES);
  nodes.forEach(({ level, index, hash }, at) => {
    places[at * 2] = level;
    places[at * 2 + 1] = index;
    hashes.set(hash, at * HASH_BYTES);
  });
  return { places, hashes };
}

/** The rows of `nodes`, one behind the other. */
export function fromNodeRows(log: number, { places, hashes }: NodeRows): Value[] {
  const values: Value[] = [];
  for (let at = 0; at * 2 < places.length; at++) {
    const hash = hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    values.push(log, places[at * 2] as number, places[at * 2 + 1] as number, hash);
  }
  return values;
}

/** The columns that `fromRow` reads, of `entries e`, and of `states s` and its prior entry's `p` where asked for. */
export function columnsOf(parts: Parts): string {
  const states = parts.states === true ? `, s.after, coalesce(s.before, p.after, 'null') AS before` : '';
  return ENTRY_COLUMNS + (parts.seals === true ? ', e.salts, e.digests' : '') + states;
}
const ENTRY_COLUMNS = `e.entry, e.id, e.resource_type, e.resource_id, e.resource_name, e.version, e.action,
  e.event, e.occurred_at, e.recorded_at, e.continuity, e.changed, e.prior, e.related, e.actor, e.context,
  e.metadata, e.changes, e.sections, e.leaf_hash`;
/** `before` is the state's own, else the `after` of the prior entry; without a prior entry, a null state. */
export const STATE_JOINS = `LEFT JOIN states s ON s.entry = e.entry
  LEFT JOIN states p ON p.entry = e.entry - (e.entry % ${LOG_STRIDE}) + e.prior`;

export type Row = Record<string, null | number | bigint | string | NodeJS.NonSharedUint8Array>;

export function fromRow(row: Row, parts: Parts): StoredEntry {
  const sections = row.sections as number;
  const action = ACTIONS[row.action as number] ?? 'access';
  const hasStates = parts.states === true && action !== 'access';
  return {
    id: uuidText(row.id as Uint8Array),
    position: (row.entry as number) % LOG_STRIDE,
    version: row.version as number,
    recordedAt: row.recorded_at as number,
    occurredAt: row.occurred_at as number,
    resource: {
      type: row.resource_type as string,
      id: row.resource_id as string,
      ...(row.resource_name === null ? {} : { name: row.resource_name as string }),
    },
    action,
    event: (row.event as string | null) ?? undefined,
    related: row.related === null ? [] : (JSON.parse(row.related as string) as ResourceRef[]),
    continuity: CONTINUITIES[row.continuity as number] ?? 'gap',
    changed: row.changed === 1,
    actor: row.actor as string,
    context: (row.context as string | null) ?? undefined,
    metadata: (row.metadata as string | null) ?? undefined,
    after: hasStates ? stateText(row.after) : undefined,
    before: hasStates ? stateText(row.before) : undefined,
    prior: (row.prior as number | null) ?? undefined,
    changes: (row.changes as string | null) ?? undefined,
    salts: parts.seals === true ? cut(row.salts as Uint8Array, sections, SALT_BYTES) : {},
    digests: parts.seals === true ? cut(row.digests as Uint8Array, sections, HASH_BYTES) : {},
    leafHash: row.leaf_hash as Uint8Array,
  };
}

function stateText(value: Row[string] | undefined): string | null {
  return value === 'null' || value === null || value === undefined ? null : (value as string);
}

/** Cuts seals that stand one behind the other by the record's sections. */
function cut(bytes: Uint8Array, sections: number, length: number): Partial<Record<SectionName, Uint8Array>> {
  const parts: Partial<Record<SectionName, Uint8Array>> = {};
  let at = 0;
  SECTION_NAMES.forEach((name, bit) => {
    if ((sections & (1 << bit)) === 0) return;
    parts[name] = bytes.slice(at, at + length);
    at += length;
  });
  return parts;
}

function bitsOf(mask: number): number {
  let count = 0;
  for (let rest = mask; rest > 0; rest &= rest - 1) count += 1;
  return count;
}

export function uuidBytes(uuid: string): Uint8Array {
  const bytes = new Uint8Array(ID_BYTES);
  putUuid(uuid, bytes, 0);
  return bytes;
}

/** Written out: every write pays for it, and a buffer from a text costs as much as all digits. */
function putUuid(uuid: string, into: Uint8Array, from: number): void {
  let to = from;
  for (let at = 0; to < from + ID_BYTES; at += 2) {
    if (uuid.charCodeAt(at) === HYPHEN) at++;
    into[to++] = (hexDigit(uuid.charCodeAt(at)) << 4) | hexDigit(uuid.charCodeAt(at + 1));
  }
}

const HYPHEN = 0x2d;

function hexDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
