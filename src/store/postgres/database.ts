// Connections to PostgreSQL. No session state and, unless asked for, no named statements: a pooler in
// transaction mode may stand between. What reads is planned each time, which knows how large the tables are.

import pg from 'pg';
import type { LogId } from '../store.ts';
import { isDisconnected } from './errors.ts';
import type { PostgresOptions } from './url.ts';

/** A value that is sent: text, or PostgreSQL's binary form in a Buffer. */
export type Value = string | number | boolean | null | Buffer;

export interface Statement {
  text: string;
  values: Value[];
}

/** Whatever answers reads: the pool, or one connection with a snapshot. */
export interface Reading {
  read<Row extends object>(text: string, values?: Value[]): Promise<Row[]>;
}

/** How long a request waits for a free connection, or for a new one. */
const CONNECT_TIMEOUT_MS = 5_000;
/** How long a statement of a server may take. */
const QUERY_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 60_000;
/** The name of the statement that appends, which is the same text for all logs. */
const APPEND = 'annals_append';

const TEXT_ARRAY = 1009;
const UUID_ARRAY = 2951;
const textsOf = pg.types.getTypeParser(TEXT_ARRAY as number, 'text') as (text: string) => string[];

/** By type: numbers are read as numbers, bytes as bytes; all else, JSON too, as its text. */
const PARSERS: Record<number, (text: string) => unknown> = {
  [pg.types.builtins.BOOL]: (text) => text === 't',
  [pg.types.builtins.BYTEA]: (text) => Buffer.from(text.slice(2), 'hex'),
  [pg.types.builtins.INT8]: Number,
  [pg.types.builtins.INT2]: Number,
  [pg.types.builtins.INT4]: Number,
  [TEXT_ARRAY]: textsOf,
  [UUID_ARRAY]: textsOf,
};
const TYPES = {
  getTypeParser: (oid: number) => PARSERS[oid] ?? ((text: string) => text),
} as unknown as pg.CustomTypesConfig;

export function connectionConfig(connectionString: string): pg.ClientConfig {
  return {
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: TYPES,
  };
}

/** The appends of one log that are under way, on the connection that is theirs as long as there are any. */
interface Lane {
  client: Promise<pg.PoolClient>;
  calls: number;
  error: Error | undefined;
}

export class Database implements Reading {
  readonly #pool: pg.Pool;
  readonly #prepares: boolean;
  readonly #lanes = new Map<LogId, Lane>();

  /** @param queryTimeoutMs how long a statement may take before its connection is given up; 0: as long as it takes */
  constructor(
    { connectionString, poolSize, prepares }: PostgresOptions,
    queryTimeoutMs: number = QUERY_TIMEOUT_MS,
  ) {
    this.#prepares = prepares;
    this.#pool = new pg.Pool({
      ...connectionConfig(connectionString),
      query_timeout: queryTimeoutMs,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      max: poolSize,
      pipeline: true,
    });
    // A connection that ends while it is idle is replaced when the next one is needed.
    this.#pool.on('error', () => undefined);
  }

  /** Rows of a statement that changes nothing: where its connection ends under way, it is sent once more. */
  async read<Row extends object>(text: string, values: Value[] = []): Promise<Row[]> {
    try {
      return (await this.#pool.query<Row>(text, values)).rows;
    } catch (error) {
      if (!isDisconnected(error)) throw error;
      return (await this.#pool.query<Row>(text, values)).rows;
    }
  }

  /** Rows of a statement that changes something; whether it did is not known where this fails. */
  async write<Row extends object>(text: string, values: Value[] = []): Promise<Row[]> {
    return (await this.#pool.query<Row>(text, values)).rows;
  }

  /**
   * The same for the appends of one log, which reach the database in the order of these calls: they
   * go down one connection, the next behind the last without waiting for its answer.
   */
  async writeInOrder<Row extends object>(log: LogId, statement: Statement): Promise<Row[]> {
    const lane = this.#lanes.get(log) ?? { client: this.#connect(), calls: 0, error: undefined };
    this.#lanes.set(log, lane);
    lane.calls += 1;
    try {
      const client = await lane.client;
      return (await client.query<Row>(this.named(statement))).rows;
    } catch (error) {
      lane.error = error as Error;
      throw error;
    } finally {
      lane.calls -= 1;
      if (lane.calls === 0) {
        this.#lanes.delete(log);
        const { error } = lane;
        lane.client.then(
          (client) => client.release(error),
          () => undefined,
        );
      }
    }
  }

  /** One transaction on one connection. */
  async transaction<Result>(work: (client: pg.ClientBase) => Promise<Result>): Promise<Result> {
    return this.connected(async (client) => {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    });
  }

  /** A connection for `work` alone; it is closed where that fails, which rolls back what it began. */
  async connected<Result>(work: (client: pg.ClientBase) => Promise<Result>): Promise<Result> {
    const client = await this.#connect();
    let failure: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      client.release(failure);
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #connect(): Promise<pg.PoolClient> {
    const client = await this.#pool.connect();
    if (client.listenerCount('error') === 0) client.on('error', () => undefined);
    return client;
  }

  /** An append, under a name where names are wanted: each connection then parses it once. */
  named({ text, values }: Statement): pg.QueryConfig {
    return this.#prepares ? { name: APPEND, text, values } : { text, values };
  }
}
