import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { DISTRIBUTED_TABLES, REFERENCE_TABLES } from './distribute.ts';
import { distributePostgres, migratePostgres } from './offline.ts';

describe('distribution', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    await migratePostgres(database.url);
  });
  afterAll(() => database?.drop());

  it('names every table, those with a log as distributed by it', async () => {
    const tables = await sql<{ name: string; has_log: boolean }>(
      database.url,
      `SELECT c.relname AS name, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'log')
          AS has_log
        FROM pg_class c WHERE c.relnamespace = 'annals'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
    );
    const namesOf = (hasLog: boolean): string[] =>
      tables.filter(({ has_log }) => has_log === hasLog).map(({ name }) => name);
    expect(namesOf(true).sort()).toEqual([...DISTRIBUTED_TABLES].sort());
    expect(namesOf(false).sort()).toEqual([...REFERENCE_TABLES, 'migrations'].sort());
  });

  it('says clearly that it cannot be, on a server without the extension, and changes nothing', async () => {
    await expect(distributePostgres(database.url)).rejects.toMatchObject({
      name: 'CannotDistribute',
      message: expect.stringMatching(/^this server has not the extension Citus.*nothing was changed/s),
    });
  });
});
