// Access tokens: bought with an API token's id and secret by the vendor's published client, and by plain
// requests; used in every dialect; ended early, or by time.

import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  authenticate,
  getProvisioningApiBaseEndpoint,
  jwtDecode,
  jwtIsUser,
  jwtVerify,
  makeIntegration,
  revoke,
} from '@commercelayer/js-auth';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, startServer, type TestServer } from './harness.ts';
import { newToken } from './tokens.ts';

interface Client {
  id: string;
  secret: string;
}
interface Issued {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope: string;
  created_at: number;
}

const FORM = 'application/x-www-form-urlencoded';
let server: TestServer;
let client: Client;

function newClient(scopes: ('read' | 'write')[] = ['read', 'write'], slug = 'default'): Promise<Client> {
  return newToken(server.annals.directory, scopes, slug);
}

/** A request without the root token. */
function post(path: string, body?: string | object, headers: Record<string, string> = {}): Promise<Answer> {
  return server.request('POST', path, body, { authorization: '', ...headers });
}

function basic({ id, secret }: Client): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

function grant({ id, secret }: Client): Record<string, string> {
  return { grant_type: 'client_credentials', client_id: id, client_secret: secret };
}

async function accessToken(of: Client, more: Record<string, string> = {}): Promise<string> {
  const { json } = await post('/oauth/token', { ...grant(of), ...more });
  return (json as Issued).access_token;
}

async function statusWith(
  token: string,
  method = 'GET',
  path = '/v1/head',
  body?: object,
  at = server,
): Promise<number> {
  return (await at.request(method, path, body, { authorization: `Bearer ${token}` })).status;
}

/** The vendor's clients have a fixed address; what they send there is turned to the server. */
function turnFetch(): void {
  const original = globalThis.fetch;
  vi.stubGlobal('fetch', (input: string | URL, init?: RequestInit) => {
    const url = new URL(input);
    return original(url.host.startsWith('auth.') ? `${server.url}${url.pathname}` : url, init);
  });
}

beforeAll(async () => {
  server = await startServer();
  client = await newClient();
});
afterAll(() => server.stop());

describe('the vendor’s client', () => {
  beforeAll(turnFetch);
  afterAll(() => {
    vi.unstubAllGlobals();
  });

  it('buys an access token that the Provisioning API takes', async () => {
    const { accessToken: token, ...bought } = await authenticate('client_credentials', {
      clientId: client.id,
      clientSecret: client.secret,
    });
    expect(bought).toMatchObject({
      tokenType: 'bearer',
      expiresIn: 7200,
      scope: 'provisioning-api read write',
    });
    expect(bought.expires.getTime()).toBeGreaterThan(Date.now());
    expect(await statusWith(token, 'GET', '/api/versions')).toBe(200);
  });

  it('reads in it who it is for', async () => {
    const { header, payload } = jwtDecode(await accessToken(client));
    expect(header).toMatchObject({ alg: 'RS512', typ: 'JWT' });
    expect(jwtIsUser(payload)).toBe(true);
    expect(payload).toMatchObject({
      application: { id: client.id, kind: 'user', public: false, client_id: client.id, confidential: true },
      user: { id: client.id },
      organization: { slug: 'default' },
      iss: server.url,
      test: false,
    });
    expect(payload.exp - payload.iat).toBe(7200);
    expect(payload.rand).toBeGreaterThanOrEqual(0);
    expect(payload.rand).toBeLessThan(1);
  });

  it('finds the Provisioning API by it, and checks its signature with the published key', async () => {
    const token = await accessToken(client);
    expect(getProvisioningApiBaseEndpoint(token)).toBe('https://provisioning.commercelayer.io');
    expect((await jwtVerify(token)).payload).toMatchObject({ scope: 'provisioning-api read write' });
    const foreign = `${token.slice(0, -6)}AAAAAA`;
    await expect(jwtVerify(foreign)).rejects.toThrow('Invalid signature');
  });

  it('is told why it is refused', async () => {
    const { errors } = await authenticate('client_credentials', {
      clientId: client.id,
      clientSecret: 'wrong',
    });
    expect(errors).toMatchObject([{ code: 'INVALID_CLIENT', status: 401, title: 'invalid client' }]);
  });

  it('revokes what it bought', async () => {
    const integration = makeIntegration(
      { clientId: client.id, clientSecret: client.secret },
      {
        storage: {
          getItem: async () => null,
          setItem: async () => undefined,
          removeItem: async () => undefined,
        },
      },
    );
    const { accessToken: token } = await integration.getAuthorization();
    expect(await statusWith(token)).toBe(200);
    expect(await revoke({ clientId: client.id, clientSecret: client.secret, token })).toEqual({});
    expect(await statusWith(token)).toBe(401);
  });
});

describe('POST /oauth/token', () => {
  it('takes credentials as JSON, as a form, with Basic, and in the query string', async () => {
    const form = new URLSearchParams(grant(client)).toString();
    const answers = [
      await post('/oauth/token', grant(client)),
      await post('/oauth/token', grant(client), { 'content-type': 'application/vnd.api+json' }),
      await post('/oauth/token', form, { 'content-type': FORM }),
      await post('/oauth/token', form, { 'content-type': `${FORM}; charset=utf-8` }),
      await post('/oauth/token', 'grant_type=client_credentials', {
        'content-type': FORM,
        authorization: basic(client),
      }),
      await post('/oauth/token?grant_type=client_credentials', undefined, { authorization: basic(client) }),
      await post('/oauth/token?grant_type=client_credentials', '', {
        'content-type': FORM,
        authorization: basic(client),
      }),
      await post(`/oauth/token?${form}`),
    ];
    for (const { status, json, headers } of answers) {
      expect(status).toBe(200);
      expect(json).toMatchObject({
        token_type: 'bearer',
        expires_in: 7200,
        scope: 'provisioning-api read write',
      });
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('pragma')).toBe('no-cache');
      expect(Object.keys(json as Issued)).toEqual([
        'access_token',
        'token_type',
        'expires_in',
        'scope',
        'created_at',
      ]);
      expect(await statusWith((json as Issued).access_token)).toBe(200);
    }
  });

  it('gives each access token an id of its own', async () => {
    const tokens = await Promise.all([1, 2, 3].map(() => accessToken(client)));
    expect(
      new Set(tokens.map((token) => (jwtDecode(token).payload as unknown as { jti: string }).jti)).size,
    ).toBe(3);
  });

  it('gives no more than the API token may do, and less where less was asked for', async () => {
    const reader = await newClient(['read']);
    const change = { resource: { type: 'notes', id: '1' }, action: 'create', after: { text: 'hello' } };
    const write = async (token: string): Promise<number> => statusWith(token, 'POST', '/v1/changes', change);
    expect(await write(await accessToken(reader))).toBe(403);
    expect(await write(await accessToken(client))).toBe(201);
    const narrow = await accessToken(client, { scope: 'provisioning-api read' });
    expect([await write(narrow), await statusWith(narrow)]).toEqual([403, 200]);
    expect(await write(await accessToken(client, { scope: 'market:all' }))).toBe(201);
    expect((await post('/oauth/token', { ...grant(reader), scope: 'write' })).json).toMatchObject({
      error: 'invalid_scope',
    });
  });

  const CASES: [
    why: string,
    status: number,
    error: string,
    body: string | object,
    headers?: Record<string, string>,
  ][] = [
    ['no grant type', 400, 'invalid_request', {}],
    ['another grant type', 400, 'unsupported_grant_type', { grant_type: 'password' }],
    ['no client', 401, 'invalid_client', { grant_type: 'client_credentials' }],
    ['an unknown client', 401, 'invalid_client', grant({ id: 'nobody', secret: 'nothing' })],
    [
      'a client without its secret',
      401,
      'invalid_client',
      { grant_type: 'client_credentials', client_id: 'nobody' },
    ],
    [
      'Basic without a colon',
      401,
      'invalid_client',
      { grant_type: 'client_credentials' },
      { authorization: 'Basic YWJj' },
    ],
    [
      'Basic that is no base64',
      401,
      'invalid_client',
      { grant_type: 'client_credentials' },
      { authorization: 'Basic %%%' },
    ],
    [
      'two ways at once',
      400,
      'invalid_request',
      grant({ id: 'a', secret: 'b' }),
      { authorization: 'Basic YTpi' },
    ],
    ['a member that is no string', 400, 'invalid_request', { grant_type: 1 }],
    ['an array', 400, 'invalid_request', []],
    ['malformed JSON', 400, 'invalid_request', '{'],
    ['text', 400, 'invalid_request', 'grant_type', { 'content-type': 'text/plain' }],
    ['a parameter twice', 400, 'invalid_request', 'grant_type=a&grant_type=b', { 'content-type': FORM }],
    [
      'invalid UTF-8',
      401,
      'invalid_client',
      'grant_type=client_credentials&client_id=%FF&client_secret=%00',
      { 'content-type': FORM },
    ],
    ['too large a body', 400, 'invalid_request', { grant_type: 'a'.repeat(70_000) }],
  ];

  it.each(CASES)('refuses %s', async (_why, status, error, body, headers) => {
    const answer = await post('/oauth/token', body, headers);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({
      error,
      error_description: expect.stringMatching(/./),
      errors: [{ status }],
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Basic realm="annals"' : null);
  });

  it('takes the secret of its own client alone', async () => {
    const other = await newClient();
    const { status, text } = await post('/oauth/token', grant({ id: client.id, secret: other.secret }));
    expect(status).toBe(401);
    expect(text).not.toContain(other.secret);
  });
});

describe('an access token', () => {
  it('reads its own organization, in every dialect', async () => {
    const theirs = await newClient(['read'], 'theirs');
    const token = await accessToken(theirs);
    expect(await statusWith(token, 'GET', '/v1/changes')).toBe(200);
    expect(await statusWith(token, 'GET', '/api/versions')).toBe(200);
    const { status } = await server.request('GET', '/v1/head', undefined, {
      authorization: `Bearer ${token}`,
      'annals-organization': 'default',
    });
    expect(status).toBe(403);
  });

  it('ends with its API token, on the next request', async () => {
    const mayfly = await newClient();
    const token = await accessToken(mayfly);
    expect(await statusWith(token)).toBe(200);
    expect((await server.request('DELETE', `/v1/tokens/${mayfly.id}`)).status).toBe(204);
    expect(await statusWith(token)).toBe(401);
    expect((await post('/oauth/token', grant(mayfly))).status).toBe(401);
  });

  it('is refused where a part of it is another', async () => {
    const [header, payload, signature] = (await accessToken(client)).split('.') as [string, string, string];
    const other = (await accessToken(await newClient())).split('.') as [string, string, string];
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const hmac = Buffer.from('{"alg":"HS512","typ":"JWT"}').toString('base64url');
    const forged = [
      `${header}.${other[1]}.${signature}`,
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${hmac}.${payload}.${signature}`,
      `${header}.${payload}.${other[2]}`,
      `${header}.${payload}`,
      'a.b.c',
    ];
    for (const token of forged) expect(await statusWith(token), token).toBe(401);
  });
});

describe('POST /oauth/revoke', () => {
  it('ends one access token, and leaves the others', async () => {
    const [first, second] = [await accessToken(client), await accessToken(client)];
    expect([await statusWith(first), await statusWith(second)]).toEqual([200, 200]);
    const { status, json } = await post(`/oauth/revoke?token=${first}`, undefined, {
      authorization: basic(client),
    });
    expect([status, json]).toEqual([200, {}]);
    expect([await statusWith(first), await statusWith(second)]).toEqual([401, 200]);
    expect((await post('/oauth/revoke', { ...grant(client), token: first })).status).toBe(200);
  });

  it('answers the same for what is no valid token', async () => {
    for (const token of ['nothing', 'a.b.c', client.secret]) {
      const { status, json } = await post('/oauth/revoke', { ...grant(client), token });
      expect([status, json]).toEqual([200, {}]);
    }
    expect(await statusWith(client.secret)).toBe(200);
  });

  it('refuses another client, no client, and no token', async () => {
    const token = await accessToken(client);
    const other = await newClient();
    expect((await post('/oauth/revoke', { ...grant(other), token })).json).toMatchObject({
      error: 'unauthorized_client',
    });
    expect((await post('/oauth/revoke', { token })).json).toMatchObject({ error: 'invalid_client' });
    expect((await post('/oauth/revoke', grant(client))).json).toMatchObject({ error: 'invalid_request' });
    expect(await statusWith(token)).toBe(200);
  });
});

describe('two servers on one database', () => {
  it('have one key, and take and end each other’s access tokens', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-oauth-'));
    const url = `sqlite:${join(folder, 'annals.db')}`;
    const servers = [await startServer(url), await startServer(url)] as [TestServer, TestServer];
    try {
      const keys = await Promise.all(servers.map((each) => each.request('GET', '/.well-known/jwks.json')));
      expect(keys[0]?.json).toEqual(keys[1]?.json);
      expect(keys[0]?.json).toMatchObject({ keys: [{ kty: 'RSA', alg: 'RS512', use: 'sig', e: 'AQAB' }] });
      expect(keys[0]?.text).not.toContain('"d"');

      const [one, other] = servers;
      const shared = await newToken(one.annals.directory, ['read']);
      const bought = await one.request('POST', '/oauth/token', grant(shared), { authorization: '' });
      const token = (bought.json as Issued).access_token;
      expect(await statusWith(token, 'GET', '/v1/head', undefined, other)).toBe(200);

      const second = (await one.request('POST', '/oauth/token', grant(shared), { authorization: '' }))
        .json as Issued;
      const ended = { ...grant(shared), token: second.access_token };
      expect((await one.request('POST', '/oauth/revoke', ended, { authorization: '' })).status).toBe(200);
      expect(await statusWith(second.access_token, 'GET', '/v1/head', undefined, other)).toBe(401);
    } finally {
      await Promise.all(servers.map((each) => each.stop()));
      rmSync(folder, { recursive: true });
    }
  });
});
