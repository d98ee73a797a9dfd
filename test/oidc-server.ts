// A server whose clock the test moves, with what it takes to sign in by an identity provider.

import { pino } from 'pino';
import type { Claims } from '../src/auth/openid/claims.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { Author, Directory, Organization } from '../src/directory/directory.ts';
import { ALL_RIGHTS } from '../src/directory/rights.ts';
import { emailOf } from '../src/directory/rules/memberships.ts';
import { makeServer, type Server } from '../src/server.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import type { Store } from '../src/store/store.ts';

export const ROOT_TOKEN = 'root-token-of-the-tests';
export const ROOT: Author = { actor: { type: 'system', id: 'root' }, context: {}, rights: ALL_RIGHTS };
export const CLIENT_SECRET = 'a-secret-that-nobody-may-see';

export interface Answered {
  status: number;
  text: string;
  json: unknown;
}

export interface TimedServer {
  server: Server;
  directory: Directory;
  /** Time that passes for the server alone. */
  pass(ms: number): void;
  ask(token: string, method: string, url: string, body?: object): Promise<Answered>;
  stop(): Promise<void>;
}

/** @param store by default one of its own */
export async function startTimedServer(store: Store = openMemoryStore()): Promise<TimedServer> {
  let aheadMs = 0;
  const server = await makeServer({
    store,
    rootToken: ROOT_TOKEN,
    logger: pino({ level: 'silent' }),
    now: () => (Date.now() + aheadMs) * 1000,
    nowMs: () => performance.now() + aheadMs,
    uuid: () => crypto.randomUUID(),
  });
  return {
    server,
    directory: server.annals.directory,
    pass: (ms) => {
      aheadMs += ms;
    },
    async ask(token, method, url, body) {
      const answer = await server.app.inject({
        method: method as 'GET',
        url,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { payload: body }),
      });
      const isJson = answer.headers['content-type']?.toString().includes('json') === true;
      return {
        status: answer.statusCode,
        text: answer.body,
        json: isJson ? JSON.parse(answer.body) : undefined,
      };
    },
    stop: () => server.stop(),
  };
}

export async function organizationOf(directory: Directory, slug: string): Promise<Organization> {
  return (await directory.organization(slug)) ?? directory.createOrganization({ slug }, ROOT);
}

/** Has an organization trust an issuer for a client; answers the provider's id. */
export async function trust(
  directory: Directory,
  organization: Organization,
  issuer: string,
  more: JsonObject = {},
): Promise<string> {
  const attributes = {
    name: 'The provider',
    issuer,
    client_id: 'annals',
    client_secret: CLIENT_SECRET,
    domains: 'acme.example, acme.test',
    token_url: `${issuer}/token`,
    authorize_url: `${issuer}/auth`,
    jwks_url: `${issuer}/jwks`,
    ...more,
  };
  const { resource } = await directory.create(
    organization,
    'identity_providers',
    { attributes, relationships: {} },
    ROOT,
  );
  return resource.id;
}

/** Invites an address in a built-in role; answers the membership's id. */
export async function invite(
  directory: Directory,
  organization: Organization,
  email: Claims['email'],
  kind: 'admin' | 'read_only',
): Promise<string> {
  const view = await directory.view(organization);
  const role = view.list('roles').find(({ state }) => state.kind === kind)?.id as string;
  const input = {
    attributes: { user_email: emailOf(email) },
    relationships: { organization: organization.id, role },
  };
  return (await directory.create(organization, 'memberships', input, ROOT)).resource.id;
}
