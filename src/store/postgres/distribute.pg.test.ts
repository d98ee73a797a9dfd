import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { Database, type Value } from './database.ts';
import { DISTRIBUTED_TABLES, distribute, REFERENCE_TABLES } from './distribute.ts';
import { distributePostgres, migratePostgres } from './offline.ts';
import { readPostgresUrl } from './url.ts';

/** What of Citus is asked, and no more: it remembers what was distributed. */
const STAND_IN = `CREATE TABLE pg_dist_partition (logicalrelid regclass);
  CREATE TABLE distributed_functions (name regprocedure);
  CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql
    AS 'INSERT INTO public.pg_dist_partition VALUES ($1)';
  CREATE FUNCTION create_distributed_table(regclass, text, colocate_with text) RETURNS void LANGUAGE sql
    AS 'INSERT INTO public.pg_dist_partition VALUES ($1)';
  CREATE FUNCTION create_distributed_function(regprocedure, text, colocate_with text) RETURNS void LANGUAGE sql
    AS 'INSERT INTO public.distributed_functions VALUES ($1)'`;

/** A server that says that it has the extension. */
class WithStandIn extends Database {
  override read<Row extends object>(text: string, values?: Value[]): Promise<Row[]> {
    if (text.includes('pg_extension')) return super.read<Row>('SELECT true AS is_there, true AS is_offered');
    return super.read(text, values);
  }
}

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

  describe.each(['public', 'annals,public'])(
    'asked of a stand-in, where names are looked for in %s',
    (path) => {
      let standIn: TestDatabase;
      let connection: WithStandIn;
      const opened = (settings: string): WithStandIn => {
        const url = `${standIn.url}?options=${encodeURIComponent(settings)}`;
        return new WithStandIn(readPostgresUrl(url));
      };
      beforeAll(async () => {
        standIn = await createDatabase();
        await migratePostgres(standIn.url);
        await sql(standIn.url, STAND_IN);
        connection = opened(`-c search_path=${path}`);
      });
      afterAll(async () => {
        await connection?.close();
        await standIn?.drop();
      });

      it('refuses to keep rows more than once, and changes nothing', async () => {
        const twice = opened(`-c search_path=${path} -c citus.shard_replication_factor=2`);
        const refusal = {
          name: 'CannotDistribute',
          message: expect.stringMatching(/^citus.shard_replication_factor is 2, .*nothing was changed/s),
        };
        await expect(distribute(twice)).rejects.toMatchObject(refusal);
        await twice.close();
        expect(await sql(standIn.url, 'SELECT FROM pg_dist_partition')).toEqual([]);
      });

      it('distributes what is not distributed yet, and nothing twice', async () => {
        const all = [...REFERENCE_TABLES, ...DISTRIBUTED_TABLES];
        expect(await distribute(connection)).toEqual(all);
        expect(await distribute(connection)).toEqual([]);
        await sql(standIn.url, `DELETE FROM pg_dist_partition WHERE logicalrelid = 'annals.nodes'::regclass`);
        expect(await distribute(connection)).toEqual(['nodes']);
      });

      it('has all forms of its functions planned each time, and no append run where no turn is taken', async () => {
        await sql(
          standIn.url,
          `CREATE FUNCTION annals.append(later text) RETURNS void LANGUAGE sql AS 'SELECT';
        TRUNCATE distributed_functions`,
        );
        await distribute(connection);
        const planned = await sql(
          standIn.url,
          `SELECT proname AS name FROM pg_proc WHERE pronamespace = 'annals'::regnamespace
          AND 'plan_cache_mode=force_custom_plan' = ANY (proconfig) ORDER BY 1`,
        );
        expect(planned.map(({ name }) => name)).toEqual(['append', 'append', 'size_at']);
        const distributed = await sql(standIn.url, 'SELECT name::text FROM distributed_functions');
        expect(distributed).toEqual([{ name: 'annals.size_at(uuid,timestamp with time zone)' }]);
      });
    },
  );
});
