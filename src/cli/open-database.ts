// Opens databases for commands. What speaks to PostgreSQL is loaded where it is needed: the other
// commands start faster without it.

import type { Audit } from '../store/audit.ts';
import { openSqliteAudit } from '../store/sqlite/audit.ts';
import { type SchemaStatus, schemaStatus } from '../store/sqlite/offline.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { CliError, EXIT } from './exit.ts';
import { type NamedDatabase, withDatabase } from './named-database.ts';

/** Opens it for reading alone, at one moment. @throws CliError where it has not the schema of this version */
export async function openAudit(database: NamedDatabase): Promise<Audit> {
  mustBeOfThisVersion(database, await schemaOf(database));
  return withDatabase(database.name, async () => {
    if (database.kind === 'sqlite') return openSqliteAudit(database.file);
    const { openPostgresAudit } = await import('../store/postgres/audit.ts');
    return openPostgresAudit(database.url);
  });
}

/** Opens it for writing, made where there is none, and brings its schema up to date. */
export function openStoreOf(database: NamedDatabase): Promise<Store> {
  return withDatabase(database.name, async () => {
    if (database.kind === 'sqlite') return openSqliteStore(database.file);
    const { openPostgresStore } = await import('../store/postgres/postgres-store.ts');
    return openPostgresStore(database.url);
  });
}

export function schemaOf(database: NamedDatabase): Promise<SchemaStatus> {
  return withDatabase(database.name, async () => {
    if (database.kind === 'sqlite') return schemaStatus(database.file);
    const { postgresStatus } = await import('../store/postgres/offline.ts');
    return postgresStatus(database.url);
  });
}

function mustBeOfThisVersion({ name }: NamedDatabase, { applied, pending, unknown }: SchemaStatus): void {
  if (applied.length === 0) throw new CliError(EXIT.failed, `${name} is no database of Annals`);
  if (unknown.length > 0) {
    throw new CliError(EXIT.failed, `${name} was migrated by a newer Annals: it has ${unknown.join(', ')}`);
  }
  if (pending.length > 0) {
    const text = `${name} lacks the migrations ${pending.join(', ')}: "annals database migrate" applies them`;
    throw new CliError(EXIT.failed, text);
  }
}
