// The database file, for commands that open it themselves: they work without the server, and beside it.

import { existsSync } from 'node:fs';
import { readConfig, sqlitePath } from '../config.ts';
import { CliError, EXIT, reasonOf } from './exit.ts';
import { type Options, settingsOf } from './options.ts';

/**
 * The file that the configuration names.
 * @throws CliError where the database is no file, or there is none
 */
export function databaseFile(options: Options): string {
  const { databaseUrl } = readConfig(settingsOf(options));
  if (!databaseUrl.startsWith('sqlite:')) {
    const scheme = databaseUrl.slice(0, databaseUrl.indexOf(':') + 1);
    throw new CliError(EXIT.usage, `this command reads a database file (sqlite:<file>), got ${scheme}`);
  }
  return existing(sqlitePath(databaseUrl));
}

/** A database that a command opens itself, and what to call it in its output. */
export type NamedDatabase =
  | { kind: 'sqlite'; file: string; name: string }
  /** Its name is the URL without what is secret in it. */
  | { kind: 'postgres'; url: string; name: string };

/** The database that the configuration names. @throws CliError where there is none */
export function databaseOf(options: Options): NamedDatabase {
  return databaseAt(readConfig(settingsOf(options)).databaseUrl);
}

/** The database at a URL. @throws CliError where there is none */
export function databaseAt(url: string): NamedDatabase {
  if (/^postgres(ql)?:/.test(url)) {
    const { host, pathname } = new URL(url);
    return { kind: 'postgres', url, name: `postgres://${host}${pathname}` };
  }
  if (url.startsWith('sqlite:')) {
    const file = existing(sqlitePath(url));
    return { kind: 'sqlite', file, name: file };
  }
  throw new CliError(
    EXIT.usage,
    `this command opens sqlite:<file> or postgres://…, got ${url.split(':', 1)[0]}:`,
  );
}

/** @throws CliError where there is no such file */
export function existing(file: string): string {
  if (existsSync(file)) return file;
  throw new CliError(EXIT.notFound, `there is no database at ${file}; --database-url names another`);
}

/** What a command does with a database file, with the database's own words where it cannot. */
export async function withDatabase<Result>(
  file: string,
  use: () => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.failed, `${file}: ${reasonOf(error)}`, undefined, error);
  }
}
