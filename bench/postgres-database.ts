// Databases on the PostgreSQL that is measured.

import pg from 'pg';
import type { PostgresServer } from '../test/postgres-server.ts';

/** Makes an empty database; answers its URL. */
export async function createDatabase({ url }: PostgresServer, name: string): Promise<string> {
  await run(url, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.toString();
}

export async function run<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}
