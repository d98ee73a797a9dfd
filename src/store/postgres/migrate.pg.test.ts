import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { appendAll, LogSealer, Random } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import type { Store } from '../store.ts';
import { Database } from './database.ts';
import { type Migration, migrate, migrationStatus, shippedMigrations } from './migrate.ts';
import { openPostgresStore } from './postgres-store.ts';
import { readPostgresUrl } from './url.ts';

/** A later version adds a column, with an index, which old servers do not know. */
const LATER: Migration = {
  name: '9998-later',
  serves: '0001',
  sql: `ALTER TABLE annals.entries ADD COLUMN later text;
    ALTER TABLE annals.resources ADD COLUMN later integer NOT NULL DEFAULT 7;`,
};
/** One after which old servers must not serve. */
const BREAKING: Migration = { name: '9999-breaking', serves: '9999', sql: 'SELECT 1' };

let database: TestDatabase;
let connection: Database;
const open: (Store | Database)[] = [];

beforeEach(async () => {
  database = await createDatabase();
  connection = opened();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await database.drop();
});

function opened(): Database {
  const one = new Database(readPostgresUrl(database.url));
  open.push(one);
  return one;
}

async function statusOf(): Promise<object> {
  const { applied, ...rest } = await migrationStatus(connection);
  return { applied: applied.map(({ name }) => name), ...rest };
}

const shipped = shippedMigrations();
const names = shipped.map(({ name }) => name);

describe('migrations', () => {
  it('say what is applied, and what is missing', async () => {
    expect(await statusOf()).toEqual({ applied: [], pending: names, unknown: [] });
    await migrate(connection, shipped.slice(0, 2));
    const status = await statusOf();
    expect(status).toEqual({ applied: names.slice(0, 2), pending: names.slice(2), unknown: [] });
    await migrate(connection);
    expect(await statusOf()).toEqual({ applied: names, pending: [], unknown: [] });
  });

  it('are applied once by several servers that start at the same moment', async () => {
    await Promise.all([1, 2, 3, 4].map(() => migrate(opened())));
    const applied = await sql<{ name: string }>(
      database.url,
      'SELECT name FROM annals.migrations ORDER BY name',
    );
    expect(applied.map(({ name }) => name)).toEqual(names);
  });

  it('leave nothing behind where one fails', async () => {
    const broken: Migration = {
      name: '9997-broken',
      serves: '0001',
      sql: 'CREATE TABLE annals.half (); SELECT 1 / 0',
    };
    await migrate(connection);
    await expect(migrate(connection, [...shipped, broken])).rejects.toThrow('division by zero');
    expect(await statusOf()).toEqual({ applied: names, pending: [], unknown: [] });
    expect(await sql(database.url, "SELECT to_regclass('annals.half') AS half")).toEqual([{ half: null }]);
  });

  it('run while servers of the version before go on appending and reading', async () => {
    const store = await openPostgresStore(database.url);
    open.push(store);
    const sealer = new LogSealer(randomUUID(), new Random(11));
    let isDone = false;
    const serving = (async () => {
      while (!isDone) {
        await appendAll(store, sealer, randomChanges(sealer.random, 10), 5);
        await store.select(
          sealer.log,
          { streams: [] },
          { by: 'position', order: 'desc', limit: 5 },
          { states: true },
        );
      }
    })();
    await migrate(connection, [...shipped, LATER]);
    isDone = true;
    await serving;
    await appendAll(store, sealer, randomChanges(sealer.random, 10));
    expect((await store.tip(sealer.log)).tree.size).toBe(sealer.tip.tree.size);
    expect(await migrationStatus(connection)).toMatchObject({ unknown: [LATER.name] });
  });

  it('hold up nobody while they wait for a table, and come through once it is free', async () => {
    const store = await openPostgresStore(database.url);
    open.push(store);
    const sealer = new LogSealer(randomUUID(), new Random(12));
    await appendAll(store, sealer, randomChanges(sealer.random, 3));
    const id = sealer.written[0]?.entry.id as string;
    const events: string[] = [];
    const note = (event: string) => (): void => void events.push(event);
    const holder = opened();
    let migrated: Promise<void> | undefined;
    await holder.transaction(async (client) => {
      await client.query('LOCK TABLE annals.entries IN ACCESS SHARE MODE');
      migrated = migrate(connection, [...shipped, LATER]).then(note('migrated'));
      await untilWaitingFor('annals.entries');
      // Both stand behind the migration in the line for the table, until it steps out.
      await Promise.all([
        store.find(sealer.log, [id]).then(note('read')),
        appendAll(store, sealer, randomChanges(sealer.random, 1)).then(note('appended')),
      ]);
      note('released')();
    });
    await migrated;
    expect(events.slice(0, 2).sort()).toEqual(['appended', 'read']);
    expect(events.slice(2)).toEqual(['released', 'migrated']);
    expect(await migrationStatus(connection)).toMatchObject({ unknown: [LATER.name] });
  });

  it('of a newer Annals are no hindrance to a start, unless they say so', async () => {
    await migrate(connection, [...shipped, LATER]);
    await (await openPostgresStore(database.url)).close();
    await migrate(connection, [...shipped, LATER, BREAKING]);
    await expect(openPostgresStore(database.url)).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: { message: 'this database was migrated by a newer Annals: it has 9999-breaking' },
    });
  });

  it('refuse a database of another encoding', async () => {
    const name = `${new URL(database.url).pathname.slice(1)}_latin`;
    await sql(
      database.url,
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    await expect(openPostgresStore(url.toString())).rejects.toMatchObject({
      cause: { message: 'the database must have the encoding UTF8, it has LATIN1' },
    });
    await sql(database.url, `DROP DATABASE ${name}`);
  });
});

/** Until someone stands in the line for a table. */
async function untilWaitingFor(table: string): Promise<void> {
  const waiting = 'SELECT FROM pg_locks WHERE relation = $1::regclass AND NOT granted';
  while ((await sql(database.url, waiting, [table])).length === 0);
}
