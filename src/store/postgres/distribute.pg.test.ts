import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

/**
 * In the place of Citus, which is to be had neither from npm nor from Debian: functions of the same names and parameters that
 * write down what they were asked for. It shows what Annals asks for, not that Citus does it.
 */
const STAND_IN = `
  INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    SELECT 99999, 'citus', extowner, extnamespace, false, '13.0' FROM pg_extension LIMIT 1;
  CREATE TABLE pg_dist_partition (logicalrelid regclass);
  CREATE TABLE asked (number serial, what text);
  CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_dist_partition VALUES (table_name);
    INSERT INTO asked (what) VALUES (format('%s everywhere', table_name)) $$;
  CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
      colocate_with text DEFAULT 'default', shard_count integer DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_dist_partition VALUES (table_name);
    INSERT INTO asked (what) VALUES (format('%s by %s with %s', table_name, distribution_column, colocate_with)) $$;
  CREATE FUNCTION create_distributed_function(function_name regprocedure, distribution_arg_name text DEFAULT NULL,
      colocate_with text DEFAULT 'default', force_delegation boolean DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO asked (what) SELECT format('%s by %s with %s, %s', proname, distribution_arg_name, colocate_with, proconfig[1])
      FROM pg_proc WHERE oid = function_name $$`;

describe('distribution, by a stand-in for Citus', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(() => database.drop());

  const asked = async (): Promise<string[]> =>
    (await sql<{ what: string }>(database.url, 'SELECT what FROM asked ORDER BY number')).map(
      ({ what }) => what,
    );
  const planned = async (): Promise<string[]> => {
    const rows = await sql<{ config: string }>(
      database.url,
      `SELECT unnest(proconfig) AS config FROM pg_proc WHERE pronamespace = 'annals'::regnamespace`,
    );
    return rows.map(({ config }) => config).filter((config) => config.startsWith('plan_cache_mode'));
  };

  it('puts every table with a log with the others, and has functions run where their log is, planned each time', async () => {
    await migratePostgres(database.url);
    expect(await planned()).toEqual(Array(2).fill('plan_cache_mode=force_generic_plan'));
    await sql(database.url, STAND_IN);
    expect(await distributePostgres(database.url)).toEqual([...REFERENCE_TABLES, ...DISTRIBUTED_TABLES]);
    const [first, ...others] = DISTRIBUTED_TABLES;
    const functions = ['append', 'size_at'].map((name) =>
      expect.stringMatching(`^${name} by p_log with annals.logs, `),
    );
    expect(await asked()).toEqual([
      'annals.organizations everywhere',
      `annals.${first} by log with none`,
      ...others.map((table) => `annals.${table} by log with annals.${first}`),
      ...functions,
    ]);
    expect(await planned()).toEqual(Array(2).fill('plan_cache_mode=force_custom_plan'));
    expect(await distributePostgres(database.url)).toEqual([]);
  });

  it('plans each time as well where the functions come after Citus', async () => {
    await sql(database.url, STAND_IN);
    await migratePostgres(database.url);
    expect(await planned()).toEqual(Array(2).fill('plan_cache_mode=force_custom_plan'));
  });
});
