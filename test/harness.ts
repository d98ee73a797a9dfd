// A started server for tests: in this process, on a free port, on the store that is asked for.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../src/config.ts';
import type { Annals } from '../src/dialects/dialect.ts';
import { start } from '../src/main.ts';
import { createDatabase } from './postgres.ts';

export interface TestServer {
  url: string;
  /** The root token. */
  token: string;
  annals: Annals;
  /** A request with the root token; a body that is no string is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON. */
  json: unknown;
}

export const ROOT_TOKEN = 'root-token-of-the-tests';

/**
 * @param databaseUrl by default a database of its own, removed when the server stops: a file, or one on
 *   PostgreSQL where ANNALS_TEST_STORE says so
 */
export async function startServer(databaseUrl?: string): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'annals-test-'));
  const isOnPostgres = databaseUrl === undefined && process.env.ANNALS_TEST_STORE === 'postgres';
  const database = isOnPostgres ? await createDatabase() : undefined;
  const running = await start(
    readConfig({
      ANNALS_PORT: '0',
      ANNALS_ROOT_TOKEN: ROOT_TOKEN,
      ANNALS_LOG_LEVEL: 'silent',
      ANNALS_DATABASE_URL: databaseUrl ?? database?.url ?? `sqlite:${join(folder, 'annals.db')}`,
    }),
  );
  const { url } = running;
  return {
    url,
    token: ROOT_TOKEN,
    annals: running.server.annals,
    request: (method, path, body, headers) => request(url, method, path, body, headers),
    async stop() {
      await running.stop();
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function request(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isText = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${ROOT_TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: (isText ? body : JSON.stringify(body)) as string }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
