// A real OpenID provider on this machine, for tests: the package `oidc-provider`, and a user agent that
// walks through its authorization code flow with PKCE.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider';

/** What an account says of itself, by its id. */
export type Accounts = Record<string, { email: string; email_verified: boolean }>;

export interface Tokens {
  id_token: string;
  /** A JWT (RFC 9068), for the audience `annals`, with the claims of the account. */
  access_token: string;
}

export interface IdentityProvider {
  issuer: string;
  /** How often it was asked for anything, and for its keys. */
  requests: number;
  keyRequests: number;
  /** Signs an account in at a client. */
  signIn(account: string, client?: string): Promise<Tokens>;
  /** From now on there is another key, and the one before is gone. */
  rotateKeys(): Promise<void>;
  /** Nobody listens any more, until it is up again. */
  goDown(): Promise<void>;
  comeUp(): Promise<void>;
  stop(): Promise<void>;
}

export const CLIENTS = ['annals', 'annals-two', 'another-application'];
const REDIRECT_URI = 'https://app.example/callback';
const RESOURCE = 'https://annals.example';

export async function startIdentityProvider(accounts: Accounts): Promise<IdentityProvider> {
  const { server, port } = await listen(0);
  const issuer = `http://127.0.0.1:${port}`;
  let running: Server = server;
  let provider = await makeProvider(issuer, accounts);

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    self.requests += 1;
    if (request.url === '/jwks') self.keyRequests += 1;
    if (request.url?.startsWith('/interaction/') === true) {
      void signInAs(provider, request, response);
    } else void provider.callback()(request, response);
  };
  running.on('request', serve);

  async function goDown(): Promise<void> {
    running.closeAllConnections();
    running.close();
    await once(running, 'close');
  }

  const self: IdentityProvider = {
    issuer,
    requests: 0,
    keyRequests: 0,
    signIn: (account, client = 'annals') => walkThrough(issuer, account, client),
    async rotateKeys() {
      provider = await makeProvider(issuer, accounts);
    },
    goDown,
    async comeUp() {
      running = (await listen(port)).server;
      running.on('request', serve);
    },
    stop: goDown,
  };
  return self;
}

async function listen(port: number): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** What the provider keeps of one kind, by id: sessions, codes, grants. Nothing here lives long enough to end. */
class Kept implements Adapter {
  readonly #kept = new Map<string, AdapterPayload>();

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#kept.set(id, payload);
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#kept.get(id);
  }
  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return [...this.#kept.values()].find((payload) => payload.uid === uid);
  }
  async findByUserCode(): Promise<undefined> {}
  async consume(id: string): Promise<void> {
    const payload = this.#kept.get(id);
    if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id: string): Promise<void> {
    this.#kept.delete(id);
  }
  async revokeByGrantId(): Promise<void> {}
}

/** The same provider, with a key of its own. */
async function makeProvider(issuer: string, accounts: Accounts): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomBytes(8).toString('hex');
  const claimsOf = (id: string) => ({ sub: id, ...accounts[id] });
  return new Provider(issuer, {
    adapter: Kept,
    clients: CLIENTS.map((client_id) => ({
      client_id,
      client_secret: `secret-of-${client_id}`,
      redirect_uris: [REDIRECT_URI],
    })),
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    // As most providers do it: an ID token has what the scopes allow, not `userinfo` alone.
    conformIdTokenClaims: false,
    findAccount: (_context, accountId) => ({ accountId, claims: () => claimsOf(accountId) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId,
        accountId: oidc.session?.accountId,
      });
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    extraTokenClaims: (_context, token) => ('accountId' in token ? claimsOf(String(token.accountId)) : {}),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '',
          audience: 'annals',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['a key of the tests'] },
    ttl: { IdToken: 3600, AccessToken: 3600, Interaction: 600, Session: 600, Grant: 600 },
  });
}

/** Whoever the request names signs in: no password is asked for. */
async function signInAs(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params } = await provider.interactionDetails(request, response);
  const login = { accountId: String(params.login_hint) };
  await provider.interactionFinished(request, response, { login });
}

async function walkThrough(issuer: string, account: string, client: string): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: client,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid email',
    login_hint: account,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const code = await codeFrom(`${issuer}/auth?${query}`);
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client}:secret-of-${client}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Tokens;
}

/** Follows redirects, with cookies, until the application is reached. */
async function codeFrom(start: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  while (!url.href.startsWith(REDIRECT_URI)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`${url.pathname}: ${response.status} ${await response.text()}`);
    url = new URL(location, url);
  }
  const code = url.searchParams.get('code');
  if (code === null) throw new Error(`no code: ${url.search}`);
  return code;
}
