// What can be done with a database without the server that may be using it.

import { Database } from './database.ts';
import { distribute } from './distribute.ts';
import { type MigrationStatus, migrate, migrationStatus } from './migrate.ts';
import { readPostgresUrl } from './url.ts';

/** Migrations that are applied, and that are not. */
export function postgresStatus(databaseUrl: string): Promise<MigrationStatus> {
  return withDatabase(databaseUrl, (database) => migrationStatus(database));
}

/** Applies what is missing; answers the status behind it. */
export function migratePostgres(databaseUrl: string): Promise<MigrationStatus> {
  return withDatabase(databaseUrl, async (database) => {
    await migrate(database);
    return migrationStatus(database);
  });
}

/** Spreads the tables by log; answers those that were not yet. @throws CannotDistribute */
export function distributePostgres(databaseUrl: string): Promise<string[]> {
  return withDatabase(databaseUrl, async (database) => {
    await migrate(database);
    return distribute(database);
  });
}

/** On its connections a statement takes as long as it takes: it may write every row anew, or wait for another server's migration. */
export async function withDatabase<Result>(
  databaseUrl: string,
  use: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = new Database({ ...readPostgresUrl(databaseUrl), poolSize: 2 }, 0);
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}
