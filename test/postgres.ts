// Databases for tests: each file makes its own, on the one PostgreSQL of the test run, or on the one
// that ANNALS_TEST_POSTGRES_URL names.

import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface TestDatabase {
  /** Such as `postgres://postgres@127.0.0.1:54321/annals_test_1a2b3c`. */
  url: string;
  /** Ends its connections, and drops it. */
  drop(): Promise<void>;
}

/** The server of the test run; a URL of a user who may create databases. */
export async function postgresUrl(): Promise<string> {
  const given = process.env.ANNALS_TEST_POSTGRES_URL;
  if (given !== undefined && given !== '') return given;
  // Not above: benchmarks use the test harness too, without Vitest.
  const { inject } = await import('vitest');
  const answer = await fetch(inject('postgres'));
  if (!answer.ok) throw new Error(await answer.text());
  return answer.text();
}

/** @param server the server to make it on; by default that of the test run */
export async function createDatabase(server?: string): Promise<TestDatabase> {
  const admin = server ?? (await postgresUrl());
  return made(admin, `TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`);
}

/** A copy of a database to which nobody is connected. */
export async function copyDatabase(url: string): Promise<TestDatabase> {
  return made(await postgresUrl(), `TEMPLATE ${new URL(url).pathname.slice(1)}`);
}

async function made(admin: string, options: string): Promise<TestDatabase> {
  const name = `annals_test_${randomBytes(6).toString('hex')}`;
  await sql(admin, `CREATE DATABASE ${name} ${options}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    async drop() {
      await sql(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Runs one statement, or several without values, on a connection of its own. */
export async function sql<Row extends object = Record<string, unknown>>(
  url: string,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
