// The configuration. Nothing else reads the environment.

import { dirname, join } from 'node:path';

/** Where each setting comes from: an environment variable, or the flag of `annals serve` of the same name. */
export interface Config {
  host: string;
  port: number;
  databaseUrl: string;
  /** Undefined: made on the first start and kept in the data folder. */
  rootToken: string | undefined;
  logLevel: string;
  /** The files of a certificate and its key, PEM; undefined: cleartext. */
  tls: { certFile: string; keyFile: string } | undefined;
  /** The most entries of one answer in the Zitadel dialect; undefined: its own limit. */
  zitadelMaxChanges: number | undefined;
}

export interface ClientConfig {
  url: string;
  token: string | undefined;
  organization: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const SCHEMES = ['sqlite:', 'postgres:', 'postgresql:', 'memory:'];

/** A setting that cannot be used; the message names it and says what was got. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * @param settings names as in the environment, which they override
 * @throws ConfigError
 */
export function readConfig(settings: Environment = {}): Config {
  const environment = { ...process.env, ...settings };
  const databaseUrl = settingOf(environment, 'ANNALS_DATABASE_URL') ?? 'sqlite:./data/annals.db';
  if (!SCHEMES.some((scheme) => databaseUrl.startsWith(scheme))) {
    throw new ConfigError(
      `ANNALS_DATABASE_URL must start with ${SCHEMES.join(' or ')}, got "${shownUrl(databaseUrl)}"`,
    );
  }
  const logLevel = settingOf(environment, 'ANNALS_LOG_LEVEL') ?? 'info';
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new ConfigError(`ANNALS_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, got "${logLevel}"`);
  }
  return {
    host: settingOf(environment, 'ANNALS_HOST') ?? '127.0.0.1',
    port: portOf(settingOf(environment, 'ANNALS_PORT') ?? '8700'),
    databaseUrl,
    rootToken: rootTokenOf(settingOf(environment, 'ANNALS_ROOT_TOKEN')),
    logLevel,
    tls: tlsOf(environment),
    zitadelMaxChanges: mostOf(environment, 'ANNALS_ZITADEL_MAX_CHANGES'),
  };
}

/** Where the commands of the CLI find the server. */
export function readClientConfig(settings: Environment = {}): ClientConfig {
  const environment = { ...process.env, ...settings };
  const port = settingOf(environment, 'ANNALS_PORT') ?? '8700';
  return {
    url: settingOf(environment, 'ANNALS_URL') ?? `http://127.0.0.1:${portOf(port)}`,
    token: settingOf(environment, 'ANNALS_TOKEN') ?? settingOf(environment, 'ANNALS_ROOT_TOKEN'),
    organization: settingOf(environment, 'ANNALS_ORGANIZATION'),
  };
}

/** The file behind a `sqlite:` URL. */
export function sqlitePath(databaseUrl: string): string {
  return databaseUrl.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '') || './data/annals.db';
}

/**
 * A database URL as it may be shown: without user, password and parameters. A URL that is none, such as one whose
 * password has a slash, is cut by hand.
 */
export function shownUrl(databaseUrl: string): string {
  if (databaseUrl.startsWith('sqlite:')) return databaseUrl;
  const rest = databaseUrl.replace(/\/\/.*@/s, '//');
  try {
    const { protocol, host, pathname } = new URL(rest);
    return `${protocol}${host === '' ? '' : '//'}${host}${pathname}`;
  } catch {
    return rest.replace(/\?.*/s, '');
  }
}

/** The file in the data folder that keeps the root token; undefined where the store has no folder. */
export function rootTokenFile(databaseUrl: string): string | undefined {
  return databaseUrl.startsWith('sqlite:') ? join(dirname(sqlitePath(databaseUrl)), 'root-token') : undefined;
}

function settingOf(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new ConfigError(`ANNALS_PORT must be a port from 0 to 65535, got "${text}"`);
}

function tlsOf(environment: Environment): Config['tls'] {
  const certFile = settingOf(environment, 'ANNALS_TLS_CERT');
  const keyFile = settingOf(environment, 'ANNALS_TLS_KEY');
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile === undefined && keyFile === undefined) return undefined;
  const missing = certFile === undefined ? 'ANNALS_TLS_CERT' : 'ANNALS_TLS_KEY';
  throw new ConfigError(`ANNALS_TLS_CERT and ANNALS_TLS_KEY go together, and ${missing} is missing`);
}

const LARGEST_MOST = 10_000;

function mostOf(environment: Environment, name: string): number | undefined {
  const text = settingOf(environment, name);
  if (text === undefined) return undefined;
  const most = Number(text);
  if (/^\d+$/.test(text) && most >= 1 && most <= LARGEST_MOST) return most;
  throw new ConfigError(`${name} must be a whole number from 1 to ${LARGEST_MOST}, got "${text}"`);
}

const SHORTEST_ROOT_TOKEN = 16;

function rootTokenOf(token: string | undefined): string | undefined {
  if (token === undefined || (token.length >= SHORTEST_ROOT_TOKEN && /^\S+$/.test(token))) return token;
  throw new ConfigError(
    `ANNALS_ROOT_TOKEN must have at least ${SHORTEST_ROOT_TOKEN} characters and no white space, got ${token.length} characters`,
  );
}
