// Spreads the tables over the machines of a Citus cluster, by log: everything of one log on one machine.

import type { Database } from './database.ts';

/** By log, all alike, so that the rows of a log are together. */
export const DISTRIBUTED_TABLES = [
  'logs',
  'entries',
  'streams',
  'filed',
  'marks',
  'spans',
  'resources',
  'nodes',
  'answers',
  'secrets',
];
/** Small, and wanted on every machine. */
export const REFERENCE_TABLES = ['organizations'];
/** Citus makes no plan before it knows the log, and so none that could be kept. */
const PLANNED_EACH_TIME = ['append', 'size_at'];
/**
 * Run on the machine that has the log, the function's first parameter. Not `append`: it would take its turn's lock there,
 * and a server that takes a turn has asked for it on the coordinator.
 */
const DISTRIBUTED_FUNCTIONS = ['size_at'];

/** Why the tables cannot be distributed; the message says what to do. */
export class CannotDistribute extends Error {
  override name = 'CannotDistribute';
}

/**
 * Distributes what is not distributed yet; answers the tables that it did.
 * @throws CannotDistribute where the server has no Citus, or would refuse to lock rows
 */
export async function distribute(database: Database): Promise<string[]> {
  await mustHaveCitus(database);
  await mustKeepRowsOnce(database);
  const known = await database.read<{ name: string }>(
    `SELECT c.relname AS name FROM pg_dist_partition d JOIN pg_class c ON c.oid = d.logicalrelid
      WHERE c.relnamespace = 'annals'::regnamespace`,
  );
  const isKnown = (table: string): boolean => known.some(({ name }) => name === table);
  const done: string[] = [];
  for (const table of REFERENCE_TABLES.filter((name) => !isKnown(name))) {
    await database.write(`SELECT create_reference_table('annals.${table}')`);
    done.push(table);
  }
  const [first, ...others] = DISTRIBUTED_TABLES as [string, ...string[]];
  if (!isKnown(first)) {
    await database.write(
      `SELECT create_distributed_table('annals.${first}', 'log', colocate_with => 'none')`,
    );
    done.push(first);
  }
  for (const table of others.filter((name) => !isKnown(name))) {
    await database.write(
      `SELECT create_distributed_table('annals.${table}', 'log', colocate_with => 'annals.${first}')`,
    );
    done.push(table);
  }
  for (const name of await signaturesOf(database, PLANNED_EACH_TIME)) {
    await database.write(`ALTER FUNCTION ${name} SET plan_cache_mode = force_custom_plan`);
  }
  for (const name of await signaturesOf(database, DISTRIBUTED_FUNCTIONS)) {
    await database.write(
      `SELECT create_distributed_function($1::regprocedure, 'p_log', colocate_with => 'annals.${first}')`,
      [name],
    );
  }
  return done;
}

/** By name there may be several functions: later forms stand beside earlier ones. */
async function signaturesOf(database: Database, names: readonly string[]): Promise<string[]> {
  const rows = await database.read<{ name: string }>(
    `SELECT oid::regprocedure::text AS name FROM pg_proc
      WHERE pronamespace = 'annals'::regnamespace AND proname = ANY ($1::text[]) ORDER BY oid`,
    [`{${names.join(',')}}`],
  );
  return rows.map(({ name }) => name);
}

/** Citus locks no row of which there is more than one copy, and an append locks the row of its log. */
async function mustKeepRowsOnce(database: Database): Promise<void> {
  const [row] = await database.read<{ factor: string | null }>(
    `SELECT current_setting('citus.shard_replication_factor', true) AS factor`,
  );
  const factor = row?.factor ?? '1';
  if (Number(factor) <= 1) return;
  throw new CannotDistribute(
    `citus.shard_replication_factor is ${factor}, and Citus locks no row of tables that it keeps more than once, as an ` +
      'append must; nothing was changed. Set it to 1, and give each machine a standby instead',
  );
}

async function mustHaveCitus(database: Database): Promise<void> {
  const [row] = await database.read<{ is_there: boolean; is_offered: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS is_there,
      EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus') AS is_offered`,
  );
  if (row?.is_there === true) return;
  if (row?.is_offered === true) {
    throw new CannotDistribute(
      'the extension Citus is installed on this server and not in this database: run CREATE EXTENSION citus',
    );
  }
  throw new CannotDistribute(
    'this server has not the extension Citus, without which PostgreSQL keeps all tables on one machine; ' +
      'nothing was changed, and Annals works on it as it is',
  );
}
