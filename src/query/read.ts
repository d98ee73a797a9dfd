// Reading: what a store keeps as rows and texts becomes entries and states. Every dialect reads here.

import { changesBetween } from '../core/diff.ts';
import type { Actor, Changes, Entry, Resource, ResourceRef, State } from '../core/entry.ts';
import { type Instant, MAX_INSTANT } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { parseText } from '../core/json-parse.ts';
import { type Hash, rootHash, type Sha256 } from '../core/merkle.ts';
import { streamOf } from '../core/streams.ts';
import type { LatestRow, LogId, Range, Selection, Store, StoredEntry } from '../store/store.ts';

/** A resource's state at a version or at a moment. */
export interface StateAt {
  resource: Resource;
  version: number;
  state: State;
  changedAt: Instant;
  changedBy: Actor;
}

export interface Head {
  size: number;
  rootHash: Hash;
}

/** Reads of one installation; each names its log. */
export interface Reader {
  /** Entries of a selection. `states` adds `before` and `after`. */
  list(log: LogId, selection: Selection, range: Range, options?: { states?: boolean }): Promise<Entry[]>;
  /** The same as rows, for a dialect that writes their texts as they are. */
  rows(
    log: LogId,
    selection: Selection,
    range: Range,
    options?: { states?: boolean },
  ): Promise<CompleteRow[]>;
  /** Positions first, then rows: for a dialect that keeps texts of entries at hand. Undefined over a network. */
  readonly local?: LocalRows | undefined;
  /** The exact number of entries of a selection. */
  count(log: LogId, selection: Selection): Promise<number>;
  /** All entries of a selection, a chunk at a time, as the log was when the walk began. */
  walk(
    log: LogId,
    selection: Selection,
    range: Pick<Range, 'by' | 'order'>,
    options?: { states?: boolean },
  ): AsyncGenerator<CompleteRow[]>;
  /** The same as they are stored: quicker, for who looks at no differences. */
  scan(
    log: LogId,
    selection: Selection,
    range: Pick<Range, 'by' | 'order'>,
    options?: { states?: boolean },
  ): AsyncGenerator<StoredEntry[]>;
  /** One entry with its states, or undefined. */
  entry(log: LogId, id: string): Promise<Entry | undefined>;
  /** The latest state; undefined where the resource has none yet. */
  latest(log: LogId, resource: ResourceRef): Promise<StateAt | undefined>;
  /** The state at a version; undefined where there is no such version. */
  atVersion(log: LogId, resource: ResourceRef, version: number): Promise<StateAt | undefined>;
  /** The state at a moment, as known at another; undefined where the resource had not existed yet. */
  asOf(log: LogId, resource: ResourceRef, at: Instant, knownAt?: Instant): Promise<StateAt | undefined>;
  /** Latest states by (type, id), deleted resources left out. */
  resources(
    log: LogId,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): Promise<StateAt[]>;
  /** The resource types, in the order of their first entries: a type's place in it never changes. */
  types(log: LogId): Promise<string[]>;
  head(log: LogId): Promise<Head>;
}

export interface LocalRows {
  positions(log: LogId, selection: Selection, range: Range): Promise<readonly number[]>;
  /** The rows at positions that the log has, in the order asked for. */
  at(log: LogId, positions: readonly number[], options?: { states?: boolean }): Promise<CompleteRow[]>;
}

/** A stored entry with its differences: `{}` where there are none. */
export interface CompleteRow extends StoredEntry {
  changes: string;
}

/** Entries per chunk of a walk. */
const CHUNK = 200;

export function makeReader(store: Store, sha256: Sha256): Reader {
  const { local } = store;
  return {
    local: local && {
      positions: (log, selection, range) => local.positions(log, selection, range),
      at: async (log, positions, options = {}) => completed(log, await local.at(log, positions, options)),
    },
    async list(log, selection, range, options = {}) {
      return (await rowsOf(log, selection, range, options)).map(toEntry);
    },
    rows: rowsOf,
    count: (log, selection) => store.count(log, selection),
    async *walk(log, selection, range, options = {}) {
      for await (const rows of scan(log, selection, range, options)) yield await completed(log, rows);
    },
    scan,
    async entry(log, id) {
      const [row] = await store.find(log, [id]);
      return row && toEntry(row);
    },
    async latest(log, resource) {
      const row = await store.resource(log, resource);
      return row && toStateAt(row);
    },
    async atVersion(log, resource, version) {
      const range = { by: 'position', order: 'asc', limit: 1, skip: version - 1 } as const;
      const [row] = await store.select(log, { streams: [streamOf.resource(resource)] }, range, {
        states: true,
      });
      if (row === undefined) return undefined;
      if (row.action !== 'access') return stateLeftBy(row);
      if (row.prior === undefined) return undefined;
      const [prior] = await store.select(
        log,
        { streams: [] },
        { ...LAST, below: row.prior + 1 },
        { states: true },
      );
      return prior && { ...stateLeftBy(prior), version };
    },
    async asOf(log, resource, at, knownAt = MAX_INSTANT) {
      const row = await store.asOf(log, resource, at, knownAt);
      return row && stateLeftBy(row);
    },
    async resources(log, type, behind, limit) {
      return (await store.resources(log, type, behind, limit)).map(toStateAt);
    },
    types: (log) => store.types(log),
    async head(log) {
      const { tree } = await store.tip(log);
      return { size: tree.size, rootHash: rootHash(sha256, tree) };
    },
  };

  async function* scan(
    log: LogId,
    selection: Selection,
    { by, order }: Pick<Range, 'by' | 'order'>,
    options: { states?: boolean } = {},
  ): AsyncGenerator<StoredEntry[]> {
    const { tree } = await store.tip(log);
    let behind: Range['behind'];
    for (;;) {
      const range = { by, order, limit: CHUNK, below: tree.size, behind };
      const rows = await store.select(log, selection, range, options);
      if (rows.length > 0) yield rows;
      if (rows.length < CHUNK) return;
      behind = rows.at(-1);
    }
  }

  async function rowsOf(
    log: LogId,
    selection: Selection,
    range: Range,
    options: { states?: boolean } = {},
  ): Promise<CompleteRow[]> {
    return completed(log, await store.select(log, selection, range, options));
  }

  /** Where differences are not kept beside the entry, the states are read to compute them. */
  async function completed(log: LogId, rows: readonly StoredEntry[]): Promise<CompleteRow[]> {
    const wanting = rows.filter((row) => changesText(row) === undefined).map(({ id }) => id);
    const found = wanting.length === 0 ? [] : await store.find(log, wanting);
    const computed = new Map(found.map((row) => [row.id, changesText(row)]));
    return rows.map((row) => ({ ...row, changes: changesText(row) ?? computed.get(row.id) ?? '{}' }));
  }
}

const LAST = { by: 'position', order: 'desc', limit: 1 } as const;

/** A stored entry as reads give it; its states are there where the row has them. */
export function toEntry(row: StoredEntry): Entry {
  return {
    id: row.id,
    position: row.position,
    version: row.version,
    recordedAt: row.recordedAt,
    occurredAt: row.occurredAt,
    resource: row.resource,
    action: row.action,
    ...(row.event === undefined ? {} : { event: row.event }),
    actor: JSON.parse(row.actor) as Actor,
    related: row.related,
    ...(row.context === undefined ? {} : { context: parseText(row.context) as JsonObject }),
    ...(row.metadata === undefined ? {} : { metadata: parseText(row.metadata) }),
    continuity: row.continuity,
    changed: row.changed,
    changes: parseText(changesText(row) ?? '{}') as Changes,
    leafHash: row.leafHash,
    ...(row.after === undefined ? {} : { before: parseState(row.before), after: parseState(row.after) }),
  };
}

/** The differences of a row as JSON, computed from its states where they are not kept; undefined where it has neither. */
function changesText(row: StoredEntry): string | undefined {
  if (row.changes !== undefined) return row.changes;
  if (!row.changed) return '{}';
  if (row.after === undefined) return undefined;
  return JSON.stringify(changesBetween(parseState(row.before), parseState(row.after)));
}

function stateLeftBy(row: StoredEntry): StateAt {
  return {
    resource: row.resource,
    version: row.version,
    state: parseState(row.after),
    changedAt: row.occurredAt,
    changedBy: JSON.parse(row.actor) as Actor,
  };
}

function toStateAt(row: LatestRow): StateAt {
  return {
    resource: row.resource,
    version: row.version,
    state: parseState(row.state),
    changedAt: row.changedAt,
    changedBy: JSON.parse(row.changedBy) as Actor,
  };
}

function parseState(text: string | null | undefined): State {
  return text === null || text === undefined ? null : (parseText(text) as State);
}
