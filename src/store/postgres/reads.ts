// The other reads: tips, latest states, single entries, nodes, and the installation's own tables.

import type { ResourceRef } from '../../core/entry.ts';
import type { AnnalsError } from '../../core/errors.ts';
import type { Instant } from '../../core/instant.ts';
import type { Hash } from '../../core/merkle.ts';
import type { Latest, Tip } from '../../core/seal.ts';
import { StateText } from '../../core/state-text.ts';
import { streamOf } from '../../core/streams.ts';
import type { KeptAnswer, LatestRow, LogId, Organization, StoredEntry } from '../store.ts';
import { bigintArray, instantValue, smallintArray, textArray, uuidArray } from './arrays.ts';
import type { Reading, Value } from './database.ts';
import { entriesMissing } from './errors.ts';
import { findable, streamKey } from './keys.ts';
import {
  columnsOf,
  type EntryRow,
  fromRow,
  type LatestStateRow,
  microsOf,
  resourceOf,
  stateJoin,
  stateOf,
  toLatestRow,
} from './rows.ts';

/** The log under which the installation keeps what belongs to no organization. */
export const INSTALLATION: LogId = '00000000-0000-0000-0000-000000000000';

const ALL_PARTS = { states: true, seals: true };

export class Reads {
  readonly #database: Reading;

  constructor(database: Reading) {
    this.#database = database;
  }

  async tip(log: LogId): Promise<Tip> {
    return (await this.tipAndNode(log, undefined)).tip;
  }

  /** The tip, and the hash of a node at the same moment; undefined where the log has not that node. */
  async tipAndNode(
    log: LogId,
    node: { level: number; index: number } | undefined,
  ): Promise<{ tip: Tip; node: Hash | undefined }> {
    const rows = await this.#database.read<TipRow>(TIP, [log, node?.level ?? null, node?.index ?? null]);
    const [row] = rows;
    const { size, recorded_at } = row ?? { size: 0, recorded_at: null };
    const edge = rows.flatMap(({ hash }) => hash ?? []);
    return {
      tip: { log, tree: { size, edge }, recordedAt: recorded_at ?? Number.NEGATIVE_INFINITY },
      node: row?.node_hash ?? undefined,
    };
  }

  async latest(log: LogId, resources: ResourceRef[]): Promise<(Latest | undefined)[]> {
    if (resources.length === 0) return [];
    const rows = await this.#database.read<LatestPlaceRow>(LATEST, [
      log,
      textArray(resources.map(({ type }) => findable(type))),
      textArray(resources.map(({ id }) => findable(id))),
    ]);
    return rows.map((row, index) => toLatest(log, resources[index] as ResourceRef, row));
  }

  async find(log: LogId, ids: string[]): Promise<StoredEntry[]> {
    if (ids.length === 0) return [];
    const rows = await this.#database.read<EntryRow>(
      `SELECT ${columnsOf(ALL_PARTS)} FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (SELECT * FROM annals.entries x WHERE x.log = $1 AND x.id = wanted.id OFFSET 0) e
        ${stateJoin(ALL_PARTS)}`,
      [log, uuidArray(ids)],
    );
    return rows.map((row) => fromRow(row, ALL_PARTS));
  }

  async answer(log: LogId, key: string): Promise<KeptAnswer | undefined> {
    const [row] = await this.#database.read<KeptAnswer>(
      `SELECT key, fingerprint, answer, ${microsOf('kept_at')} AS "keptAt" FROM annals.answers
        WHERE log = $1 AND key = $2`,
      [log, findable(key)],
    );
    return row && { ...row };
  }

  async asOf(
    log: LogId,
    resource: ResourceRef,
    at: Instant,
    knownAt: Instant,
  ): Promise<StoredEntry | undefined> {
    const parts = { states: true };
    const size = knownAt === Number.MAX_SAFE_INTEGER ? knownAt : await this.#sizeAt(log, knownAt);
    const [row] = await this.#database.read<EntryRow>(
      `SELECT ${columnsOf(parts)} FROM annals.streams s
        CROSS JOIN LATERAL (SELECT * FROM annals.entries x WHERE x.log = $1 AND x.stream = s.stream
          AND x.action <> 'access' AND x.occurred_at <= $3::timestamptz AND x.position < $4
          ORDER BY x.occurred_at DESC, x.position DESC LIMIT 1) e
        ${stateJoin(parts)}
        WHERE s.log = $1 AND s.name = $2`,
      [log, streamKey(streamOf.resource(resource)), instantValue(at), size],
    );
    return row && fromRow(row, parts);
  }

  async resources(
    log: LogId,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): Promise<LatestRow[]> {
    if (type !== undefined && type < (behind?.type ?? '')) return [];
    const from = { type: type ?? '', id: '', ...(type === undefined || behind?.type === type ? behind : {}) };
    // No text lies between one that ends before U+0000 and one that goes on with it.
    const values: [LogId, ...Value[]] = [
      log,
      ...[from.type, from.id].map((text) => text.split('\0', 1)[0] as string),
      limit,
    ];
    const rows = await this.#latestRows(
      `r.is_there AND (r.type, r.id) > ($2, $3) ${type === undefined ? '' : 'AND r.type = $2'}
        ORDER BY r.type, r.id LIMIT $4`,
      values,
    );
    return rows;
  }

  async resource(log: LogId, { type, id }: ResourceRef): Promise<LatestRow | undefined> {
    const [row] = await this.#latestRows('r.type = $2 AND r.id = $3 OFFSET 0', [
      log,
      findable(type),
      findable(id),
    ]);
    return row;
  }

  async types(log: LogId): Promise<string[]> {
    const prefix = streamOf.type('');
    const rows = await this.#database.read<{ type: string }>(
      `SELECT substr(s.name, ${prefix.length + 1}) AS type FROM annals.streams s
        CROSS JOIN LATERAL (SELECT f.year, f.position FROM annals.filed f WHERE f.log = $1 AND f.stream = s.stream
          ORDER BY f.year, f.position LIMIT 1) f
        WHERE s.log = $1 AND s.name >= 'type:' AND s.name < 'type;' ORDER BY f.year, f.position`,
      [log],
    );
    return rows.map(({ type }) => type);
  }

  async nodes(log: LogId, names: { level: number; index: number }[]): Promise<(Hash | undefined)[]> {
    if (names.length === 0) return [];
    const rows = await this.#database.read<{ hash: Buffer | null }>(NODES, [
      log,
      smallintArray(names.map(({ level }) => level)),
      bigintArray(names.map(({ index }) => index)),
    ]);
    return rows.map(({ hash }) => hash ?? undefined);
  }

  organizations(): Promise<Organization[]> {
    return this.#database.read(`SELECT id, slug, name, ${microsOf('created_at')} AS "createdAt"
      FROM annals.organizations ORDER BY created_at, id`);
  }

  async secret(name: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#database.read<{ value: Buffer }>(
      'SELECT value FROM annals.secrets WHERE log = $1 AND name = $2',
      [INSTALLATION, name],
    );
    return row && Uint8Array.from(row.value);
  }

  async ping(): Promise<void> {
    await this.#database.read('SELECT 1');
  }

  /** @param values of which the first is the log */
  async #latestRows(where: string, values: [LogId, ...Value[]]): Promise<LatestRow[]> {
    const rows = await this.#database.read<LatestStateRow & { actor: string | null }>(
      `SELECT r.type, r.id, r.name, r.state_version, r.state_position, e.after,
          ${microsOf('e.occurred_at')} AS occurred_at, e.actor
        FROM (SELECT * FROM annals.resources r
          WHERE r.log = $1 AND r.state_position IS NOT NULL AND ${where}) r
        LEFT JOIN LATERAL (SELECT x.after, x.occurred_at, x.actor FROM annals.entries x
          WHERE x.log = $1 AND x.position = r.state_position OFFSET 0) e ON true
        ORDER BY r.type, r.id`,
      values,
    );
    for (const row of rows) if (row.actor === null) throw stateMissing(values[0], row, row.state_position);
    return rows.map(toLatestRow);
  }

  async #sizeAt(log: LogId, knownAt: Instant): Promise<number> {
    const [row] = await this.#database.read<{ size: number }>(
      'SELECT annals.size_at($1, $2::timestamptz) AS size',
      [log, instantValue(knownAt)],
    );
    return row?.size ?? 0;
  }
}

interface TipRow {
  size: number;
  recorded_at: number | null;
  hash: Buffer | null;
  node_hash: Buffer | null;
}

/** The complete subtrees of a log's size, largest first, are the 1 bits of that size; and one more node. */
const TIP = `SELECT l.size, ${microsOf('l.recorded_at')} AS recorded_at, h.hash, (
    SELECT n.hash FROM annals.nodes n WHERE n.log = $1 AND n.level = $2::smallint AND n.node = $3::bigint AND $2 > 0
    UNION ALL
    SELECT e.leaf_hash FROM annals.entries e WHERE e.log = $1 AND e.position = $3 AND $2 = 0) AS node_hash
  FROM annals.logs l
  LEFT JOIN generate_series(0, 52) b (level) ON (l.size >> b.level) & 1 = 1
  LEFT JOIN LATERAL (
    SELECT n.hash FROM annals.nodes n
      WHERE n.log = $1 AND n.level = b.level AND n.node = (l.size >> b.level) - 1 AND b.level > 0
    UNION ALL
    SELECT e.leaf_hash FROM annals.entries e WHERE e.log = $1 AND e.position = l.size - 1 AND b.level = 0
    OFFSET 0) h ON true
  WHERE l.log = $1 ORDER BY b.level DESC`;

const NODES = `SELECT h.hash FROM unnest($2::smallint[], $3::bigint[]) WITH ORDINALITY w (level, node, place)
  LEFT JOIN LATERAL (
    SELECT n.hash FROM annals.nodes n
      WHERE n.log = $1 AND n.level = w.level AND n.node = w.node AND w.level > 0
    UNION ALL
    SELECT e.leaf_hash FROM annals.entries e WHERE e.log = $1 AND e.position = w.node AND w.level = 0
    OFFSET 0) h ON true
  ORDER BY w.place`;

interface LatestPlaceRow {
  name: string | null;
  version: number | null;
  state_version: number | null;
  state_position: number | null;
  after: string | null;
}

const LATEST = `SELECT r.name, r.version, r.state_version, r.state_position, e.after
  FROM unnest($2::text[], $3::text[]) WITH ORDINALITY w (type, id, place)
  LEFT JOIN LATERAL (SELECT * FROM annals.resources x WHERE x.log = $1 AND x.type = w.type AND x.id = w.id OFFSET 0) r
    ON true
  LEFT JOIN LATERAL (SELECT x.after FROM annals.entries x WHERE x.log = $1 AND x.position = r.state_position
    OFFSET 0) e ON true
  ORDER BY w.place`;

function toLatest(log: LogId, { type, id }: ResourceRef, row: LatestPlaceRow): Latest | undefined {
  if (row.version === null) return undefined;
  // A null state is the JSON value null.
  if (row.state_position !== null && row.after === null) {
    throw stateMissing(log, { type, id }, row.state_position);
  }
  const state = stateOf(row.after);
  return {
    resource: resourceOf(type, id, row.name),
    version: row.version,
    stateVersion: row.state_version ?? undefined,
    statePosition: row.state_position ?? undefined,
    state: state && StateText.of(state),
  };
}

function stateMissing(log: LogId, { type, id }: ResourceRef, position: number): AnnalsError {
  return entriesMissing(log, `the latest state of ${type}/${id} is in the one at position ${position}`);
}
