// Databases that commands open themselves, without the server and beside it: which one, what to call it,
// and what its failures mean.

import { existsSync } from 'node:fs';
import { readConfig, shownUrl, sqlitePath } from '../config.ts';
import { AnnalsError } from '../core/errors.ts';
import { CliError, EXIT, type ExitCode, reasonOf } from './exit.ts';
import { type Options, settingsOf } from './options.ts';

/** Its name is for output: there is nothing secret in it. */
export type NamedDatabase =
  | { kind: 'sqlite'; file: string; name: string }
  | { kind: 'postgres'; url: string; name: string };

/** The database that the configuration names. @throws CliError where there is none */
export function databaseOf(options: Options): NamedDatabase {
  return databaseAt(readConfig(settingsOf(options)).databaseUrl);
}

/** The database at a URL. @throws CliError where it is no URL of a database, or there is no such file */
export function databaseAt(url: string): NamedDatabase {
  const database = namedAt(url);
  if (database.kind === 'sqlite') existing(database.file);
  return database;
}

/** The same, but that a file need not be there yet. */
export function namedAt(url: string): NamedDatabase {
  if (/^postgres(ql)?:\/\//.test(url)) return { kind: 'postgres', url, name: shownUrl(url) };
  if (url.startsWith('sqlite:')) {
    const file = sqlitePath(url);
    return { kind: 'sqlite', file, name: file };
  }
  const scheme = /^[a-z]+:/.exec(url)?.[0] ?? 'no such URL';
  const why = scheme === 'memory:' ? ', which is gone when its server ends' : '';
  throw new CliError(EXIT.usage, `this command opens sqlite:<file> or postgres://…, got ${scheme}${why}`);
}

/** @throws CliError where there is no such file */
export function existing(file: string): string {
  if (existsSync(file)) return file;
  throw new CliError(EXIT.notFound, `there is no database at ${file}; --database-url names another`);
}

/** What a command does with a database, with the database's own words where it cannot. */
export async function withDatabase<Result>(
  name: string,
  use: () => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof CliError) throw error;
    // The store's error says what a client may know; its cause is for whoever keeps the database.
    const cause = error instanceof AnnalsError ? (error.cause ?? error) : error;
    throw new CliError(exitCodeOfCause(cause), `${name}: ${reasonOf(cause)}`, undefined, cause);
  }
}

/** By the error codes of PostgreSQL and of sockets. */
function exitCodeOfCause(error: unknown): ExitCode {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  if (code.startsWith('28')) return EXIT.refused;
  if (code === NO_SUCH_DATABASE) return EXIT.notFound;
  if (code === STARTING || code === TOO_MANY_CONNECTIONS) return EXIT.tryLater;
  const isAway =
    /^(08|57P)|^E(CONN|HOST|NET|TIMEDOUT|NOTFOUND|AI_AGAIN)/.test(code) || /terminated|timeout/.test(message);
  return isAway ? EXIT.unreachable : EXIT.failed;
}

const NO_SUCH_DATABASE = '3D000';
const STARTING = '57P03';
const TOO_MANY_CONNECTIONS = '53300';
