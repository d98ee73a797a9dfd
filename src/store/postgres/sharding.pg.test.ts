// The rule by which a sharded PostgreSQL can spread logs over machines: every key begins with the log,
// and every statement names the log that it is about.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { streamOf } from '../../core/streams.ts';
import { appendAll, LogSealer, Random, START } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import { Database, type Statement, type Value } from './database.ts';
import { migrate } from './migrate.ts';
import { PostgresStore } from './postgres-store.ts';
import { readPostgresUrl } from './url.ts';

/** The list of organizations is small and wanted everywhere; migrations are no part of serving. */
const NOT_BY_LOG = ['organizations', 'migrations'];

/** Remembers every statement. */
class Recording extends Database {
  readonly statements: string[] = [];

  override read<Row extends object>(text: string, values?: Value[]): Promise<Row[]> {
    this.statements.push(text);
    return super.read(text, values);
  }

  override write<Row extends object>(text: string, values?: Value[]): Promise<Row[]> {
    this.statements.push(text);
    return super.write(text, values);
  }

  override writeInOrder<Row extends object>(log: string, statement: Statement): Promise<Row[]> {
    this.statements.push(statement.text);
    return super.writeInOrder(log, statement);
  }
}

describe('a schema that can be sharded by log', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    const plain = new Database(readPostgresUrl(database.url));
    await migrate(plain);
    await plain.close();
  });
  afterAll(() => database?.drop());

  it('has the log as the first column of every primary key and of every unique index', async () => {
    const keys = await sql<{ relation: string; index: string; first: string; primary: boolean }>(
      database.url,
      `SELECT t.relname AS relation, i.relname AS index, a.attname AS first, x.indisprimary AS primary
        FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
        WHERE t.relnamespace = 'annals'::regnamespace AND x.indisunique`,
    );
    const byLog = keys.filter(({ relation }) => !NOT_BY_LOG.includes(relation));
    expect(byLog.filter(({ first }) => first !== 'log')).toEqual([]);
    const tables = await tablesOf(database.url);
    const keyed = byLog.filter(({ primary }) => primary).map(({ relation }) => relation);
    expect(keyed.sort()).toEqual(tables.filter((table) => !NOT_BY_LOG.includes(table)).sort());
  });

  it('has no foreign key, no trigger and no sequence, which would reach across logs', async () => {
    const across = await sql(
      database.url,
      `SELECT conname AS name FROM pg_constraint WHERE contype = 'f' AND connamespace = 'annals'::regnamespace
        UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'annals'::regnamespace`,
    );
    expect(across).toEqual([]);
  });

  it('is asked nothing without the name of a log', async () => {
    const recording = new Recording(readPostgresUrl(database.url));
    const store = new PostgresStore(recording);
    await useEverything(store);
    await store.close();
    const tables = (await tablesOf(database.url)).filter((table) => !NOT_BY_LOG.includes(table));
    expect(recording.statements.length).toBeGreaterThan(40);
    expect(recording.statements.flatMap((text) => unnamed(text, '$1', tables))).toEqual([]);
  });

  it('asks nothing in its functions without the name of a log', async () => {
    const tables = (await tablesOf(database.url)).filter((table) => !NOT_BY_LOG.includes(table));
    const functions = await sql<{ name: string; body: string }>(
      database.url,
      `SELECT proname AS name, prosrc AS body FROM pg_proc
        WHERE pronamespace = 'annals'::regnamespace AND proname <> 'make_year' ORDER BY proname`,
    );
    expect(functions.map(({ name }) => name)).toEqual(['append', 'size_at']);
    const statements = functions.flatMap(({ body }) => body.replace(/^.*?BEGIN/s, '').split(';'));
    expect(statements.length).toBeGreaterThan(15);
    expect(statements.flatMap((text) => unnamed(text, 'p_log', tables))).toEqual([]);
  });

  it('finds a statement that does not name its log', () => {
    const unsaid = 'SELECT e.id FROM annals.entries e WHERE e.position = $2';
    expect(unnamed(unsaid, '$1', ['entries'])).toEqual([`entries e in: ${unsaid}`]);
    expect(unnamed(`${unsaid} AND e.log = $1`, '$1', ['entries'])).toEqual([]);
    expect(unnamed('INSERT INTO annals.marks (log, stream) VALUES ($1, $2)', '$1', ['marks'])).toEqual([]);
    expect(unnamed('INSERT INTO annals.marks (stream, log) VALUES ($1, $2)', '$1', ['marks'])).toHaveLength(
      1,
    );
  });
});

async function tablesOf(url: string): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    url,
    `SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'annals'::regnamespace`,
  );
  return rows.map(({ name }) => name);
}

/** Uses of tables in a statement that do not say which log is meant. */
function unnamed(text: string, log: string, tables: readonly string[]): string[] {
  const missing: string[] = [];
  const uses = [...text.matchAll(/(INSERT INTO )?annals\.(\w+)(?: AS)?(?: (?!WHERE|SET|VALUES)(\w+))?/g)];
  const wanted = new Map<string, number>();
  for (const [, insertion, table = '', alias] of uses.filter(([, , table]) => tables.includes(table ?? ''))) {
    const rest = text.slice(text.indexOf(`annals.${table}`));
    if (insertion !== undefined) {
      const first = /^annals\.\w+(?: AS \w+)?\s*\(log\b[^)]*\)\s*(?:VALUES \(|SELECT )(\S+?)[,)]/.exec(
        rest,
      )?.[1];
      if (first !== log) missing.push(`${table} in: ${text}`);
      continue;
    }
    const name = alias === undefined ? 'log' : `${alias}.log`;
    const count = (wanted.get(name) ?? 0) + 1;
    wanted.set(name, count);
    const said = text.split(`${name} = ${log}`).length - 1;
    if (said < count) missing.push(`${table} ${alias ?? ''} in: ${text}`);
  }
  return missing;
}

/** Every method of a store, in the forms that make different statements. */
async function useEverything(store: PostgresStore): Promise<void> {
  const sealer = new LogSealer(randomUUID(), new Random(5));
  const { log } = sealer;
  await appendAll(store, sealer, randomChanges(sealer.random, 200), 50);
  const answer = { key: 'key', fingerprint: 'f', answer: '[]', keptAt: START };
  await store.append(log, 200, sealer.batch([], [answer]));
  const behind = { position: 100, occurredAt: START };
  const windows = [{}, { since: START }, { since: START, until: START + 1 }];
  const streams = [[], [streamOf.action('update')], [streamOf.action('update'), streamOf.type('orders')]];
  for (const window of windows) {
    for (const some of streams) {
      for (const by of ['position', 'occurredAt'] as const) {
        for (const range of [{}, { behind }, { skip: 70 }, { below: 90 }]) {
          const parts = { states: true, seals: true };
          await store.select(
            log,
            { streams: some, ...window },
            { by, order: 'asc', limit: 5, ...range },
            parts,
          );
        }
      }
      await store.count(log, { streams: some, ...window });
    }
  }
  const resource = { type: 'orders', id: 'CHE' };
  await store.tip(log);
  await store.latest(log, [resource]);
  await store.find(log, [randomUUID()]);
  await store.answer(log, 'key');
  await store.asOf(log, resource, START, START);
  await store.resources(log, undefined, undefined, 5);
  await store.resources(log, 'orders', resource, 5);
  await store.resource(log, resource);
  await store.types(log);
  await store.nodes(log, [{ level: 0, index: 0 }]);
  await useInstallation(store, log);
}

async function useInstallation(store: PostgresStore, log: string): Promise<void> {
  await store.addOrganization({ id: log, slug: 'one', name: 'one', createdAt: START });
  await store.organizations();
  await store.addSecret('name', new Uint8Array(1), START);
  await store.secret('name');
  await store.dropSecrets(START + 1);
  await store.ping();
}
