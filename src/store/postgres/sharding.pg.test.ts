// The rule by which a sharded PostgreSQL can spread logs over machines: every key begins with the log,
// and every statement names the log that it is about.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { logsOf, recordStatements, type Transaction, unnamed } from '../../../test/recorded-statements.ts';
import { streamOf } from '../../core/streams.ts';
import { verifyLog } from '../../query/verify.ts';
import type { Audit } from '../audit.ts';
import { appendAll, LogSealer, Random, START, sha256 } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import type { Store } from '../store.ts';
import { openPostgresAudit } from './audit.ts';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openPostgresStore } from './postgres-store.ts';
import { INSTALLATION } from './reads.ts';
import { readPostgresUrl } from './url.ts';

/** The list of organizations is small and wanted everywhere; migrations are no part of serving. */
const NOT_BY_LOG = ['organizations', 'migrations'];
/** Whoever audits an installation asks first which logs there are. */
const OF_ALL_LOGS = ['SELECT log FROM annals.logs ORDER BY log'];
/** An audit reads one log after the other at one moment, and writes nothing. */
const OVER_ALL_LOGS = ['BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY'];

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

  describe('as a server and an audit use it', () => {
    const logs = [randomUUID(), randomUUID()];
    let transactions: Transaction[];
    let tables: string[];
    beforeAll(async () => {
      tables = (await tablesOf(database.url)).filter((table) => !NOT_BY_LOG.includes(table));
      const recording = recordStatements();
      // Two connections, so that statements about both logs come down each.
      const store = await openPostgresStore(`${database.url}?pool_size=2&listen=off`);
      await Promise.all(logs.map((log) => useEverything(store, log)));
      await store.close();
      const audit = await openPostgresAudit(database.url);
      await auditEverything(audit, logs);
      await audit.close();
      transactions = recording.transactions();
      recording.stop();
    });

    it('is asked nothing without the name of a log', () => {
      const texts = [...new Set(transactions.flat().map(({ text }) => text))];
      expect(texts.length).toBeGreaterThan(40);
      const withoutLog = texts.filter((text) => unnamed(text, '$1', tables).length > 0);
      expect(withoutLog).toEqual(OF_ALL_LOGS);
    });

    it('is asked nothing about two logs in one transaction', () => {
      const byLog = [...tables, 'append', 'size_at'];
      const about = transactions.map((transaction) => logsOf(transaction, byLog));
      const mixed = transactions.filter((_, index) => (about[index] as string[]).length > 1);
      expect(mixed.map(([first]) => first?.text)).toEqual(OVER_ALL_LOGS);
      const turns = about.filter(
        (of, index) => of.length === 1 && (transactions[index] as Transaction).length > 1,
      );
      expect(new Set(turns.flat())).toEqual(new Set(logs));
      expect(new Set(about.flat())).toEqual(new Set([INSTALLATION, ...logs]));
    });
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
    expect(unnamed(`${unsaid} AND e.log = $12`, '$1', ['entries'])).toHaveLength(1);
    expect(unnamed(`${unsaid} AND the.log = $1`, '$1', ['entries'])).toHaveLength(1);
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

/** Every method of a store, in the forms that make different statements. */
async function useEverything(store: Store, log: string): Promise<void> {
  const sealer = new LogSealer(log, new Random(5));
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
  await takeTurns(store, sealer);
  await useInstallation(store, log);
}

/** One that appends, and one that finds nothing to append. */
async function takeTurns(store: Store, sealer: LogSealer): Promise<void> {
  const { log } = sealer;
  const changes = randomChanges(sealer.random, 2);
  await store.turn?.(log, async (turn) => {
    const { tree } = await turn.tip(log);
    await turn.latest(log, [{ type: 'orders', id: 'CHE' }]);
    const { outcome } = await turn.append(log, tree.size, sealer.batch(changes));
    expect(outcome).toBe('appended');
  });
  await store.turn?.(log, async (turn) => void (await turn.tip(log)));
}

async function useInstallation(store: Store, log: string): Promise<void> {
  await store.addOrganization({ id: log, slug: log, name: 'one', createdAt: START });
  await store.organizations();
  await store.addSecret('name', new Uint8Array(1), START);
  await store.secret('name');
  await store.dropSecrets(START + 1);
  await store.ping();
}

/** Every method of an audit, for each log. */
async function auditEverything(audit: Audit, logs: readonly string[]): Promise<void> {
  expect((await audit.logs()).sort()).toEqual([...logs].sort());
  await audit.organizations();
  await audit.secrets();
  for (const log of logs) {
    expect((await verifyLog(audit, log, sha256)).disagreement).toBeUndefined();
    await audit.answers(log, undefined, 5);
  }
}
