// The other reads: tips, latest states, single entries, nodes, and the installation's own tables.

import type { ResourceRef } from '../../core/entry.ts';
import type { Instant } from '../../core/instant.ts';
import { edgeOf, type Hash } from '../../core/merkle.ts';
import type { Latest, Tip } from '../../core/seal.ts';
import { StateText } from '../../core/state-text.ts';
import { streamOf } from '../../core/streams.ts';
import type { KeptAnswer, LatestRow, Organization, StoredEntry } from '../store.ts';
import type { Connection } from './database.ts';
import { columnsOf, fromRow, LOG_STRIDE, type Row, STATE_JOINS, uuidBytes } from './rows.ts';
import { Selector } from './select.ts';

/** A latest state as it crosses threads. */
export interface LatestText extends Omit<Latest, 'state'> {
  /** Canonical text; null for a null state. */
  stateText: string | null;
}

export function toLatest({ stateText, ...latest }: LatestText): Latest {
  return { ...latest, state: StateText.ofText(stateText) };
}

const ALL_PARTS = { states: true, seals: true };

export class Reads {
  readonly #connection: Connection;
  readonly selector: Selector;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.selector = new Selector(connection);
  }

  tip(organization: string): Tip {
    const row = this.#connection
      .prepare('SELECT log, size, recorded_at FROM logs WHERE organization = ?')
      .get(organization) as { log: number; size: number; recorded_at: number | null } | undefined;
    if (row === undefined) return { log: organization, tree: { size: 0, edge: [] }, recordedAt: -Infinity };
    const edge = this.#nodes(row.log, edgeOf(row.size)) as Hash[];
    return { log: organization, tree: { size: row.size, edge }, recordedAt: row.recorded_at ?? -Infinity };
  }

  latest(organization: string, resources: ResourceRef[]): (LatestText | undefined)[] {
    const statement =
      this.#connection.prepare(`SELECT r.name, r.version, r.state_version, r.state_position, ${STATE_TEXT}
      FROM resources r ${STATE_JOIN} WHERE r.log = ? AND r.type = ? AND r.id = ?`);
    const log = this.selector.logNumber(organization)?.log ?? -1;
    return resources.map(({ type, id }) => {
      const row = statement.get(log, type, id);
      if (row === undefined) return undefined;
      return {
        resource: { type, id, ...(row.name === null ? {} : { name: row.name as string }) },
        version: row.version as number,
        stateVersion: (row.state_version as number | null) ?? undefined,
        statePosition: (row.state_position as number | null) ?? undefined,
        stateText: row.state === 'null' ? null : (row.state as string),
      };
    });
  }

  find(organization: string, ids: string[]): StoredEntry[] {
    const statement = this.#connection.prepare(`SELECT ${columnsOf(ALL_PARTS)}
      FROM entries e ${STATE_JOINS} WHERE e.log = ? AND e.id = ?`);
    const log = this.selector.logNumber(organization)?.log ?? -1;
    return ids.flatMap((id) => {
      const row = statement.get(log, uuidBytes(id));
      return row === undefined ? [] : [fromRow(row as Row, ALL_PARTS)];
    });
  }

  answer(organization: string, key: string): KeptAnswer | undefined {
    const statement = this.#connection.prepare(`SELECT key, fingerprint, answer, kept_at AS keptAt
      FROM answers WHERE log = ? AND key = ?`);
    const log = this.selector.logNumber(organization)?.log ?? -1;
    return statement.get(log, key) as KeptAnswer | undefined;
  }

  asOf(organization: string, resource: ResourceRef, at: Instant, knownAt: Instant): StoredEntry | undefined {
    const found = this.selector.logNumber(organization);
    if (found === undefined) return undefined;
    const stream = this.selector.streamNumber(found.log, streamOf.resource(resource));
    if (stream === undefined) return undefined;
    const row = this.#connection
      .prepare(`SELECT position FROM timeline WHERE stream = ? AND occurred_at <= ? AND position < ?
        ORDER BY occurred_at DESC, position DESC LIMIT 1`)
      .get(stream.id, at, this.#sizeAt(found, knownAt));
    if (row === undefined) return undefined;
    return this.selector.rows(found.log, [row.position as number], { states: true })[0];
  }

  resources(
    organization: string,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): LatestRow[] {
    const log = this.selector.logNumber(organization)?.log ?? -1;
    const rows =
      type === undefined
        ? this.#latestRows('(r.type, r.id) > (?, ?)', [log, behind?.type ?? '', behind?.id ?? ''], limit)
        : this.#latestRows(
            'r.type = ? AND r.id > ? AND r.type >= ?',
            [log, type, behind?.type === type ? behind.id : '', behind?.type ?? ''],
            limit,
          );
    return rows;
  }

  resource(organization: string, { type, id }: ResourceRef): LatestRow | undefined {
    const log = this.selector.logNumber(organization)?.log ?? -1;
    const row = this.#connection
      .prepare(
        `SELECT ${LATEST_COLUMNS} FROM resources r ${LATEST_JOIN} WHERE r.log = ? AND r.type = ? AND r.id = ?`,
      )
      .get(log, type, id);
    return row === undefined ? undefined : toLatestRow(row as Row);
  }

  types(organization: string): string[] {
    const prefix = streamOf.type('');
    const log = this.selector.logNumber(organization)?.log ?? -1;
    return this.#connection
      .prepare(`SELECT substr(s.name, ?) AS type FROM streams s
        WHERE s.log = ? AND s.name >= ? AND s.name < ?
        ORDER BY (SELECT min(f.position) FROM filed f WHERE f.stream = s.stream)`)
      .all(prefix.length + 1, log, prefix, 'type;')
      .map((row) => row.type as string);
  }

  nodes(organization: string, names: { level: number; index: number }[]): (Hash | undefined)[] {
    const log = this.selector.logNumber(organization)?.log ?? -1;
    return this.#nodes(log, names);
  }

  organizations(): Organization[] {
    return this.#connection
      .prepare('SELECT id, slug, name, created_at AS createdAt FROM organizations ORDER BY created_at, id')
      .all() as unknown as Organization[];
  }

  secret(name: string): Uint8Array | undefined {
    const row = this.#connection.prepare('SELECT value FROM secrets WHERE name = ?').get(name);
    return row?.value as Uint8Array | undefined;
  }

  ping(): void {
    this.#connection.prepare('SELECT 1').get();
  }

  #latestRows(where: string, values: (string | number)[], limit: number): LatestRow[] {
    return this.#connection
      .prepare(`SELECT ${LATEST_COLUMNS} FROM resources r ${LATEST_JOIN}
        WHERE r.log = ? AND r.is_there = 1 AND ${where} ORDER BY r.type, r.id LIMIT ?`)
      .all(...values, limit)
      .map((row) => toLatestRow(row as Row));
  }

  #nodes(log: number, names: { level: number; index: number }[]): (Hash | undefined)[] {
    const leaf = this.#connection.prepare('SELECT leaf_hash AS hash FROM entries WHERE entry = ?');
    const node = this.#connection.prepare('SELECT hash FROM nodes WHERE log = ? AND level = ? AND node = ?');
    return names.map(({ level, index }) => {
      const row = level === 0 ? leaf.get(log * LOG_STRIDE + index) : node.get(log, level, index);
      return row?.hash as Hash | undefined;
    });
  }

  /** The size of the log at `knownAt`: `recorded_at` never runs backwards, so it is found by halving. */
  #sizeAt({ log, size }: { log: number; size: number }, knownAt: Instant): number {
    if (knownAt === Number.MAX_SAFE_INTEGER) return size;
    const statement = this.#connection.prepare('SELECT recorded_at AS at FROM entries WHERE entry = ?');
    let [low, high] = [0, size];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const { at } = statement.get(log * LOG_STRIDE + middle) as { at: number };
      if (at <= knownAt) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const STATE_TEXT = "coalesce(s.after, 'null') AS state";
const STATE_JOIN = `LEFT JOIN states s ON s.entry = r.log * ${LOG_STRIDE} + r.state_position`;
const LATEST_COLUMNS = `r.type, r.id, r.name, r.state_version, r.state_position, ${STATE_TEXT}, e.occurred_at, e.actor`;
const LATEST_JOIN = `${STATE_JOIN} JOIN entries e ON e.entry = r.log * ${LOG_STRIDE} + r.state_position`;

function toLatestRow(row: Row): LatestRow {
  return {
    resource: {
      type: row.type as string,
      id: row.id as string,
      ...(row.name === null ? {} : { name: row.name as string }),
    },
    version: row.state_version as number,
    position: row.state_position as number,
    state: row.state === 'null' ? null : (row.state as string),
    changedAt: row.occurred_at as number,
    changedBy: row.actor as string,
  };
}
