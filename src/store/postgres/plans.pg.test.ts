// Which index each kind of read takes, on 200,000 entries, whatever the planner's statistics say.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { recordStatements, type Statement } from '../../../test/recorded-statements.ts';
import type { Instant } from '../../core/instant.ts';
import { streamOf } from '../../core/streams.ts';
import type { Audit, Filed } from '../audit.ts';
import { START } from '../contract-batches.ts';
import type { Range, Selection } from '../store.ts';
import { openPostgresAudit } from './audit.ts';
import { Database, type Value } from './database.ts';
import { migrate } from './migrate.ts';
import { INSTALLATION, Reads } from './reads.ts';
import { Selector } from './select.ts';
import { readPostgresUrl } from './url.ts';

const LOG = '11111111-1111-4111-8111-111111111111';
const OTHER_LOG = '22222222-2222-4222-8222-222222222222';
const SIZE = 150_000;
const OTHER_SIZE = 50_000;
const SECOND = 1_000_000;

/** What a plan does to a table. */
interface Access {
  node: string;
  relation: string;
  index: string | undefined;
  rows: number;
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** Explains every statement that it is asked to run. */
class Explaining extends Database {
  accesses: Access[] = [];

  override async read<Row extends object>(text: string, values: Value[] = []): Promise<Row[]> {
    const [row] = await super.read<Record<string, string>>(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
    const [{ Plan }] = JSON.parse(row?.['QUERY PLAN'] ?? '[]') as [{ Plan: PlanNode }];
    this.accesses.push(...accessesOf(Plan));
    return super.read(text, values);
  }
}

function accessesOf(plan: PlanNode): Access[] {
  const own =
    plan['Relation Name'] === undefined && plan['Index Name'] === undefined
      ? []
      : [
          {
            node: plan['Node Type'],
            relation: plan['Relation Name'] ?? '',
            index: plan['Index Name']?.replace(/_20\d\d/, ''),
            rows:
              ((plan['Actual Rows'] ?? 0) + (plan['Rows Removed by Filter'] ?? 0)) *
              (plan['Actual Loops'] ?? 1),
          },
        ];
  return [...own, ...(plan.Plans ?? []).flatMap(accessesOf)];
}

describe.each(['fresh', 'stale', 'missing'] as const)('with %s statistics', (statistics) => {
  let database: TestDatabase;
  let explaining: Explaining;

  beforeAll(async () => {
    database = await createDatabase();
    explaining = new Explaining(readPostgresUrl(database.url));
    await migrate(new Database(readPostgresUrl(database.url)));
    await sql(database.url, 'SELECT annals.make_year(2026)');
    await withoutAutovacuum(database.url);
    if (statistics === 'stale') {
      await fill(database.url, LOG, 0, 500);
      await sql(database.url, 'ANALYZE');
    }
    await fill(database.url, LOG, statistics === 'stale' ? 500 : 0, SIZE);
    await fill(database.url, OTHER_LOG, 0, OTHER_SIZE);
    if (statistics === 'fresh') await sql(database.url, 'VACUUM ANALYZE');
  });
  afterAll(async () => {
    await explaining?.close();
    await database?.drop();
  });

  const instant = (second: number): Instant => START + second * SECOND;
  const ENTRIES = 'entries_pkey';
  const FILED = 'filed_pkey';
  const OCCURRED = 'entries_log_occurred_at_position_idx';
  const resource = { type: 'countries', id: '77' };
  const LARGE = streamOf.actor('ada');
  const MIDDLE = streamOf.actor('bob');
  const SMALL = streamOf.resource(resource);
  const windowed = (from: number, to: number): Partial<Selection> => ({
    since: instant(from),
    until: instant(to),
  });
  const behind = { position: 75_000, occurredAt: instant(75_000) };

  /** Name, streams and window, what of the range is not the default, and the indexes that are used. */
  const selections: [string, Selection, Partial<Range>, string[]][] = [
    ['the newest of the log', { streams: [] }, {}, [ENTRIES]],
    ['a deep page of the log', { streams: [] }, { skip: 100_000 }, [ENTRIES]],
    ['the newest of a resource', { streams: [SMALL] }, {}, [ENTRIES, FILED]],
    ['the oldest of a large stream', { streams: [LARGE] }, { order: 'asc' }, [ENTRIES, FILED]],
    ['a page of a large stream', { streams: [LARGE] }, { behind }, [ENTRIES, FILED]],
    ['a jump in a large stream', { streams: [LARGE] }, { skip: 30_000 }, [ENTRIES, FILED, 'marks_pkey']],
    ['two streams', { streams: [LARGE, SMALL] }, {}, [ENTRIES, FILED]],
    ['two large streams', { streams: [LARGE, streamOf.type('orders')] }, { behind }, [ENTRIES, FILED]],
    ['a small window', { streams: [], ...windowed(9_000, 9_300) }, {}, [ENTRIES, OCCURRED]],
    [
      'a small window and a stream',
      { streams: [LARGE], ...windowed(9_000, 9_300) },
      {},
      [ENTRIES, FILED, OCCURRED],
    ],
    ['a large window', { streams: [], ...windowed(10_000, 90_000) }, {}, [ENTRIES, OCCURRED]],
    [
      'a large window and a stream',
      { streams: [MIDDLE], ...windowed(10_000, 90_000) },
      {},
      [ENTRIES, FILED, OCCURRED],
    ],
    ['the log by time', { streams: [] }, { by: 'occurredAt' }, [ENTRIES, OCCURRED]],
    ['the log by time, a page', { streams: [] }, { by: 'occurredAt', behind }, [ENTRIES, OCCURRED]],
    ['a resource by time', { streams: [SMALL] }, { by: 'occurredAt' }, [ENTRIES, FILED]],
    [
      'a large stream by time',
      { streams: [LARGE] },
      { by: 'occurredAt', behind },
      [ENTRIES, FILED, OCCURRED],
    ],
  ];

  it.each(selections)('reads %s', async (_, selection, given, indexes) => {
    const range: Range = { by: 'position', order: 'desc', limit: 20, ...given };
    const rows = await explained(() =>
      new Selector(explaining).select(LOG, selection, range, { states: true }),
    );
    expect(rows.result.length).toBeGreaterThan(0);
    expectIndexes(rows.accesses, withStreams(indexes, selection));
    expectAtMost(12_000, rows.accesses);
  });

  const counts: [string, Selection, string[]][] = [
    ['the log', { streams: [] }, []],
    ['a stream', { streams: [LARGE] }, []],
    ['two streams', { streams: [LARGE, MIDDLE] }, [FILED]],
    ['a small window', { streams: [], ...windowed(9_000, 9_300) }, [OCCURRED]],
    ['a large window', { streams: [], ...windowed(10_000, 90_000) }, [OCCURRED]],
    [
      'a large window and a stream',
      { streams: [MIDDLE], ...windowed(10_000, 90_000) },
      [ENTRIES, FILED, OCCURRED],
    ],
  ];

  it.each(counts)('counts %s', async (_, selection, indexes) => {
    const { accesses } = await explained(() => new Selector(explaining).count(LOG, selection));
    expectIndexes(accesses, withStreams(indexes, selection));
  });

  const reads: [string, (reads: Reads) => Promise<unknown>, string[]][] = [
    ['the tip', (from) => from.tip(LOG), ['nodes_pkey', ENTRIES]],
    ['the tip and a node', (from) => from.tipAndNode(LOG, { level: 1, index: 7 }), ['nodes_pkey', ENTRIES]],
    [
      'the tip and a leaf',
      (from) => from.tipAndNode(LOG, { level: 0, index: 70_000 }),
      ['nodes_pkey', ENTRIES],
    ],
    [
      'latest states',
      (from) => from.latest(LOG, [resource, { type: 'x', id: 'y' }]),
      ['resources_pkey', ENTRIES],
    ],
    ['entries by id', (from) => from.find(LOG, [uuidAt(70_000)]), ['entries_log_id_year_idx', ENTRIES]],
    ['an answer', (from) => from.answer(LOG, 'key 7000'), ['answers_pkey']],
    [
      'a state as of an instant',
      (from) => from.asOf(LOG, resource, instant(80_000), Number.MAX_SAFE_INTEGER),
      ['streams_pkey', 'entries_log_stream_occurred_at_position_idx', ENTRIES],
    ],
    [
      'a page of resources',
      (from) => from.resources(LOG, undefined, resource, 20),
      ['resources_pkey', ENTRIES],
    ],
    ['a resource', (from) => from.resource(LOG, resource), ['resources_pkey', ENTRIES]],
    ['types', (from) => from.types(LOG), ['streams_pkey', FILED]],
    [
      'nodes',
      (from) =>
        from.nodes(LOG, [
          { level: 0, index: 7 },
          { level: 1, index: 7 },
        ]),
      ['nodes_pkey', ENTRIES],
    ],
    ['a secret', (from) => from.secret('secret 7000'), ['secrets_pkey']],
    // A list that is read whole, and is short.
    ['organizations', (from) => from.organizations(), []],
  ];

  it.each(reads)('reads %s', async (_, read, indexes) => {
    const { accesses } = await explained(() => read(new Reads(explaining)));
    expectIndexes(accesses, indexes);
    expectAtMost(100, accesses);
  });

  const filed = (position: number): Filed => ({
    id: uuidAt(position),
    position,
    occurredAt: instant(position),
    isAccess: false,
    streams: [SMALL, LARGE],
  });

  /** But for `kept`, `secrets` and the list of logs, which look at everything of their kind. */
  const audits: [string, (audit: Audit) => Promise<unknown>, string[]][] = [
    [
      'how entries are filed',
      (audit) => audit.filings(LOG, [filed(70_077), filed(72_077)]),
      ['streams_pkey', 'filed_pkey', 'marks_position', ENTRIES, 'entries_log_id_year_idx'],
    ],
    [
      'streams',
      (audit) => audit.streams(LOG, streamOf.resource({ type: 'orders', id: '990' }), 3),
      ['streams_pkey', FILED],
    ],
    ['answers', (audit) => audit.answers(LOG, 'key 6000', 50), ['answers_pkey']],
    ['the tip', (audit) => audit.tip(LOG), ['nodes_pkey', ENTRIES]],
    [
      'a page',
      (audit) => audit.select(LOG, { streams: [] }, { by: 'position', order: 'asc', limit: 50 }),
      [ENTRIES],
    ],
  ];

  it.each(audits)('reads for an audit: %s', async (_, read, indexes) => {
    const statements = await statementsOf(database.url, read);
    const { accesses } = await explained(async () => {
      for (const { text, values } of statements) await explaining.read(text, values as Value[]);
    });
    expectIndexes(accesses, indexes);
    expectAtMost(500, accesses);
  });

  async function explained<Result>(
    run: () => Promise<Result>,
  ): Promise<{ result: Result; accesses: Access[] }> {
    explaining.accesses = [];
    const result = await run();
    return { result, accesses: explaining.accesses };
  }

  /** Rows read from each index. A table without statistics, which it is for a minute at most, may be sorted instead. */
  function expectAtMost(rows: number, accesses: readonly Access[]): void {
    if (statistics !== 'missing') expect(accesses.filter((access) => access.rows > rows)).toEqual([]);
  }

  /** These indexes and no others, but for tables of few rows, which may be read whole. */
  function expectIndexes(accesses: readonly Access[], indexes: readonly string[]): void {
    const whole = accesses.filter(({ node, rows }) => node === 'Seq Scan' && rows > FEW_ROWS);
    expect(whole).toEqual([]);
    const used = accesses.flatMap(({ index }) => (index === undefined || isSmall(index) ? [] : [index]));
    expect([...new Set(used)].sort()).toEqual([...indexes].sort());
  }
});

/** Rows of tables that have few; of `spans` there is one for each 1,024 entries. */
const FEW_ROWS = 200;
const isSmall = (index: string): boolean => /^(logs|spans)_/.test(index);

/** Where there are streams, their sizes are looked up. */
function withStreams(indexes: readonly string[], { streams }: Selection): string[] {
  return streams.length === 0 ? [...indexes] : [...indexes, 'streams_pkey'];
}

/** What an audit asks on its own connection. */
async function statementsOf(url: string, read: (audit: Audit) => Promise<unknown>): Promise<Statement[]> {
  const audit = await openPostgresAudit(url);
  const recording = recordStatements();
  try {
    await read(audit);
    return recording.transactions().flat();
  } finally {
    recording.stop();
    await audit.close();
  }
}

function uuidAt(position: number): string {
  return `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`;
}

async function withoutAutovacuum(url: string): Promise<void> {
  await sql(
    url,
    `DO $$ DECLARE part regclass; BEGIN
      FOR part IN SELECT oid FROM pg_class WHERE relnamespace = 'annals'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', part);
      END LOOP;
    END $$`,
  );
}

/**
 * Entries at positions `from` to `to`, a second apart: two types, 2,000 resources, three actors of whom
 * bob has one entry in ten and eve one in a hundred.
 */
async function fill(url: string, log: string, from: number, to: number): Promise<void> {
  await sql(
    url,
    `INSERT INTO annals.entries (log, position, id, recorded_at, occurred_at, version, stream, year, sections, changed,
        action, continuity, resource_type, resource_id, actor, salts, digests, leaf_hash, after)
      SELECT '${log}', p, ('00000000-0000-4000-8000-' || lpad(p::text, 12, '0'))::uuid, at, at, p / 2000 + 1,
        100 + p % 2000, 2026, 35, true, 'update', 'continuous', CASE p % 2 WHEN 0 THEN 'orders' ELSE 'countries' END,
        (p % 2000)::text, '{"type":"user","id":"ada"}', '', '', sha256(p::text::bytea),
        jsonb_build_object('number', p, 'text', repeat('x', 200))
      FROM (SELECT p, timestamptz '2026-01-01T00:00:00Z' + p * interval '1 second' AS at
        FROM generate_series(${from}, ${to} - 1) p) x;
    CREATE TEMPORARY TABLE filing AS
      SELECT p, stream, name FROM generate_series(${from}, ${to} - 1) p CROSS JOIN LATERAL (VALUES
        (100 + p % 2000, format('resource:%s/%s', CASE p % 2 WHEN 0 THEN 'orders' ELSE 'countries' END, p % 2000)),
        (1 + p % 2, CASE p % 2 WHEN 0 THEN 'type:orders' ELSE 'type:countries' END),
        (CASE WHEN p % 100 = 0 THEN 5 WHEN p % 10 = 0 THEN 4 ELSE 3 END,
          CASE WHEN p % 100 = 0 THEN 'actor:eve' WHEN p % 10 = 0 THEN 'actor:bob' ELSE 'actor:ada' END),
        (6, 'action:update')) x (stream, name);
    INSERT INTO annals.filed SELECT '${log}', stream, 2026, p FROM filing ORDER BY p;
    INSERT INTO annals.streams SELECT '${log}', name, stream, count(*) FROM filing GROUP BY name, stream
      ON CONFLICT (log, name) DO UPDATE SET size = streams.size + excluded.size;
    INSERT INTO annals.marks SELECT '${log}', stream, number, p, 2026 FROM (
        SELECT stream, row_number() OVER (PARTITION BY stream ORDER BY position) AS number, position AS p
        FROM annals.filed WHERE log = '${log}') x
      WHERE number % 64 = 0 ON CONFLICT DO NOTHING;
    INSERT INTO annals.spans SELECT '${log}', position / 1024, 2026, min(occurred_at), max(occurred_at)
      FROM annals.entries WHERE log = '${log}' GROUP BY 2 ON CONFLICT DO NOTHING;
    INSERT INTO annals.nodes SELECT '${log}', level, node, sha256(node::text::bytea)
      FROM generate_series(1, 20) level, generate_series(0, (${to} >> level) - 1) node ON CONFLICT DO NOTHING;
    INSERT INTO annals.resources SELECT '${log}', resource_type, resource_id, NULL, max(version), max(version),
        max(position), true FROM annals.entries WHERE log = '${log}' GROUP BY resource_type, resource_id
      ON CONFLICT (log, type, id) DO UPDATE SET version = excluded.version, state_position = excluded.state_position;
    INSERT INTO annals.answers SELECT '${log}', 'key ' || p, 'f', '[]', now() FROM generate_series(${from}, ${to} - 1, 10) p;
    INSERT INTO annals.secrets SELECT '${INSTALLATION}', 'secret ' || p, 'value', now()
      FROM generate_series(${from}, ${to} - 1, 10) p ON CONFLICT DO NOTHING;
    INSERT INTO annals.organizations VALUES ('${log}', '${log}', 'one', now()) ON CONFLICT DO NOTHING;
    INSERT INTO annals.logs VALUES ('${log}', ${to}, 3000, now()) ON CONFLICT (log) DO UPDATE SET size = ${to};
    DROP TABLE filing`,
  );
}
