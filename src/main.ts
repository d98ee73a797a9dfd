// Starts and stops the server. Reads the configuration, owns the clock, opens the store.

import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { pino } from 'pino';
import { type Config, ConfigError, rootTokenFile, sqlitePath } from './config.ts';
import type { TlsMaterial } from './http/listener.ts';
import type { Server } from './server.ts';
import { openMemoryStore } from './store/memory/memory-store.ts';
import { openSqliteStore } from './store/sqlite/sqlite-store.ts';
import type { Store } from './store/store.ts';

export interface Running {
  /** Where it listens, such as `http://127.0.0.1:8700`. */
  url: string;
  rootToken: RootToken;
  server: Server;
  /** Finishes what is in flight, refuses new work, closes the store. */
  stop(): Promise<void>;
}

export interface RootToken {
  token: string;
  /** Where it is kept; undefined where it was given by the configuration, or the store is in memory. */
  file: string | undefined;
  /** Made by this start? Then it is shown, once. */
  isNew: boolean;
}

/** @throws ConfigError; the store's own error where the database cannot be opened */
export async function start(config: Config): Promise<Running> {
  const logger = pino({ level: config.logLevel }, pino.destination({ fd: 2, sync: false }));
  // A database opens in threads of its own, or far away: the rest of the program is loaded meanwhile.
  const [store, { makeServer }] = await Promise.all([openStore(config.databaseUrl), import('./server.ts')]);
  boundMemory();
  try {
    const rootToken = findRootToken(config);
    const server = await makeServer({
      store,
      rootToken: rootToken.token,
      tls: config.tls && readTls(config.tls),
      zitadelMaxChanges: config.zitadelMaxChanges,
      logger,
      now: () => Date.now() * 1000,
      nowMs: () => performance.now(),
      uuid: randomUUIDv7,
    });
    await server.app.listen({ host: config.host, port: config.port });
    const url = originOf(server.app.listeningOrigin, config);
    return {
      url,
      rootToken,
      server,
      async stop() {
        await server.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function originOf(origin: string, { tls }: Config): string {
  return tls === undefined ? origin : origin.replace(/^http:/, 'https:');
}

/** @throws ConfigError where the files cannot be read, or are no certificate and its key */
function readTls({ certFile, keyFile }: NonNullable<Config['tls']>): TlsMaterial {
  try {
    const material = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    createSecureContext(material);
    return material;
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError(
      `ANNALS_TLS_CERT and ANNALS_TLS_KEY must name a certificate and its key, PEM: ${message}`,
    );
  }
}

/**
 * V8 gathers garbage for as long as the machine has memory: half a gigabyte while changes stream in, of
 * which a tenth is alive. So the heap grows by as much as is alive, and the young generation stays as
 * loading the server has left it. To be called behind that: before, it has a quarter of the size, and is gathered four times as often.
 */
function boundMemory(): void {
  setFlagsFromString('--heap-growing-percent=100');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Opens the store that a database URL names. */
export async function openStore(databaseUrl: string): Promise<Store> {
  if (databaseUrl.startsWith('memory:')) return openMemoryStore();
  if (databaseUrl.startsWith('sqlite:')) return openSqliteStore(sqlitePath(databaseUrl));
  // Loaded here, because a server on SQLite starts faster without it.
  const { openPostgresStore } = await import('./store/postgres/postgres-store.ts');
  return openPostgresStore(databaseUrl);
}

const ROOT_TOKEN_BYTES = 32;

function findRootToken({ rootToken, databaseUrl }: Config): RootToken {
  if (rootToken !== undefined) return { token: rootToken, file: undefined, isNew: false };
  const file = rootTokenFile(databaseUrl);
  if (file !== undefined && existsSync(file)) {
    return { token: readFileSync(file, 'utf8').trim(), file, isNew: false };
  }
  const token = `annals_root_${randomBytes(ROOT_TOKEN_BYTES).toString('base64url')}`;
  if (file === undefined) return { token, file, isNew: true };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(file, 0o600);
  return { token, file, isNew: true };
}
