// Secrets are in the one answer that gives them, and nowhere else: in no other answer or header, no line of the
// logger, no entry, no metric, no document; not even where they were sent to a wrong place.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, ROOT_TOKEN } from './harness.ts';
import { Home, type More, PROVIDER, startWorld, type World } from './world.ts';

const CLIENT_SECRET = 'a-Secret/of the+provider=';

let world: World;
let home: Home;
/** Everything that was answered, but for the answers that give a secret. */
const answered: string[] = [];
/** All secrets, by what they are. */
let secrets: Record<string, string>;
let admin: string;

async function ask(token: string | undefined, method: string, path: string, more?: More): Promise<Answer> {
  const answer = await world.ask(token, method, path, more);
  answered.push(`${method} ${answer.status} ${JSON.stringify([...answer.headers])}\n${answer.text}`);
  return answer;
}

beforeAll(async () => {
  world = await startWorld();
  home = await Home.of(world, 'default');
  admin = await home.builtIn('admin');
  const credential = await home.credential('an application', admin);
  const native = await home.nativeToken({ scopes: ['read', 'write'] });
  const member = await home.member('ada@home.example', admin);
  await home.make('identity_providers', { ...PROVIDER, client_secret: CLIENT_SECRET });
  const access = await home.accessToken(credential);
  const revoked = await home.credential('revoked', admin);
  await home.request('DELETE', `/api/api_credentials/${revoked.id}`);
  secrets = {
    'the root token': ROOT_TOKEN,
    'of a credential': credential.secret,
    'of a token': native.secret,
    'of a member': member.secret,
    'of a provider': CLIENT_SECRET,
    'an access token': access,
    'of a revoked credential': revoked.secret,
    'nearly one': `${credential.secret}x`,
  };
});
afterAll(() => world?.stop());

const bearers = (): string[] => Object.values(secrets).filter((secret) => secret !== CLIENT_SECRET);

/** A secret as it is, in a URL, in JSON, and in base64 of either alphabet, wherever it begins in the text. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = (['base64', 'base64url'] as const).flatMap((encoding) =>
    // What stands before it shifts the letters; those at the ends depend on its neighbours.
    [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(encoding)
        .replace(/=+$/, '');
      return text.slice(shift === 0 ? 0 : shift + 1, -2);
    }),
  );
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...encoded];
}

function expectHidden(where: string, text: string): void {
  for (const [name, secret] of Object.entries(secrets)) {
    const shown = spellings(secret).find((spelling) => text.includes(spelling));
    expect(shown, `${name}, in ${where}: ${text.slice(0, 600)}`).toBeUndefined();
  }
}

/** A message as gRPC-web frames it. */
function framed(message: string): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(message), 1);
  return Buffer.concat([head, Buffer.from(message)]);
}

describe('secrets', () => {
  it('are in no answer to a good request', async () => {
    for (const token of bearers()) {
      for (const path of [
        '/v1/tokens',
        '/v1/organizations',
        '/v1/changes?include=states&limit=200',
        '/v1/resources?limit=200',
        '/api/api_credentials?include=role,organization&page[size]=25',
        '/api/identity_providers?include=user',
        '/api/memberships?include=role.api_credentials,versions',
        '/api/versions?page[size]=25',
        '/api/user',
        '/history/?page_size=100',
        '/reltio/api/default/entities/x',
      ]) {
        await ask(token, 'GET', path);
      }
      await ask(token, 'POST', '/admin/v1/events/_search', { body: {} });
      await ask(token, 'POST', '/zitadel.admin.v1.AdminService/ListEvents', { body: {} });
    }
    for (const path of ['/metrics', '/openapi.json', '/docs/json', '/healthz', '/.well-known/jwks.json']) {
      await ask(undefined, 'GET', path);
    }
    expect(answered.length).toBeGreaterThan(80);
  });

  it('are in no error: as a path, a parameter, a field, a name, a header, or a body that is none', async () => {
    for (const secret of bearers()) {
      const [inPath, other] = [encodeURIComponent(secret), secrets['of a token']];
      const headers = { 'annals-organization': secret };
      const wrong: [method: string, path: string, more?: More][] = [
        ...[
          `/${inPath}`,
          `/v1/${inPath}`,
          `/v1/changes/${inPath}`,
          `/v1/changes?cursor=${inPath}`,
          `/v1/changes?since=${inPath}`,
          `/v1/changes?order=${inPath}`,
          `/v1/changes?${inPath}=1`,
          `/v1/resources/things/${inPath}`,
          `/v1/resources/${inPath}/x`,
          `/v1/organizations/${inPath}`,
          `/api/${inPath}`,
          `/api/roles/${inPath}`,
          `/api/roles?include=${inPath}`,
          `/api/roles?sort=${inPath}`,
          `/api/roles?filter[q][${inPath}_eq]=1`,
          `/api/roles?filter[q][created_at_gt]=${inPath}`,
          `/api/roles?page[size]=${inPath}`,
          `/api/public/resources/${inPath}`,
          `/reltio/api/${inPath}/entities/x`,
          `/reltio/api/default/entities/${inPath}`,
          `/reltio/api/default/entities/x/_changes?filter=${inPath}`,
          `/reltio/${inPath}`,
          `/history/${inPath}`,
          `/history/?timestamp_after=${inPath}`,
          `/management/v1/${inPath}`,
          `/zitadel.x/${inPath}`,
        ].map((path): [string, string] => ['GET', path]),
        ['DELETE', `/v1/tokens/${inPath}`],
        ['POST', '/v1/changes', { body: { resource: { type: secret, id: 5 } } }],
        ['POST', '/v1/changes', { body: { [secret]: 1 } }],
        ['POST', '/v1/changes', { body: { action: secret } }],
        ['POST', '/v1/changes', { body: `{"resource": ${secret}` }],
        [
          'POST',
          '/v1/changes',
          { body: { actor: secret }, headers: { 'content-type': 'application/x-ndjson' } },
        ],
        ['POST', '/v1/changes', { body: secret, headers: { 'content-type': secret.slice(0, 20) } }],
        ['POST', '/v1/tokens', { body: { name: 'x', membership: secret } }],
        ['POST', '/v1/tokens', { body: { name: 'x', scopes: [secret] } }],
        ['POST', '/v1/organizations', { body: { slug: `_${secret}` } }],
        ['PUT', '/v1/resources/things/x', { body: {}, headers: { 'annals-actor': secret } }],
        ['PUT', '/v1/resources/things/x', { body: {}, headers: { 'if-match': `"${secret}"` } }],
        ['POST', '/api/roles', { body: { data: { type: secret } } }],
        ['POST', '/api/roles', { body: { data: { type: 'roles', [secret]: 1 } } }],
        ['POST', '/api/roles', { body: { data: { type: 'roles', attributes: { [secret]: 1 } } } }],
        [
          'POST',
          '/api/permissions',
          { body: { data: { type: 'permissions', attributes: { subject: secret } } } },
        ],
        ['POST', '/management/v1/orgs/me/changes/_search', { body: { query: { limit: secret } } }],
        [
          'POST',
          '/zitadel.management.v1.ManagementService/ListOrgChanges',
          { body: `{"query":"${secret}"}` },
        ],
        [
          'POST',
          '/zitadel.management.v1.ManagementService/ListOrgChanges',
          {
            body: framed(`{"query":{"sequence":"${secret}"}}`),
            headers: { 'content-type': 'application/grpc-web+json' },
          },
        ],
        ['POST', '/oauth/token', { body: { grant_type: secret } }],
        ['POST', `/oauth/token?grant_type=${inPath}`, { body: {} }],
        [
          'POST',
          '/oauth/token',
          { body: { grant_type: 'client_credentials', client_id: secret, client_secret: secret } },
        ],
        ['POST', '/oauth/revoke', { body: { client_id: 'x', client_secret: secret, token: secret } }],
        ['GET', '/v1/head', { headers }],
        ['GET', '/api/roles', { headers }],
        [
          'POST',
          '/management/v1/orgs/me/changes/_search',
          { body: {}, headers: { 'x-zitadel-orgid': secret } },
        ],
      ];
      for (const token of [ROOT_TOKEN, secret, other]) {
        await Promise.all(wrong.map(([method, path, more]) => ask(token, method, path, more)));
      }
    }
    const provider = (more: object) =>
      home.create('identity_providers', { ...PROVIDER, client_secret: CLIENT_SECRET, ...more });
    for (const answer of [
      provider({ issuer: 'no url' }),
      provider({ nothing: 1 }),
      provider({ client_secret: `${CLIENT_SECRET}\u0000` }),
    ]) {
      const { text, status } = await answer;
      expect(status).toBeGreaterThanOrEqual(400);
      answered.push(text);
    }
  });

  it('are in no answer and no line where the store fails', async () => {
    const [credential, access, root] = [
      secrets['of a credential'] as string,
      secrets['an access token'],
      ROOT_TOKEN,
    ];
    const inPath = encodeURIComponent(credential);
    const failing: [token: string | undefined, method: string, path: string, more?: More][] = [
      [credential, 'GET', `/v1/changes/${NOBODY}?x=${inPath}`],
      [root, 'GET', `/v1/resources/things/${inPath}`],
      [access, 'GET', '/v1/changes?event=x'],
      [credential, 'GET', `/reltio/api/default/entities/${inPath}`],
      [credential, 'GET', `/history/?object_id=${inPath}`],
      [credential, 'GET', `/api/versions?filter[q][resource_id_eq]=${inPath}`],
      [credential, 'POST', '/management/v1/orgs/me/changes/_search', { body: {} }],
      [credential, 'POST', '/zitadel.management.v1.ManagementService/ListOrgChanges', { body: {} }],
    ];
    const before = world.lines.length;
    for (const [token, method, path, more] of failing) {
      world.faults.next('read failed');
      const { status } = await ask(token, method, path, more);
      if (world.faults.strikes('read failed')) continue;
      expect([500, 503, 400], path).toContain(status);
    }
    const writes: (() => Promise<Answer>)[] = [
      () => home.request('POST', '/v1/tokens', { body: { name: 'never made', scopes: ['read'] } }),
      () => home.create('api_credentials', { name: 'never made', kind: 'x' }),
      () => home.create('identity_providers', { ...PROVIDER, client_secret: CLIENT_SECRET }),
    ];
    for (const write of writes) {
      world.faults.next('append failed and nothing was kept');
      const { status, text } = await write();
      expect(status, text).toBe(503);
      answered.push(text);
    }
    expect(world.lines.length).toBeGreaterThan(before);
  });

  it('are in no line where something is wrong with the server itself', async () => {
    const { read } = world.annals;
    const { head } = read;
    const secret = secrets['of a credential'] as string;
    read.head = () => Promise.reject(new Error('a fault of the test'));
    const { bySecret } = world.annals.directory;
    world.annals.directory.bySecret = () => Promise.reject(new Error('a fault of the test'));
    const inQuery = `client_id=x&client_secret=${secret}&grant_type=client_credentials`;
    const before = world.lines.length;
    try {
      expect((await ask(secret, 'GET', `/v1/head?token=${secret}`)).status).toBe(500);
      expect((await ask(undefined, 'POST', `/oauth/token?${inQuery}`, { body: {} })).status).toBe(500);
    } finally {
      read.head = head;
      world.annals.directory.bySecret = bySecret;
    }
    const lines = world.lines.slice(before).join('');
    expect(lines).toContain('a fault of the test');
    expect(lines).toContain('/v1/head?token=[hidden]');
    expectHidden('the log', lines);
  });

  it('are in none of all that was answered', () => {
    const overGrpcWeb = answered.filter((text) => text.includes('application/grpc-web+json'));
    expect(overGrpcWeb.length).toBeGreaterThan(0);
    for (const text of overGrpcWeb) expect(text).toMatch(/grpc-message: .*hidden/);
    expect(answered.length).toBeGreaterThan(1_000);
    for (const text of answered) expectHidden('an answer', text);
  });

  it('are in no line of the logger', () => {
    for (const line of world.lines) expectHidden('the log', line);
  });

  it('are in no entry, no state and no section of the log', async () => {
    let cursor = '';
    for (;;) {
      const { text, json } = await home.request('GET', `/v1/changes?include=states&limit=200${cursor}`);
      expectHidden('the log', text);
      const { next } = json as { next: string | null };
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
  });

  it('stand in entries as their hashes, which the Provisioning API does not show, nor its versions', async () => {
    const { text: entries } = await home.request('GET', '/v1/changes?include=states&limit=200');
    expect(entries).toMatch(/"secret_hash"/);
    expect(entries).toMatch(/"client_secret_hash"/);
    const hashes = [...entries.matchAll(/"(?:client_)?secret_hash":"([^"]+)"/g)].map(
      ([, hash]) => hash as string,
    );
    const shown = await Promise.all(
      [
        'api_credentials',
        'identity_providers',
        'memberships',
        'versions',
        'roles?include=api_credentials',
      ].map((path) => home.request('GET', `/api/${path}`)),
    );
    const tokens = await home.request('GET', '/v1/tokens');
    for (const { text, status } of [...shown, tokens]) {
      expect(status).toBe(200);
      expect(text).not.toContain('_hash');
      for (const hash of hashes) expect(text).not.toContain(hash);
    }
  });
});

const NOBODY = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000';
