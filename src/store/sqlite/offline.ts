// What can be done with a database file without the server that may be using it: copy it, look at its schema.

import { chmodSync, linkSync, rmSync, statSync } from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';
import { openReadOnly } from './audit.ts';
import { appliedMigrations, Connection, migrate, shippedMigrations } from './database.ts';

/** Pages per step; a step is as long as others wait for nothing. */
const STEP_PAGES = 500;

/**
 * A consistent copy of the database as it is now, while servers read and write it. The copy has its
 * name only when it is whole; an existing file is never replaced.
 * @param onProgress told pages copied, of how many
 */
export async function backupSqlite(
  path: string,
  target: string,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const partial = `${target}.partial`;
  const { db } = openReadOnly(path);
  try {
    // One snapshot for all steps: otherwise each write of a server would start the copy anew.
    db.exec('BEGIN');
    db.prepare('SELECT count(*) FROM migrations').get();
    rmSync(partial, { force: true });
    await backup(db, partial, {
      rate: STEP_PAGES,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
    chmodSync(partial, statSync(path).mode);
    // Unlike a rename, a link fails where the name is taken.
    linkSync(partial, target);
  } finally {
    db.close();
    rmSync(partial, { force: true });
  }
}

/** Applies what is missing; answers the status behind it. */
export function migrateSqlite(path: string): SchemaStatus {
  const connection = new Connection(path);
  try {
    migrate(connection.db);
  } finally {
    connection.close();
  }
  return schemaStatus(path);
}

export interface SchemaStatus {
  applied: { name: string; appliedAt: string }[];
  /** Shipped with this version, and not applied yet: the next start of the server applies them. */
  pending: string[];
  /** Applied by a newer version of Annals. */
  unknown: string[];
}

export function schemaStatus(path: string): SchemaStatus {
  const { db } = openReadOnly(path);
  try {
    const shipped = shippedMigrations().map(({ name }) => name);
    const names = appliedMigrations(db);
    return {
      applied: names.map((name) => ({ name, appliedAt: appliedAt(db, name) })),
      pending: shipped.filter((name) => !names.includes(name)),
      unknown: names.filter((name) => !shipped.includes(name)),
    };
  } finally {
    db.close();
  }
}

/** RFC 3339, to the second. */
function appliedAt(db: DatabaseSync, name: string): string {
  const row = db.prepare('SELECT applied_at FROM migrations WHERE name = ?').get(name);
  return `${String(row?.applied_at).replace(' ', 'T')}Z`;
}
