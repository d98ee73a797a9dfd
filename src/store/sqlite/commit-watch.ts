// Has anything been committed to the database file, by this process or any other? Asked on the main thread.

import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * A read-only connection whose one use is `PRAGMA data_version`: what that gives changes with every commit of another
 * connection, and the commit of an append is there to see before its receipt is sent. SQLite finds it in the index
 * of the write-ahead log, which is shared memory: some two microseconds, and no read of the disk.
 */
export class CommitWatch {
  readonly #path: string;
  #db: DatabaseSync | undefined;
  #version: StatementSync | undefined;
  #isClosed = false;

  /** @param path a database that is open already, so that its write-ahead log is there */
  constructor(path: string) {
    this.#path = path;
  }

  /** The same value as long as nothing is committed; undefined where the database does not say. */
  look(): number | undefined {
    try {
      this.#version ??= this.#open();
      return (this.#version.get() as unknown as [number])[0];
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#version = undefined;
    this.#db?.close();
    this.#db = undefined;
  }

  /** The main thread waits for no lock: where it cannot look, it does without. */
  #open(): StatementSync {
    if (this.#isClosed) throw new Error('the store is closed');
    this.#db ??= new DatabaseSync(this.#path, { readOnly: true, timeout: 0 });
    const version = this.#db.prepare('PRAGMA data_version');
    version.setReturnArrays(true);
    return version;
  }
}
