// NDJSON ingest over HTTP against a bare loop that inserts the same rows; and the bytes on disk.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Connection, migrate } from '../src/store/sqlite/database.ts';
import { LOG_STRIDE } from '../src/store/sqlite/rows.ts';
import type { Answer } from './question.ts';
import { makeFolder, startAnnals } from './servers.ts';
import { chunksOf, repeatedLines, streamInto } from './stream.ts';

const CHANGES = Number(process.env.N ?? 300_000);
/** So many are taken in, then the loop inserts the same, and so on: a machine whose speed drifts drifts for both. */
const PART = 30_000;
const TRANSACTION = 500;
/** Transactions whose rows are read ahead, outside the measured time. */
const READ_AHEAD = 20;

export async function ingest(): Promise<Answer[]> {
  const folder = makeFolder();
  const annals = await startAnnals(folder);
  const bare = new BareLoop(annals.database, join(folder, 'bare.db'));
  let [seconds, bytes, answers] = [0, 0, 0];
  for (let from = 0; from < CHANGES; from += PART) {
    const to = Math.min(from + PART, CHANGES);
    // In memory before the time begins, as the rows of the bare loop are.
    const chunks = [...chunksOf(repeatedLines(to, from))];
    const streamed = await streamInto(annals.url, chunks);
    seconds += streamed.seconds;
    bytes += streamed.bytes;
    answers += streamed.answers;
    bare.insert(from, to);
  }
  if (answers !== CHANGES) throw new Error(`${answers} answers to ${CHANGES} lines`);
  bare.end();
  await annals.end();
  const stored = statSync(annals.database).size;
  return [
    {
      question: `NDJSON ingest of ${CHANGES} changes over HTTP / a bare loop that inserts the same rows`,
      figure: bare.seconds / seconds,
      reach: { atLeast: 0.5 },
      unit: '',
      beside: `${(CHANGES / seconds).toFixed(0)}/s, bare ${(CHANGES / bare.seconds).toFixed(0)}/s`,
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

/** Inserts all rows of a database into a new one, as fast as one thread can. */
class BareLoop {
  /** Of the inserts alone. */
  seconds = 0;
  readonly #from: DatabaseSync;
  readonly #to: Connection;

  constructor(source: string, target: string) {
    this.#from = new DatabaseSync(source, { readOnly: true });
    this.#from.exec('PRAGMA temp_store = FILE; PRAGMA cache_size = -400000');
    this.#to = new Connection(target);
    migrate(this.#to.db);
  }

  /** The rows of these positions. */
  insert(from: number, to: number): void {
    const { log } = this.#from.prepare('SELECT log FROM logs').get() as { log: number };
    const bounds = { from, to, first: log * LOG_STRIDE + from, last: log * LOG_STRIDE + to };
    // The rows of one transaction are found by position; these tables are ordered otherwise.
    for (const table of ['filed', 'timeline']) {
      this.#from.exec(`DROP TABLE IF EXISTS temp.ordered_${table};
        CREATE TEMP TABLE ordered_${table} AS SELECT * FROM ${table}
          WHERE position >= ${from} AND position < ${to} ORDER BY position;
        CREATE INDEX temp.${table}_position ON ordered_${table} (position)`);
    }
    // A node is there once the last of the leaves below it is.
    const nodes = this.#rows(
      'nodes',
      'nodes',
      '((node + 1) << level) > :from AND ((node + 1) << level) <= :to',
      bounds,
    );
    const perTransaction = Math.ceil(nodes.rows.length / ((to - from) / TRANSACTION));
    for (let start = from; start < to; start += TRANSACTION * READ_AHEAD) {
      const transactions: TableRows[][] = [];
      for (let at = start; at < Math.min(to, start + TRANSACTION * READ_AHEAD); at += TRANSACTION) {
        const end = Math.min(to, at + TRANSACTION);
        const some = { from: at, to: end, first: log * LOG_STRIDE + at, last: log * LOG_STRIDE + end };
        transactions.push([
          ...Object.entries(TABLES).map(([table, where]) =>
            this.#rows(table, where.startsWith('position') ? `ordered_${table}` : table, where, some),
          ),
          { ...nodes, rows: nodes.rows.splice(0, perTransaction) },
        ]);
      }
      for (const tables of transactions) this.seconds += insert(this.#to, tables);
    }
  }

  /** The rows of which there are few, and none for each change. */
  end(): void {
    for (const table of ['logs', 'organizations', 'streams', 'resources', 'spans']) {
      this.seconds += insert(this.#to, [this.#rows(table, table, 'true', {})]);
    }
    for (const table of ['entries', 'states', 'filed', 'timeline', 'nodes', 'resources']) {
      const [wanted, got] = [this.#from, this.#to.db].map(
        (db) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n,
      );
      if (got !== wanted) throw new Error(`${table} has ${got} rows, not ${wanted}`);
    }
    this.#from.close();
    this.#to.close();
  }

  #rows(table: string, source: string, where: string, bounds: Record<string, number>): TableRows {
    const names = [...where.matchAll(/:(\w+)/g)].map(([, name]) => name as string);
    const values = Object.fromEntries(names.map((name) => [name, bounds[name] as number]));
    const rows = this.#from.prepare(`SELECT * FROM ${source} WHERE ${where}`).all(values) as Row[];
    return { table, rows: rows.map((row) => Object.values(row)) };
  }
}

interface TableRows {
  table: string;
  rows: Row[string][][];
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
