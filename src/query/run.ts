// Reads a run of stored entries, whole, with what is damaged among them told from what is not.

import { AnnalsError } from '../core/errors.ts';
import type { Audit } from '../store/audit.ts';
import type { LogId, StoredEntry } from '../store/store.ts';
import { Disagrees } from './reseal.ts';

/**
 * The entries from `start` on; where they cannot be read together, fewer, down to the one that cannot be
 * read at all.
 * @throws Disagrees where there is none at `start`, or it cannot be read
 */
export async function readRun(audit: Audit, log: LogId, start: number, most: number): Promise<StoredEntry[]> {
  const behind = { position: start - 1, occurredAt: 0 };
  const range = { by: 'position', order: 'asc', limit: most, behind } as const;
  let reason = '';
  try {
    const rows = await audit.select(log, { streams: [] }, range, { states: true, seals: true });
    if (rows.length > 0) return rows;
  } catch (error) {
    // The database itself failed: that says nothing of the entries.
    if (error instanceof AnnalsError) throw error;
    if (most > 1) return readRun(audit, log, start, Math.floor(most / 2));
    // A row that is not there fails as a type error, whose words would help nobody.
    if (!(error instanceof TypeError)) reason = `: ${(error as Error).message}`;
  }
  const detail = `it is missing, or cannot be read${reason}`;
  throw new Disagrees({ position: start, what: 'entry', detail });
}
