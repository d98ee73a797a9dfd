// `annals database`: the schema of the database.

import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { type SchemaStatus, schemaStatus } from '../store/sqlite/offline.ts';
import { databaseFile, withDatabase } from './database-file.ts';
import { EXIT } from './exit.ts';
import { addExamples, addJson, addSettings, type Options } from './options.ts';
import { bytesText, instantText, print, printJson, tableText } from './output.ts';

export function addDatabase(program: Command): void {
  const group = program.command('database').description('Look at the database');
  const command = group.command('status').description('List schema migrations, applied and pending');
  addJson(addSettings(command, 'databaseUrl'));
  addExamples(command, ['annals database status', 'annals database status --json | jq .pending']);
  command.action(async (options: Options) => {
    const file = databaseFile(options);
    const status = await withDatabase(file, () => schemaStatus(file));
    // A server of this version would refuse to start on it.
    if (status.unknown.length > 0) process.exitCode = EXIT.failed;
    const bytes = statSync(file).size;
    if (options.json === true) return printJson({ file, bytes, ...status });
    return print(statusText(file, bytes, status));
  });
}

function statusText(file: string, bytes: number, { applied, pending, unknown }: SchemaStatus): string {
  const rows = [
    ...applied.map(({ name, appliedAt }) => [
      name,
      unknown.includes(name) ? 'unknown to this version' : 'applied',
      instantText(appliedAt),
    ]),
    ...pending.map((name) => [name, 'pending', 'at the next start of the server']),
  ];
  return `${file}, ${bytesText(bytes)}\n\n${tableText(['migration', 'status', 'when'], rows)}`;
}
