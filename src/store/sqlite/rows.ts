// Between sealed entries and rows. A batch crosses to the worker thread as plain rows and one block
// of bytes, because cloning thousands of small byte arrays costs more than the inserts.

import { ACTIONS, type Continuity, type ResourceRef } from '../../core/entry.ts';
import type { SealedEntry } from '../../core/seal.ts';
import { SALT_BYTES, SECTION_NAMES, type SectionName } from '../../core/section.ts';
import type { Parts, StoredEntry } from '../store.ts';

export const CONTINUITIES: readonly Continuity[] = ['first', 'continuous', 'gap'];
const HASH_BYTES = 32;
const ID_BYTES = 16;

/** Positions per log: an entry's key is `log * LOG_STRIDE + position`, a safe integer for 2^20 logs. */
export const LOG_STRIDE = 2 ** 33;

/** A value that SQLite binds. */
type Value = string | number | null;

/**
 * A sealed entry without its bytes; those stand at `at` in the batch's block: id, leaf hash, salts,
 * digests. Few members, because their names are cloned with every row.
 */
export interface EntryRow {
  position: number;
  occurredAt: number;
  isAccess: boolean;
  sections: number;
  /** The columns of `entries` from `resource_type` to `sections`, in their order. */
  values: Value[];
  after: string | null;
  before: string | null;
  streams: string[];
  at: number;
}

export interface EntryRows {
  rows: EntryRow[];
  bytes: Uint8Array;
}

/** The bytes of one row in the block. */
export function bytesOf(
  rows: EntryRows,
  row: EntryRow,
): Record<'id' | 'leafHash' | 'salts' | 'digests', Uint8Array> {
  const count = bitsOf(row.sections);
  let at = row.at;
  const take = (length: number): Uint8Array => {
    at += length;
    return rows.bytes.subarray(at - length, at);
  };
  return {
    id: take(ID_BYTES),
    leafHash: take(HASH_BYTES),
    salts: take(count * SALT_BYTES),
    digests: take(count * HASH_BYTES),
  };
}

export function toRows(entries: readonly SealedEntry[]): EntryRows {
  const sealBytes = SECTION_NAMES.length * (SALT_BYTES + HASH_BYTES);
  const bytes = new Uint8Array(entries.length * (ID_BYTES + HASH_BYTES + sealBytes));
  let at = 0;
  const rows = entries.map((entry) => {
    const row = toRow(entry, at);
    at = writeBytes(entry, bytes, at);
    return row;
  });
  return { rows, bytes: bytes.slice(0, at) };
}

function writeBytes(entry: SealedEntry, bytes: Uint8Array, from: number): number {
  let at = from;
  const put = (part: Uint8Array): void => {
    bytes.set(part, at);
    at += part.length;
  };
  put(uuidBytes(entry.id));
  put(entry.leafHash);
  for (const name of SECTION_NAMES) {
    const salt = entry.salts[name];
    if (salt !== undefined) put(salt);
  }
  for (const name of SECTION_NAMES) {
    const digest = entry.digests[name];
    if (digest !== undefined) put(digest);
  }
  return at;
}

function toRow(entry: SealedEntry, at: number): EntryRow {
  const sections = SECTION_NAMES.reduce(
    (mask, name, bit) => (entry.digests[name] === undefined ? mask : mask | (1 << bit)),
    0,
  );
  return {
    position: entry.position,
    occurredAt: entry.occurredAt,
    isAccess: entry.action === 'access',
    sections,
    values: [
      entry.resource.type,
      entry.resource.id,
      entry.resource.name ?? null,
      entry.version,
      ACTIONS.indexOf(entry.action),
      entry.event ?? null,
      entry.occurredAt,
      entry.recordedAt,
      CONTINUITIES.indexOf(entry.continuity),
      entry.changed ? 1 : 0,
      entry.prior ?? null,
      entry.related.length === 0 ? null : JSON.stringify(entry.related),
      entry.actor,
      entry.context ?? null,
      entry.metadata ?? null,
      entry.changes ?? null,
      sections,
    ],
    after: entry.after === undefined ? null : (entry.after ?? 'null'),
    before: entry.before === undefined ? null : (entry.before ?? 'null'),
    streams: entry.streams,
    at,
  };
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
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
