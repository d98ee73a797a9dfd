// The PostgreSQL store as verification reads it: one connection with one snapshot that writes nothing,
// also while servers append.

import pg from 'pg';
import type { ResourceRef } from '../../core/entry.ts';
import type { Hash } from '../../core/merkle.ts';
import { SPAN } from '../../core/plan.ts';
import type { Latest, Tip } from '../../core/seal.ts';
import type { Stream } from '../../core/streams.ts';
import type { Audit, Filed, Filing, Kept, Secret } from '../audit.ts';
import type { KeptAnswer, LogId, Organization, Parts, Range, Selection, StoredEntry } from '../store.ts';
import { bigintArray, integerArray, textArray } from './arrays.ts';
import { connectionConfig, type Reading, type Value } from './database.ts';
import { toAnnalsError } from './errors.ts';
import { streamKey } from './keys.ts';
import { INSTALLATION, Reads } from './reads.ts';
import { microsOf } from './rows.ts';
import { Selector } from './select.ts';
import { readPostgresUrl } from './url.ts';

/** Connects to the database for reading alone. */
export async function openPostgresAudit(databaseUrl: string): Promise<Audit> {
  const client = new pg.Client(connectionConfig(readPostgresUrl(databaseUrl).connectionString));
  client.on('error', () => undefined);
  try {
    await client.connect();
    // The snapshot begins with the first read.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  } catch (error) {
    await client.end().catch(() => undefined);
    throw toAnnalsError(error);
  }
  return new PostgresAudit(client);
}

class PostgresAudit implements Audit, Reading {
  readonly #client: pg.Client;
  readonly #reads: Reads;
  readonly #selector: Selector;

  constructor(client: pg.Client) {
    this.#client = client;
    this.#reads = new Reads(this);
    this.#selector = new Selector(this);
  }

  async read<Row extends object>(text: string, values: Value[] = []): Promise<Row[]> {
    try {
      return (await this.#client.query<Row>(text, values)).rows;
    } catch (error) {
      throw toAnnalsError(error);
    }
  }

  async logs(): Promise<LogId[]> {
    const rows = await this.read<{ log: string }>('SELECT log FROM annals.logs ORDER BY log');
    return rows.map(({ log }) => log);
  }

  organizations(): Promise<Organization[]> {
    return this.#reads.organizations();
  }

  async secrets(): Promise<Secret[]> {
    const rows = await this.read<{ name: string; value: Buffer; until: number | null }>(
      `SELECT s.name, s.value, ${microsOf('s.until')} AS until FROM annals.secrets s
        WHERE s.log = $1 ORDER BY s.name`,
      [INSTALLATION],
    );
    return rows.map(({ name, value, until }) => ({ name, value, until: until ?? undefined }));
  }

  answers(log: LogId, behind: string | undefined, limit: number): Promise<KeptAnswer[]> {
    return this.read(
      `SELECT a.key, a.fingerprint, a.answer, ${microsOf('a.kept_at')} AS "keptAt" FROM annals.answers a
        WHERE a.log = $1 AND a.key > $2 ORDER BY a.key LIMIT $3`,
      [log, behind ?? '', limit],
    );
  }

  tip(log: LogId): Promise<Tip> {
    return this.#reads.tip(log);
  }

  latest(log: LogId, resources: ResourceRef[]): Promise<(Latest | undefined)[]> {
    return this.#reads.latest(log, resources);
  }

  select(log: LogId, selection: Selection, range: Range, parts: Parts = {}): Promise<StoredEntry[]> {
    return this.#selector.select(log, selection, range, parts);
  }

  nodes(log: LogId, names: { level: number; index: number }[]): Promise<(Hash | undefined)[]> {
    return this.#reads.nodes(log, names);
  }

  async filings(log: LogId, entries: readonly Filed[]): Promise<Filing[]> {
    const found = await this.#places(log, entries);
    const times = await this.#times(log, entries);
    return entries.map(({ id, occurredAt }, index) => ({
      places: found
        .filter((row) => row.entry === index)
        .map(({ number, previous, size }) => (number === null ? undefined : { number, previous, size })),
      isById: times[index]?.id === id && times[index].by_id === times[index].position,
      isByTime: times[index]?.occurred_at === occurredAt && times[index].is_in_span,
    }));
  }

  async kept(log: LogId): Promise<Kept> {
    const counts = Object.entries({
      entries: 'entries x WHERE',
      nodes: 'nodes x WHERE',
      resources: 'resources x WHERE',
      filings: 'filed x WHERE',
      changes: "entries x WHERE x.action <> 'access' AND",
    }).map(([name, from]) => `(SELECT count(*) FROM annals.${from} x.log = $1) AS ${name}`);
    const [row] = await this.read<Kept & { changes: number }>(`SELECT ${counts.join(', ')}`, [log]);
    const { changes = 0, entries = 0, nodes = 0, resources = 0, filings = 0 } = row ?? {};
    return { entries, nodes, resources, filings, times: entries + changes };
  }

  streams(
    log: LogId,
    behind: Stream | undefined,
    limit: number,
  ): Promise<{ stream: Stream; size: number; filed: number }[]> {
    return this.read(
      `SELECT s.name AS stream, s.size, f.filed
        FROM (SELECT * FROM annals.streams s WHERE s.log = $1 AND s.name > $2 ORDER BY s.name LIMIT $3) s
        CROSS JOIN LATERAL (SELECT count(*) AS filed FROM annals.filed x WHERE x.log = $1 AND x.stream = s.stream) f
        ORDER BY s.name`,
      [log, behind ?? '', limit],
    );
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  #places(log: LogId, entries: readonly Filed[]): Promise<PlaceRow[]> {
    const wanted = entries.flatMap(({ streams, position }, entry) =>
      streams.map((stream) => ({ entry, position, key: streamKey(stream) })),
    );
    return this.read<PlaceRow>(PLACES, [
      log,
      textArray(wanted.map(({ key }) => key)),
      bigintArray(wanted.map(({ position }) => position)),
      integerArray(wanted.map(({ entry }) => entry)),
    ]);
  }

  #times(log: LogId, entries: readonly Filed[]): Promise<TimeRow[]> {
    return this.read<TimeRow>(TIMES, [
      log,
      bigintArray(entries.map(({ position }) => position)),
      textArray(entries.map(({ id }) => id)),
    ]);
  }
}

interface PlaceRow {
  entry: number;
  number: number | null;
  previous: number;
  size: number;
}

/**
 * Numbers are not kept but for marks: an entry's own is counted from the mark at or before it, and that of
 * the entry before from the mark before it, so that a mark that is wrong shows.
 */
const PLACES = `SELECT w.entry, s.size, CASE WHEN f.position IS NULL THEN NULL ELSE own.number END AS number,
    previous.number AS previous
  FROM unnest($2::text[], $3::bigint[], $4::integer[]) WITH ORDINALITY w (name, position, entry, place)
  LEFT JOIN LATERAL (SELECT x.stream, x.size FROM annals.streams x WHERE x.log = $1 AND x.name = w.name OFFSET 0) s
    ON true
  LEFT JOIN LATERAL (SELECT x.year FROM annals.entries x WHERE x.log = $1 AND x.position = w.position OFFSET 0) e
    ON true
  LEFT JOIN LATERAL (SELECT x.position FROM annals.filed x WHERE x.log = $1 AND x.stream = s.stream
    AND x.year = e.year AND x.position = w.position OFFSET 0) f ON true
  LEFT JOIN LATERAL (${numberAt('<=')}) own ON true
  LEFT JOIN LATERAL (${numberAt('<')}) previous ON true
  ORDER BY w.place`;

function numberAt(sign: '<' | '<='): string {
  return `SELECT coalesce(m.number, 0) + count(x.position) AS number
    FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT y.number, y.position, y.year FROM annals.marks y
      WHERE y.log = $1 AND y.stream = s.stream AND y.position ${sign} w.position ORDER BY y.position DESC LIMIT 1) m ON true
    LEFT JOIN LATERAL (SELECT z.position FROM annals.filed z WHERE z.log = $1 AND z.stream = s.stream
      AND (z.year, z.position) > (coalesce(m.year, 0), coalesce(m.position, -1))
      AND (z.year, z.position) ${sign} (e.year, w.position) ORDER BY z.year, z.position OFFSET 0) x ON true
    GROUP BY m.number`;
}

interface TimeRow {
  id: string | null;
  position: number;
  by_id: number | null;
  occurred_at: number | null;
  is_in_span: boolean;
}

/** An entry at its place, the one that its id finds, and whether walks by time would come by its span. */
const TIMES = `SELECT e.id, w.position, i.position AS by_id, ${microsOf('e.occurred_at')} AS occurred_at,
    EXISTS (SELECT FROM annals.spans s WHERE s.log = $1 AND s.span = w.position / ${SPAN} AND s.year = e.year
      AND s.earliest <= e.occurred_at AND s.latest >= e.occurred_at) AS is_in_span
  FROM unnest($2::bigint[], $3::text[]) WITH ORDINALITY w (position, id, place)
  LEFT JOIN LATERAL (SELECT x.id, x.occurred_at, x.year FROM annals.entries x WHERE x.log = $1
    AND x.position = w.position OFFSET 0) e ON true
  LEFT JOIN LATERAL (SELECT x.position FROM annals.entries x WHERE x.log = $1 AND x.id = w.id::uuid OFFSET 0) i
    ON true
  ORDER BY w.place`;
