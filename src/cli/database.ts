// `annals database`: the schema of the database.

import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { migrateSqlite, type SchemaStatus } from '../store/sqlite/offline.ts';
import { CliError, EXIT } from './exit.ts';
import { databaseOf, type NamedDatabase, withDatabase } from './named-database.ts';
import { schemaOf } from './open-database.ts';
import { addExamples, addJson, addSettings, type Options } from './options.ts';
import { bytesText, instantText, print, printJson, tableText } from './output.ts';

export function addDatabase(program: Command): void {
  const group = program.command('database').description('Look at the database, and prepare it');
  addStatus(group.command('status').description('List schema migrations, applied and pending'));
  addMigrate(group.command('migrate').description('Apply pending migrations, while servers run'));
  addDistribute(
    group.command('distribute').description('Spread a PostgreSQL over a Citus cluster, by organization'),
  );
}

function addStatus(command: Command): void {
  addJson(addSettings(command, 'databaseUrl'));
  addExamples(command, ['annals database status', 'annals database status --json | jq .pending']);
  command.action(async (options: Options) => {
    const database = databaseOf(options);
    await printStatus(database, await schemaOf(database), options);
  });
}

function addMigrate(command: Command): void {
  addJson(addSettings(command, 'databaseUrl'));
  addExamples(command, ['annals database migrate --database-url postgres://annals@db.example/annals']);
  command.action(async (options: Options) => {
    const database = databaseOf(options);
    await printStatus(database, await migrated(database), options);
  });
}

function addDistribute(command: Command): void {
  addJson(addSettings(command, 'databaseUrl'));
  addExamples(command, [
    'annals database distribute --database-url postgres://annals@coordinator.example/annals',
  ]);
  command.action(async (options: Options) => {
    const database = databaseOf(options);
    const tables = await distributed(database);
    if (options.json === true) return printJson({ distributed: tables });
    return print(
      tables.length === 0 ? 'everything was distributed already' : `distributed by log: ${tables.join(', ')}`,
    );
  });
}

function migrated(database: NamedDatabase): Promise<SchemaStatus> {
  return withDatabase(database.name, async () => {
    if (database.kind === 'sqlite') return migrateSqlite(database.file);
    const { migratePostgres } = await import('../store/postgres/offline.ts');
    return migratePostgres(database.url);
  });
}

/** The tables that were not distributed yet. */
async function distributed(database: NamedDatabase): Promise<string[]> {
  if (database.kind === 'sqlite') {
    throw new CliError(EXIT.usage, `only a PostgreSQL can be distributed, got ${database.name}`);
  }
  const { distributePostgres } = await import('../store/postgres/offline.ts');
  return withDatabase(database.name, () => distributePostgres(database.url));
}

async function printStatus(database: NamedDatabase, status: SchemaStatus, options: Options): Promise<void> {
  // A server of this version would refuse to start on it, or a newer one serves it.
  if (status.unknown.length > 0) process.exitCode = EXIT.failed;
  const bytes = database.kind === 'sqlite' ? statSync(database.file).size : undefined;
  if (options.json === true) {
    const named = database.kind === 'sqlite' ? { file: database.file, bytes } : { database: database.name };
    return printJson({ ...named, ...status });
  }
  return print(
    statusText(bytes === undefined ? database.name : `${database.name}, ${bytesText(bytes)}`, status),
  );
}

function statusText(title: string, { applied, pending, unknown }: SchemaStatus): string {
  const rows = [
    ...applied.map(({ name, appliedAt }) => [
      name,
      unknown.includes(name) ? 'unknown to this version' : 'applied',
      instantText(appliedAt),
    ]),
    ...pending.map((name) => [name, 'pending', 'at the next start of the server']),
  ];
  return `${title}\n\n${tableText(['migration', 'status', 'when'], rows)}`;
}
