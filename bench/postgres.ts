// PostgreSQL: ingest against COPY, one large database against a small one, several servers on one.

import { Database } from '../src/store/postgres/database.ts';
import { migrate } from '../src/store/postgres/migrate.ts';
import { readPostgresUrl } from '../src/store/postgres/url.ts';
import { startChild } from '../test/child.ts';
import { type PostgresServer, startPostgres } from '../test/postgres-server.ts';
import { createDatabase, run } from './postgres-database.ts';
import { readsAtScale } from './postgres-scale.ts';
import { manyServers } from './postgres-servers.ts';
import type { Answer } from './question.ts';
import { chunksOf, repeatedLines, streamInto } from './stream.ts';

const CHANGES = Number(process.env.N ?? 100_000);

/** As an operator would set it on a small machine; every commit is durable. */
const SETTINGS = {
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  max_connections: '200',
};

export async function postgres(): Promise<Answer[]> {
  const server = await startPostgres(SETTINGS);
  try {
    return [
      ...(await ingestAgainstCopy(server)),
      ...(await readsAtScale(server)),
      ...(await manyServers(server)),
    ];
  } finally {
    await server.remove();
  }
}

async function ingestAgainstCopy(server: PostgresServer): Promise<Answer[]> {
  const source = await createDatabase(server, 'ingest');
  const annals = await startChild({ ANNALS_DATABASE_URL: source });
  const chunks = [...chunksOf(repeatedLines(CHANGES))];
  const { seconds, answers } = await streamInto(annals.url, chunks);
  if (answers !== CHANGES) throw new Error(`${answers} answers to ${CHANGES} lines`);
  await annals.end('SIGTERM');
  const target = await createDatabase(server, 'copied');
  const copy = await copySeconds(source, target);
  return [
    {
      question: `PostgreSQL: NDJSON ingest of ${CHANGES} changes over HTTP / COPY of the same rows`,
      figure: copy / seconds,
      reach: { atLeast: 0.4 },
      unit: '',
      beside: `${(CHANGES / seconds).toFixed(0)}/s, COPY ${(CHANGES / copy).toFixed(0)}/s`,
    },
  ];
}

const TABLES = ['logs', 'streams', 'entries', 'filed', 'marks', 'spans', 'resources', 'nodes'];

/** Copies all rows into the same tables with the same indexes, from files that PostgreSQL reads itself. */
async function copySeconds(source: string, target: string): Promise<number> {
  const [row] = await run<{ data_directory: string }>(source, 'SHOW data_directory');
  const file = (table: string): string => `${row?.data_directory}/bench-${table}`;
  for (const table of TABLES)
    await run(source, `COPY (SELECT * FROM annals.${table}) TO '${file(table)}' (FORMAT binary)`);
  const database = new Database(readPostgresUrl(target));
  await migrate(database);
  await database.close();
  await run(target, 'CHECKPOINT');
  const started = performance.now();
  for (const table of TABLES) await run(target, `COPY annals.${table} FROM '${file(table)}' (FORMAT binary)`);
  return (performance.now() - started) / 1000;
}
