// What takes long is waited for: a migration, or the distribution of many rows.

import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { migratePostgres } from './offline.ts';
import { openPostgresStore } from './postgres-store.ts';

const AN_HOUR_MS = 3_600_000;
const LOCK = `pg_advisory_lock(hashtext('annals.migrate'))`;

describe('a migration that takes an hour', () => {
  let database: TestDatabase;
  let longer: pg.Client;

  beforeEach(async () => {
    database = await createDatabase();
    longer = new pg.Client({ connectionString: database.url });
    await longer.connect();
    await longer.query(`SELECT ${LOCK}`);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await longer.end();
    await database.drop();
  });

  async function untilWaitedFor(): Promise<void> {
    const waiting = `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted`;
    while ((await sql(database.url, waiting)).length === 0) await setImmediate();
  }

  it.each([
    ['the command', (url: string) => migratePostgres(url)],
    ['a server that starts', async (url: string) => (await openPostgresStore(url)).close()],
  ])('is waited for by %s', async (_, migrate) => {
    const migrated = migrate(database.url);
    await Promise.race([untilWaitedFor(), migrated]);
    vi.advanceTimersByTime(AN_HOUR_MS);
    await longer.query(LOCK.replace('pg_advisory_lock', 'SELECT pg_advisory_unlock'));
    await migrated;
    expect(await sql(database.url, 'SELECT FROM annals.migrations LIMIT 1')).toHaveLength(1);
  });
});
