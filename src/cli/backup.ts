// `annals backup`: a copy of the database file, while the server runs.

import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { backupSqlite } from '../store/sqlite/offline.ts';
import { CliError, EXIT } from './exit.ts';
import { databaseOf, withDatabase } from './named-database.ts';
import { addExamples, addJson, addSettings, type Options, paragraphs } from './options.ts';
import { bytesText, durationText, print, printJson } from './output.ts';
import { startProgress } from './progress.ts';

const DESCRIPTION = paragraphs(
  'Copy the database, while the server runs',
  'The copy is whole and of one moment: "annals verify FILE" checks it, and a server starts on it. The root token is ' +
    'not in it, but in the file root-token of the data folder. For a PostgreSQL, pg_dump does it.',
);

export function addBackup(program: Command): void {
  const command = program.command('backup').summary('Copy the database, while the server runs');
  command.description(DESCRIPTION).argument('<file>', 'the copy; an existing file is not replaced');
  addJson(addSettings(command, 'databaseUrl'));
  addExamples(command, [
    'annals backup /backups/annals-2026-03-01.db',
    'annals backup copy.db && annals verify copy.db',
    'annals backup copy.db --database-url sqlite:/var/lib/annals/annals.db',
  ]);
  command.action(async (target: string, options: Options) => {
    const file = fileOf(options);
    if (existsSync(target)) throw new CliError(EXIT.usage, `${target} exists already; give another name`);
    const startedAt = performance.now();
    const progress = await startProgress(`backup of ${file}`, 'pages');
    try {
      await withDatabase(file, () =>
        backupSqlite(file, target, (done, total) => progress.update({ done, total, count: done })),
      );
    } finally {
      progress.stop();
    }
    const bytes = statSync(target).size;
    if (options.json === true) return printJson({ file: target, bytes });
    const seconds = (performance.now() - startedAt) / 1000;
    return print(`${bytesText(bytes)} of ${file} copied to ${target} in ${durationText(seconds)}`);
  });
}

function fileOf(options: Options): string {
  const database = databaseOf(options);
  if (database.kind === 'sqlite') return database.file;
  const text = `${database.name} is backed up with PostgreSQL's own tools: pg_dump, or base backups with a write-ahead archive (docs/operations.md)`;
  throw new CliError(EXIT.usage, text);
}
