// What each exit code means, in one place; docs/reference/cli.md has the same table.

import { CommanderError } from 'commander';
import { ConfigError } from '../config.ts';

export const EXIT = {
  ok: 0,
  /** It did not work, or `verify` found a disagreement, or `import` had lines refused. */
  failed: 1,
  /** The command line, a setting or a file that it names cannot be used. */
  usage: 2,
  /** The server does not answer, or the connection was lost. */
  unreachable: 3,
  /** The server knows no such token, or the token may not do this. */
  refused: 4,
  /** There is no such change, resource, token or database. */
  notFound: 5,
  /** What was sent is at odds with what is there, such as a slug that is taken. */
  conflict: 6,
  /** The server cannot do it now; the same command may work later. */
  tryLater: 7,
  /** Stopped by Ctrl-C, after what was under way was finished. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error for the person at the terminal: what was wanted and what was got, in one line, or one for each fault. */
export class CliError extends Error {
  override name = 'CliError';
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];
  /** The stable code of the server's problem, where it is one. */
  readonly code: string | undefined;

  constructor(exitCode: ExitCode, message: string | readonly string[], code?: string, cause?: unknown) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join('; '), cause === undefined ? undefined : { cause });
    this.lines = lines;
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** The exit code for a status of the server. */
export function exitCodeOfStatus(status: number): ExitCode {
  switch (status) {
    case 400:
    case 422:
      return EXIT.usage;
    case 401:
    case 403:
      return EXIT.refused;
    case 404:
      return EXIT.notFound;
    case 409:
    case 412:
    case 423:
      return EXIT.conflict;
    case 408:
    case 429:
    case 503:
      return EXIT.tryLater;
    default:
      return EXIT.failed;
  }
}

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
}

/** A failed system call in words, without its path and its code in capitals. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || message;
}

const REASONS: { [code: string]: string } = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the port is taken',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space is left',
  ENOTFOUND: 'the host is not known',
  EPERM: 'permission denied',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'it did not answer in time',
  Z_BUF_ERROR: 'the file is cut off',
  Z_DATA_ERROR: 'the file is damaged',
};
