// Brings the schema up to date, while servers of the version before go on serving where they can: the
// first line of a migration says from which one on a server may serve beside it (`-- serves: 0001`).

import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { formatInstant, type Instant } from '../../core/instant.ts';
import type { Database } from './database.ts';
import { microsOf } from './rows.ts';

export interface Migration {
  name: string;
  /** The number of the oldest migration that a server must know to serve a database that has this one. */
  serves: string;
  sql: string;
}

export interface AppliedMigration {
  name: string;
  /** RFC 3339. */
  appliedAt: string;
}

export interface MigrationStatus {
  applied: AppliedMigration[];
  /** Shipped with this version, and not applied yet: the next start of a server applies them. */
  pending: string[];
  /** Applied by a newer Annals. */
  unknown: string[];
}

/** One server migrates, others wait: the key of an advisory lock. */
const LOCK = 'annals.migrate';
/** A migration waits this long for a table before it gives way to those who use it, and tries again. */
const LOCK_TIMEOUT_MS = 2_000;
const MOST_TRIES = 30;
const LOCK_NOT_AVAILABLE = '55P03';

/** The migrations that ship with this version, in order. */
export function shippedMigrations(): Migration[] {
  const folder = new URL('./migrations/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const sql = readFileSync(new URL(file, folder), 'utf8');
      const serves = /^-- serves: (\d{4})\n/.exec(sql)?.[1];
      if (serves === undefined) throw new Error(`${file} does not say in its first line whom it serves`);
      return { name: file.slice(0, -4), serves, sql };
    });
}

export async function migrationStatus(
  database: Database,
  shipped: readonly Migration[] = shippedMigrations(),
): Promise<MigrationStatus> {
  const applied = await appliedMigrations(database);
  return {
    applied: applied.map(({ name, appliedAt }) => ({ name, appliedAt: formatInstant(appliedAt) })),
    pending: shipped.map(({ name }) => name).filter((name) => !applied.some((known) => known.name === name)),
    unknown: applied.map(({ name }) => name).filter((name) => !shipped.some((known) => known.name === name)),
  };
}

/**
 * Applies what is missing, each migration in a transaction of its own, and makes the partitions of this
 * year and, from December on, of the next. Refuses a database that a newer Annals has migrated so far
 * that this one can no longer serve it.
 */
export async function migrate(
  database: Database,
  shipped: readonly Migration[] = shippedMigrations(),
): Promise<void> {
  await mustServe(database, shipped);
  const { pending } = await migrationStatus(database, shipped);
  for (const migration of shipped.filter(({ name }) => pending.includes(name)))
    await applyOne(database, migration);
  await database.write(`SELECT annals.make_year(extract(year FROM moment AT TIME ZONE 'UTC')::integer)
    FROM unnest(ARRAY[now(), now() + interval '31 days']) moment`);
}

async function appliedMigrations(
  database: Database,
): Promise<{ name: string; serves: string; appliedAt: Instant }[]> {
  const [known] = await database.read<{ is_there: boolean }>(
    `SELECT to_regclass('annals.migrations') IS NOT NULL AS is_there`,
  );
  if (known?.is_there !== true) return [];
  return database.read(
    `SELECT name, serves, ${microsOf('applied_at')} AS "appliedAt" FROM annals.migrations ORDER BY name`,
  );
}

async function mustServe(database: Database, shipped: readonly Migration[]): Promise<void> {
  const [row] = await database.read<{ server_encoding: string }>('SHOW server_encoding');
  if (row?.server_encoding !== 'UTF8') {
    throw new Error(`the database must have the encoding UTF8, it has ${row?.server_encoding}`);
  }
  const newest = shipped.at(-1)?.name.slice(0, 4) ?? '';
  const applied = await appliedMigrations(database);
  const beyond = applied.filter(({ name, serves }) => name.slice(0, 4) > newest && serves > newest);
  if (beyond.length > 0) {
    const names = beyond.map(({ name }) => name).join(', ');
    throw new Error(`this database was migrated by a newer Annals: it has ${names}`);
  }
}

async function applyOne(database: Database, { name, serves, sql }: Migration): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await database.transaction(async (client) => {
        await client.query(`SELECT pg_advisory_xact_lock(hashtext('${LOCK}'))`);
        if (await isApplied(client, name)) return;
        await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
        await client.query(sql);
        await client.query('INSERT INTO annals.migrations (name, serves) VALUES ($1, $2)', [name, serves]);
      });
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE || tries === MOST_TRIES) throw error;
    }
  }
}

async function isApplied(client: pg.ClientBase, name: string): Promise<boolean> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS annals; CREATE TABLE IF NOT EXISTS annals.migrations (
    name text PRIMARY KEY, serves text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  const { rowCount } = await client.query('SELECT FROM annals.migrations WHERE name = $1', [name]);
  return rowCount === 1;
}
