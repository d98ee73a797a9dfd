// The HTTP client of the commands: one server, one token, errors as one line with an exit code.

import { readFileSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { json as jsonOf } from 'node:stream/consumers';
import { readClientConfig, readConfig, rootTokenFile } from '../config.ts';
import { CliError, EXIT, reasonOf } from './exit.ts';
import { type Options, settingsOf } from './options.ts';
import { refusalError } from './refusal.ts';

export type Query = Record<string, string | number | undefined>;

export interface Client {
  /** The server, without a slash at its end. */
  readonly url: string;
  /** The organization that was chosen, by id or slug; undefined: the token's own. */
  readonly organization: string | undefined;
  /** @throws CliError */
  get<Answer>(path: string, query?: Query): Promise<Answer>;
  /** The answer to a write; undefined where it has no body. @throws CliError */
  send<Answer>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
  /** A request whose body the caller writes while it reads the answer. */
  open(method: 'POST', path: string, headers: Record<string, string>): ClientRequest;
}

/** @throws CliError, ConfigError where a setting cannot be used, or there is no token */
export function makeClient(options: Options): Client {
  const settings = settingsOf(options);
  const config = readClientConfig(settings);
  const server = serverOf(config.url);
  const url = server.href.replace(/\/$/, '');
  const token = config.token ?? localRootToken(server, rootTokenFile(readConfig(settings).databaseUrl));
  const headers = {
    authorization: `Bearer ${token}`,
    ...(config.organization === undefined ? {} : { 'annals-organization': config.organization }),
  };

  async function ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const type = mediaTypeOf(path);
    const response = await fetch(url + path, {
      method,
      headers: { ...headers, accept: type, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw unreachable(url, error.cause ?? error);
    });
    if (response.status === 202 || response.status === 204) return undefined as Answer;
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok || answer === undefined) throw refusalError(url, response.status, answer);
    return answer as Answer;
  }

  return {
    url,
    organization: config.organization,
    get: (path, query = {}) => ask('GET', path + queryText(query)),
    send: (method, path, body) => ask(method, path, body),
    open(method, path, more) {
      const request = server.protocol === 'https:' ? httpsRequest : httpRequest;
      return request(url + path, { method, headers: { ...headers, ...more } });
    },
  };
}

/** Where a resource is in the API; `rest` such as `/changes`. */
export function resourcePath({ type, id }: { type: string; id: string }, rest = ''): string {
  return `/v1/resources/${encodeURIComponent(type)}/${encodeURIComponent(id)}${rest}`;
}

/** The error of a streamed answer that is not 200. */
export async function refusalOf(url: string, response: IncomingMessage): Promise<CliError> {
  const body: unknown = await jsonOf(response).catch(() => undefined);
  return refusalError(url, response.statusCode ?? 0, body);
}

export function unreachable(url: string, cause: unknown): CliError {
  return new CliError(
    EXIT.unreachable,
    `there is no server at ${url}: ${reasonOf(cause)}; start one with "annals serve", or name it with --url`,
  );
}

/** The Provisioning API speaks JSON:API, and nothing else. */
function mediaTypeOf(path: string): string {
  return path.startsWith('/api/') ? 'application/vnd.api+json' : 'application/json';
}

function serverOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new CliError(EXIT.usage, `ANNALS_URL must be an http: or https: URL, got ${JSON.stringify(text)}`);
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** The root token that the server keeps in its data folder: for a server on this machine, and for no other. */
function localRootToken(server: URL, file: string | undefined): string {
  if (file !== undefined && LOOPBACK.test(server.hostname)) {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      // Said below: the token can be given in other ways.
    }
  }
  const kept = file === undefined ? '' : `, or run where the server of this machine keeps one (${file})`;
  throw new CliError(EXIT.refused, `a token is missing: give --token or ANNALS_TOKEN${kept}`);
}
