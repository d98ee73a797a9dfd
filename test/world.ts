// A server of its own for tests of who may do what: in memory, with a clock that a test can move, faults that
// it can name, and every line of the logger at hand. And the people and applications of an organization,
// made through the Provisioning API.

import { randomUUIDv7 } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { Annals } from '../src/dialects/dialect.ts';
import { type Means, makeServer } from '../src/server.ts';
import { Faults } from '../src/store/memory/faults.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import { type Answer, ROOT_TOKEN } from './harness.ts';

export const JSON_API = 'application/vnd.api+json';

export interface World {
  url: string;
  app: FastifyInstance;
  annals: Annals;
  faults: Faults;
  /** Every line of the logger, at its most talkative. */
  lines: string[];
  /** Moves the server's clocks. */
  wait(seconds: number): void;
  /** A request with a token, or without; a body that is neither text nor bytes is sent as JSON, under /api as JSON:API. */
  ask(token: string | undefined, method: string, path: string, more?: More): Promise<Answer>;
  stop(): Promise<void>;
}

export interface More {
  body?: unknown;
  headers?: Record<string, string>;
}

export async function startWorld(means: Partial<Means> = {}): Promise<World> {
  const faults = new Faults();
  const store = means.store ?? openMemoryStore({ faults });
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  let aheadMs = 0;
  const { app, annals, stop } = await makeServer({
    store,
    rootToken: ROOT_TOKEN,
    logger: pino({ level: 'trace' }, stream),
    now: () => (Date.now() + aheadMs) * 1000,
    nowMs: () => performance.now() + aheadMs,
    uuid: randomUUIDv7,
    ...means,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    url,
    app,
    annals,
    faults,
    lines,
    wait(seconds) {
      aheadMs += seconds * 1000;
    },
    ask: (token, method, path, more) => ask(url, token, method, path, more),
    async stop() {
      await stop();
      await store.close();
    },
  };
}

export async function ask(
  url: string,
  token: string | undefined,
  method: string,
  path: string,
  { body, headers = {} }: More = {},
): Promise<Answer> {
  const type = path.startsWith('/api/') ? JSON_API : 'application/json';
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: (isRaw ? body : JSON.stringify(body)) as string }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** An organization's directory, written by the root token or by whom a test names. */
export class Home {
  readonly #world: World;
  readonly slug: string;
  readonly id: string;
  readonly token: string;

  constructor(world: World, { slug, id }: { slug: string; id: string }, token = ROOT_TOKEN) {
    this.#world = world;
    this.slug = slug;
    this.id = id;
    this.token = token;
  }

  static async of(world: World, slug: string): Promise<Home> {
    const known = await world.annals.directory.organization(slug);
    if (known !== undefined) return new Home(world, known);
    const { json } = await world.ask(ROOT_TOKEN, 'POST', '/v1/organizations', { body: { slug } });
    return new Home(world, json as { slug: string; id: string });
  }

  /** The same directory, written with another token. */
  by(token: string): Home {
    return new Home(this.#world, this, token);
  }

  request(method: string, path: string, more: More = {}): Promise<Answer> {
    const headers = { 'annals-organization': this.id, ...more.headers };
    return this.#world.ask(this.token, method, path, { ...more, headers });
  }

  /** @param to ids by the name of the relationship, which is that of the type but for its number */
  create(type: string, attributes: object, to: Record<string, string | string[]> = {}): Promise<Answer> {
    const named = NAMES_ORGANIZATION.has(type) ? { organization: this.id, ...to } : to;
    const data = { type, attributes, relationships: relationshipsTo(named) };
    return this.request('POST', `/api/${type}`, { body: { data } });
  }

  /** The same, where it must succeed: the id, and the secret where it has one. */
  async make(...args: Parameters<Home['create']>): Promise<{ id: string; secret: string }> {
    const { status, json, text } = await this.create(...args);
    if (status !== 201) throw new Error(`${args[0]}: ${status} ${text}`);
    const { id, attributes } = (json as { data: { id: string; attributes: { client_secret?: string } } })
      .data;
    return { id, secret: attributes.client_secret ?? '' };
  }

  update(
    type: string,
    id: string,
    attributes: object,
    to: Record<string, string | string[]> = {},
  ): Promise<Answer> {
    const data = { type, id, attributes, relationships: relationshipsTo(to) };
    return this.request('PATCH', `/api/${type}/${id}`, { body: { data } });
  }

  /** The id of a built-in role. */
  async builtIn(kind: 'admin' | 'read_only'): Promise<string> {
    const { json } = await this.request('GET', `/api/roles?filter[q][kind_eq]=${kind}`);
    return (json as { data: { id: string }[] }).data[0]?.id as string;
  }

  /** A custom role; rights such as `read changes` or `create, read roles`. */
  async role(name: string, ...rights: string[]): Promise<string> {
    const { id: role } = await this.make('roles', { name });
    for (const right of rights) {
      const [, verbs = '', subject = ''] = /^(.*) (\w+)$/.exec(right) ?? [];
      const flags = Object.fromEntries(VERBS.map((verb) => [`can_${verb}`, verbs.includes(verb)]));
      await this.make('permissions', { subject, ...flags }, { role });
    }
    return role;
  }

  /** An application in a role, or in none. */
  credential(name: string, role?: string): Promise<{ id: string; secret: string }> {
    return this.make('api_credentials', { name, kind: 'integration' }, role === undefined ? {} : { role });
  }

  /** A token of the native API: of scopes, or of a member. */
  async nativeToken(more: object): Promise<{ id: string; secret: string }> {
    const { json } = await this.request('POST', '/v1/tokens', { body: { name: 'a token', ...more } });
    return json as { id: string; secret: string };
  }

  /** A member with a personal access token, who has signed in. */
  async member(user_email: string, role: string): Promise<{ id: string; secret: string }> {
    const { id: membership } = await this.make('memberships', { user_email }, { role });
    const { secret } = await this.nativeToken({ membership });
    await this.#world.ask(secret, 'GET', '/v1/head');
    return { id: membership, secret };
  }

  /** An access token of a credential. */
  async accessToken({ id, secret }: { id: string; secret: string }, scope?: string): Promise<string> {
    const body = { grant_type: 'client_credentials', client_id: id, client_secret: secret, scope };
    const { json } = await this.#world.ask(undefined, 'POST', '/oauth/token', { body });
    return (json as { access_token: string }).access_token;
  }
}

export const VERBS = ['create', 'read', 'update', 'destroy'];

const NAMES_ORGANIZATION = new Set([
  'api_credentials',
  'application_memberships',
  'memberships',
  'membership_profiles',
  'roles',
]);

const TYPES: Record<string, string> = {
  organization: 'organizations',
  role: 'roles',
  membership: 'memberships',
  membership_profile: 'membership_profiles',
  api_credential: 'api_credentials',
};

export function relationshipsTo(to: Record<string, string | string[]>): object {
  return Object.fromEntries(
    Object.entries(to).map(([name, ids]) => {
      const type = TYPES[name] ?? name;
      const data = Array.isArray(ids) ? ids.map((id) => ({ type, id })) : { type, id: ids };
      return [name, { data }];
    }),
  );
}

export const PROVIDER = {
  name: 'a provider',
  client_id: 'annals',
  client_secret: 'the secret of a provider',
  issuer: 'https://id.example',
  domains: 'example.com',
  token_url: 'https://id.example/token',
  authorize_url: 'https://id.example/authorize',
  jwks_url: 'https://id.example/jwks',
};
