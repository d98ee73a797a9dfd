// What PostgreSQL and its driver report, in the words of Annals.

import { AnnalsError } from '../../core/errors.ts';
import type { LogId } from '../store.ts';

/** What is known of a failed statement. */
interface Failure {
  code?: string;
  message?: string;
  /** Of what PostgreSQL itself reports; errors of the driver and the socket have none. */
  severity?: string;
  /** Names the constraint that was violated, where it has a name. */
  constraint?: string | undefined;
}

/** Everything of these classes passes by itself, or by the operator's doing: nothing is wrong with the request. */
const UNAVAILABLE_CLASSES = ['08', '25', '28', '3D', '40', '53', '55', '57', '58', 'XX'];
const DISK_FULL = '53100';

/** The transaction was rolled back for sure, and may succeed when it is run again. */
const ROLLED_BACK = ['40001', '40P01'];
const CHECK_VIOLATION = '23514';
const CONNECTION_CLASSES = ['08', '57'];
const QUERY_CANCELED = '57014';

export function toAnnalsError(error: unknown): AnnalsError {
  if (error instanceof AnnalsError) return error;
  const { code = '', severity } = error as Failure;
  if (code === DISK_FULL) return new AnnalsError('storage_full', MESSAGES.full, {}, error);
  if (severity !== undefined && !UNAVAILABLE_CLASSES.includes(code.slice(0, 2))) {
    return new AnnalsError('internal', MESSAGES.internal, {}, error);
  }
  return new AnnalsError('store_unavailable', MESSAGES.unavailable, {}, error);
}

/** The database lacks what the log says that it has, such as after a partition was detached. */
export function entriesMissing(log: LogId, what: string): AnnalsError {
  return new AnnalsError(
    'internal',
    `entries of the log ${log} are missing in the database: ${what}. Attach the partition that was detached, or ` +
      'restore what was deleted',
  );
}

const MESSAGES = {
  full: 'the database has no space left; nothing was stored',
  unavailable: 'the database did not take the request; try again later',
  internal: 'the database refused what Annals asked; its log says more',
} as const;

/** May the same statement be sent again, since nothing of it was kept? */
export function isRolledBack(error: unknown): boolean {
  return ROLLED_BACK.includes((error as Failure).code ?? '');
}

/**
 * Is there no partition yet for the year of an entry? It is a check that no constraint made. The message would not tell:
 * PostgreSQL translates it (`lc_messages`).
 */
export function isWithoutPartition(error: unknown): boolean {
  const { code, constraint } = error as Failure;
  return code === CHECK_VIOLATION && constraint === undefined;
}

/** Did the connection end, so that a read may try another? */
export function isDisconnected(error: unknown): boolean {
  const { code = '', message = '', severity } = error as Failure;
  if (code === QUERY_CANCELED) return false;
  if (severity !== undefined) return CONNECTION_CLASSES.includes(code.slice(0, 2));
  return /terminated|ECONNRESET|EPIPE|not queryable/.test(`${code} ${message}`);
}
