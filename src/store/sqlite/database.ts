// Opens the database file and brings its schema up to date.

import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** Larger pages than SQLite's 4 KiB: states of 1 to 5 kB leave less of a page empty (docs/decisions/sqlite-pages.md). */
const PAGE_BYTES = 16_384;
const CACHE_KIB = 20 * 1024;

/** A database connection with its statements prepared once. */
export class Connection {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, options: { readOnly?: boolean } = {}) {
    this.db = new DatabaseSync(path, { readOnly: options.readOnly ?? false, timeout: 10_000 });
    if (options.readOnly !== true) {
      this.db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
      this.db.exec('PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864');
    }
    this.db.exec(`PRAGMA foreign_keys = OFF; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
  }

  /** The statement with this text, prepared on first use. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  close(): void {
    this.db.close();
  }
}

export interface Migration {
  name: string;
  sql: string;
}

/** The migrations that ship with this version, in order. */
export function shippedMigrations(): Migration[] {
  const folder = new URL('./migrations/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -4), sql: readFileSync(new URL(file, folder), 'utf8') }));
}

/** The migrations that a database has had, in order. */
export function appliedMigrations(db: DatabaseSync): string[] {
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get();
  if (known === undefined) return [];
  return db
    .prepare('SELECT name FROM migrations ORDER BY name')
    .all()
    .map((row) => String(row.name));
}

/**
 * Applies what is missing, each migration in a transaction of its own. Refuses a database that a
 * newer Annals has migrated further.
 */
export function migrate(db: DatabaseSync): void {
  db.exec('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT');
  const shipped = shippedMigrations();
  const applied = new Set(appliedMigrations(db));
  const unknown = [...applied].filter((name) => !shipped.some((migration) => migration.name === name));
  if (unknown.length > 0) {
    throw new Error(`this database was migrated by a newer Annals: it has ${unknown.join(', ')}`);
  }
  for (const { name, sql } of shipped) {
    if (applied.has(name)) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(sql);
      db.prepare("INSERT INTO migrations VALUES (?, datetime('now'))").run(name);
      db.exec('COMMIT');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }
}
