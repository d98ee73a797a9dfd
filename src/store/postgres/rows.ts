// Between rows and stored entries. What PostgreSQL keeps as `jsonb` it words anew (1e21, key order), so
// states are made canonical again when they are read; other texts are kept as `json`, as they were.

import type { Action, Continuity, Resource, ResourceRef, State } from '../../core/entry.ts';
import type { Instant } from '../../core/instant.ts';
import { canonicalize } from '../../core/json.ts';
import { parseText } from '../../core/json-parse.ts';
import { SALT_BYTES, SECTION_NAMES, type SectionName } from '../../core/section.ts';
import type { LatestRow, Parts, StoredEntry } from '../store.ts';

const HASH_BYTES = 32;

/** SQL that reads an instant as its integer. */
export const microsOf = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint`;

/** A row of `entries` as `columnsOf` reads it. */
export interface EntryRow {
  id: string;
  position: number;
  recorded_at: Instant;
  occurred_at: Instant;
  version: number;
  prior: number | null;
  sections: number;
  changed: boolean;
  action: Action;
  continuity: Continuity;
  resource_type: string;
  resource_id: string;
  resource_name: string | null;
  event: string | null;
  related: string | null;
  actor: string;
  context: string | null;
  metadata: string | null;
  changes: string | null;
  leaf_hash: Buffer;
  salts?: Buffer;
  digests?: Buffer;
  after?: string | null;
  before?: string | null;
}

/** The columns of `entries e` and, where states are asked for, of its prior entry `p`. */
export function columnsOf(parts: Parts): string {
  const seals = parts.seals === true ? ', e.salts, e.digests' : '';
  const states = parts.states === true ? ', e.after, coalesce(e.before, p.after) AS before' : '';
  return ENTRY_COLUMNS + seals + states;
}
const ENTRY_COLUMNS = `e.id, e.position, ${microsOf('e.recorded_at')} AS recorded_at,
  ${microsOf('e.occurred_at')} AS occurred_at, e.version, e.prior, e.sections, e.changed, e.action, e.continuity,
  e.resource_type, e.resource_id, e.resource_name, e.event, e.related, e.actor, e.context, e.metadata, e.changes,
  e.leaf_hash`;

/** In statements whose `$1` is the log. `before` is the entry's own, else the `after` of the prior entry; without a prior entry, a null state. */
export function stateJoin(parts: Parts): string {
  if (parts.states !== true) return '';
  return 'LEFT JOIN LATERAL (SELECT x.after FROM annals.entries x WHERE x.log = $1 AND x.position = e.prior OFFSET 0) p ON true';
}

export function fromRow(row: EntryRow, parts: Parts): StoredEntry {
  const hasStates = parts.states === true && row.action !== 'access';
  const hasSeals = parts.seals === true && row.salts !== undefined && row.digests !== undefined;
  return {
    id: row.id,
    position: row.position,
    version: row.version,
    recordedAt: row.recorded_at,
    occurredAt: row.occurred_at,
    resource: resourceOf(row.resource_type, row.resource_id, row.resource_name),
    action: row.action,
    event: row.event ?? undefined,
    related: row.related === null ? [] : (JSON.parse(row.related) as ResourceRef[]),
    continuity: row.continuity,
    changed: row.changed,
    actor: row.actor,
    context: row.context ?? undefined,
    metadata: row.metadata ?? undefined,
    after: hasStates ? stateText(row.after) : undefined,
    before: hasStates ? stateText(row.before) : undefined,
    prior: row.prior ?? undefined,
    changes: row.changes ?? undefined,
    salts: hasSeals ? cut(row.salts as Buffer, row.sections, SALT_BYTES) : {},
    digests: hasSeals ? cut(row.digests as Buffer, row.sections, HASH_BYTES) : {},
    leafHash: row.leaf_hash,
  };
}

/** A latest state with the entry that left it. */
export interface LatestStateRow {
  type: string;
  id: string;
  name: string | null;
  state_version: number;
  state_position: number;
  after: string;
  occurred_at: Instant;
  actor: string;
}

export function toLatestRow(row: LatestStateRow): LatestRow {
  return {
    resource: resourceOf(row.type, row.id, row.name),
    version: row.state_version,
    position: row.state_position,
    state: stateText(row.after),
    changedAt: row.occurred_at,
    changedBy: row.actor,
  };
}

export function resourceOf(type: string, id: string, name: string | null): Resource {
  return name === null ? { type, id } : { type, id, name };
}

/** The canonical text of a state that PostgreSQL has worded in its own way; null for a null state. */
export function stateText(text: string | null | undefined): string | null {
  const state = stateOf(text);
  return state === null ? null : canonicalize(state);
}

export function stateOf(text: string | null | undefined): State {
  return text === null || text === undefined ? null : (parseText(text) as State);
}

/** Salts or digests, one behind the other in the order of sections. */
export function joinSeals(seals: Partial<Record<SectionName, Uint8Array>>): Uint8Array {
  return Buffer.concat(SECTION_NAMES.flatMap((name) => seals[name] ?? []));
}

/** Bit n: the record has section n. */
export function sectionsOf(seals: Partial<Record<SectionName, unknown>>): number {
  return SECTION_NAMES.reduce((mask, name, bit) => (seals[name] === undefined ? mask : mask | (1 << bit)), 0);
}

function cut(bytes: Buffer, sections: number, length: number): Partial<Record<SectionName, Uint8Array>> {
  const parts: Partial<Record<SectionName, Uint8Array>> = {};
  let at = 0;
  SECTION_NAMES.forEach((name, bit) => {
    if ((sections & (1 << bit)) === 0) return;
    parts[name] = bytes.subarray(at, at + length);
    at += length;
  });
  return parts;
}
