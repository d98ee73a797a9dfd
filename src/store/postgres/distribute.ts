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
/** Run on the machine that has the log, the function's first parameter. */
const FUNCTIONS = ['append', 'size_at'];

/** Why the tables cannot be distributed; the message says what to do. */
export class CannotDistribute extends Error {
  override name = 'CannotDistribute';
}

/**
 * Distributes what is not distributed yet; answers the tables that it did.
 * @throws CannotDistribute where the server has no Citus
 */
export async function distribute(database: Database): Promise<string[]> {
  await mustHaveCitus(database);
  const known = await database.read<{ name: string }>(
    'SELECT logicalrelid::text AS name FROM pg_dist_partition',
  );
  const isKnown = (table: string): boolean => known.some(({ name }) => name === `annals.${table}`);
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
  for (const name of FUNCTIONS) {
    // Citus makes no plan before it knows the log, and so none that could be kept.
    await database.write(`ALTER FUNCTION annals.${name} SET plan_cache_mode = force_custom_plan`);
    await database.write(
      `SELECT create_distributed_function(oid::regprocedure, 'p_log', colocate_with => 'annals.${first}')
        FROM pg_proc WHERE pronamespace = 'annals'::regnamespace AND proname = $1`,
      [name],
    );
  }
  return done;
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
