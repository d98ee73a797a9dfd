// Directories on a store, as servers that share a database have them, with a clock that the test moves.

import { randomBytes, randomUUID } from 'node:crypto';
import { type Directory, makeDirectory } from '../src/directory/directory.ts';
import { makeRecorder, type Record } from '../src/ingest/record.ts';
import { sha256 } from '../src/store/contract-batches.ts';
import type { Store } from '../src/store/store.ts';

export interface Clock {
  nowMs: number;
}

export interface OpenDirectory {
  directory: Directory;
  /** The way into the log that the directory itself takes. */
  record: Record;
}

export function openDirectory(store: Store, clock: Clock): OpenDirectory {
  const now = (): number => clock.nowMs * 1000;
  const { record } = makeRecorder(store, { now, salt: () => randomBytes(16), sha256 });
  const means = { now, nowMs: () => clock.nowMs, uuid: randomUUID, randomBytes, sha256, record };
  return { directory: makeDirectory(store, means), record };
}
