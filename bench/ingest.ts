// NDJSON ingest over HTTP against a bare loop that inserts the same rows; and the bytes on disk.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Connection, migrate } from '../src/store/sqlite/database.ts';
import { LOG_STRIDE } from '../src/store/sqlite/rows.ts';
import type { Answer } from './question.ts';
import { makeFolder, startAnnals } from './servers.ts';
import { repeatedLines, streamInto } from './stream.ts';

const CHANGES = Number(process.env.N ?? 300_000);
const TRANSACTION = 500;
/** Transactions whose rows are read ahead, outside the measured time. */
const READ_AHEAD = 20;

export async function ingest(): Promise<Answer[]> {
  const folder = makeFolder();
  const annals = await startAnnals(folder);
  const lines = [...repeatedLines(CHANGES)];
  const { seconds, bytes, answers } = await streamInto(annals.url, lines);
  if (answers !== CHANGES) throw new Error(`${answers} answers to ${CHANGES} lines`);
  await annals.end();
  const stored = statSync(annals.database).size;
  const bare = bareLoop(annals.database, join(folder, 'bare.db'));
  return [
    {
      question: `NDJSON ingest of ${CHANGES} changes over HTTP / a bare loop that inserts the same rows`,
      figure: bare / seconds,
      reach: { atLeast: 0.5 },
      unit: '',
      beside: `${(CHANGES / seconds).toFixed(0)}/s, bare ${(CHANGES / bare).toFixed(0)}/s`,
    },
    {
      question: 'bytes on disk for a change / the bytes of its line',
      figure: stored / bytes,
      reach: { atMost: 1.5 },
      unit: '',
      beside: `${(stored / CHANGES).toFixed(0)} B, line ${(bytes / CHANGES).toFixed(0)} B`,
    },
  ];
}

type Row = Record<string, null | number | string | Uint8Array>;

/** Tables with rows for each change, and how the rows of positions `from` to below `to` are found. */
const TABLES: Record<string, string> = {
  entries: 'entry >= :first AND entry < :last',
  states: 'entry >= :first AND entry < :last',
  filed: 'position >= :from AND position < :to',
  timeline: 'position >= :from AND position < :to',
};

/** Inserts all rows of a database into a new one, as fast as one thread can; seconds of the inserts alone. */
function bareLoop(source: string, target: string): number {
  const from = new DatabaseSync(source, { readOnly: true });
  // The rows of one transaction are found by position; the tables themselves are ordered otherwise.
  from.exec('PRAGMA temp_store = FILE; PRAGMA cache_size = -400000');
  from.exec(
    'CREATE TEMP TABLE ordered_filed AS SELECT * FROM filed ORDER BY position; CREATE INDEX temp.f ON ordered_filed (position)',
  );
  from.exec(
    'CREATE TEMP TABLE ordered_timeline AS SELECT * FROM timeline ORDER BY position; CREATE INDEX temp.t ON ordered_timeline (position)',
  );
  const to = new Connection(target);
  migrate(to.db);
  let seconds = 0;
  for (const table of ['logs', 'organizations', 'streams', 'resources', 'spans']) {
    seconds += insert(to, [rowsOf(table, from.prepare(`SELECT * FROM ${table}`).all() as Row[])]);
  }
  const nodes = rowsOf('nodes', from.prepare('SELECT * FROM nodes').all() as Row[]);
  const { log } = from.prepare('SELECT log FROM logs').get() as { log: number };
  const perTransaction = Math.ceil(nodes.rows.length / (CHANGES / TRANSACTION));
  for (let start = 0; start < CHANGES; start += TRANSACTION * READ_AHEAD) {
    const transactions = Array.from({ length: READ_AHEAD }, (_, index) => {
      const position = start + index * TRANSACTION;
      const bounds = {
        from: position,
        to: position + TRANSACTION,
        first: log * LOG_STRIDE + position,
        last: log * LOG_STRIDE + position + TRANSACTION,
      };
      const read = (table: string, source: string): TableRows => {
        const where = TABLES[table] as string;
        const names = [...where.matchAll(/:(\w+)/g)].map(([, name]) => name as keyof typeof bounds);
        const values = Object.fromEntries(names.map((name) => [name, bounds[name]]));
        return rowsOf(table, from.prepare(`SELECT * FROM ${source} WHERE ${where}`).all(values) as Row[]);
      };
      return [
        read('entries', 'entries'),
        read('states', 'states'),
        read('filed', 'ordered_filed'),
        read('timeline', 'ordered_timeline'),
        { ...nodes, rows: nodes.rows.splice(0, perTransaction) },
      ];
    });
    for (const tables of transactions) seconds += insert(to, tables);
  }
  const count = to.db.prepare('SELECT count(*) AS n FROM filed').get()?.n;
  if (count !== from.prepare('SELECT count(*) AS n FROM filed').get()?.n)
    throw new Error('rows were left out');
  from.close();
  to.close();
  return seconds;
}

interface TableRows {
  table: string;
  rows: Row[string][][];
}

function rowsOf(table: string, rows: Row[]): TableRows {
  return { table, rows: rows.map((row) => Object.values(row)) };
}

function insert(to: Connection, tables: TableRows[]): number {
  const started = performance.now();
  to.prepare('BEGIN IMMEDIATE').run();
  for (const { table, rows } of tables) {
    const width = rows[0]?.length ?? 0;
    if (width === 0) continue;
    const statement = to.prepare(`INSERT INTO ${table} VALUES (${Array(width).fill('?').join(',')})`);
    for (const row of rows) statement.run(...row);
  }
  to.prepare('COMMIT').run();
  return (performance.now() - started) / 1000;
}
