import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { membershipId } from '../directory/rules/memberships.ts';
import { DirectoryView } from '../directory/view.ts';
import { sha256 } from '../server.ts';
import { type ForeignTokens, makeForeignTokens } from './foreign-tokens.ts';

const ISSUER = 'https://login.example/acme';
const NOW_SECONDS = 1_800_000_000;
const ORGANIZATION = { id: '11111111-1111-7111-8111-111111111111', slug: 'acme', name: 'Acme', createdAt: 0 };
const EMAIL = 'ada@acme.example';
const CLAIMS: JWTPayload = {
  iss: ISSUER,
  aud: 'annals',
  exp: NOW_SECONDS + 600,
  email: EMAIL,
  email_verified: true,
};

const signers = new Map<string, CryptoKey>();
let keyServer: Server;
let keysUrl: string;
let view: DirectoryView;
let foreign: ForeignTokens;
let nowSeconds: number;
let logged: string[];

beforeAll(async () => {
  const keys: JWK[] = [];
  for (const alg of ['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA']) {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    signers.set(alg, privateKey);
    keys.push({ ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' });
  }
  keyServer = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  await new Promise<void>((resolve) => keyServer.listen(0, '127.0.0.1', resolve));
  keysUrl = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/keys`;
});
afterAll(() => {
  keyServer.closeAllConnections();
  keyServer.close();
});

beforeEach(() => {
  nowSeconds = NOW_SECONDS;
  logged = [];
  view = new DirectoryView(ORGANIZATION);
  provide({});
  belong(EMAIL);
  const log = (facts: object, message: string): void => {
    logged.push(JSON.stringify({ ...facts, message }));
  };
  foreign = makeForeignTokens(
    {
      view: async () => view,
      identityProviders: async () =>
        view.list('identity_providers').map(({ id, state }) => ({ organization: ORGANIZATION, id, state })),
    },
    {
      now: () => nowSeconds * 1e6,
      nowMs: () => nowSeconds * 1000,
      sha256,
      logger: { warn: log, debug: log },
    },
  );
});

function provide(more: JsonObject): void {
  const state = { issuer: ISSUER, client_id: 'annals', domains: 'acme.example', jwks_url: keysUrl, ...more };
  view.learn('identity_providers', 'dir_provider', state, 1);
}

function belong(email: string, kept = email): string {
  const id = membershipId(sha256, ORGANIZATION.id, email);
  view.learn('memberships', id, { user_email: kept, user_id: 'dir_user', role_id: 'dir_role' }, 1);
  return id;
}

function sign(more: object = {}, header: { alg?: string; typ?: string } = {}): Promise<string> {
  const alg = header.alg ?? 'RS256';
  return new SignJWT({ ...CLAIMS, ...more })
    .setProtectedHeader({ ...header, alg, kid: alg })
    .sign(signers.get(alg) as CryptoKey);
}

const isKnown = async (jwt: string): Promise<boolean> => (await foreign.identify(jwt)) !== undefined;

describe('identify', () => {
  it('tells the member, and what the provider was', async () => {
    expect(await foreign.identify(await sign())).toEqual({
      principal: {
        kind: 'member',
        organization: ORGANIZATION,
        membership: membershipId(sha256, ORGANIZATION.id, EMAIL),
        provider: 'dir_provider',
        identity: JSON.stringify([ISSUER, keysUrl, 'annals', 'acme.example']),
      },
      forMs: 60_000,
    });
  });

  it.each([...['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA']])('takes a signature by %s', async (alg) => {
    expect(await isKnown(await sign({}, { alg }))).toBe(true);
  });

  it.each([
    ['JWT', true],
    ['at+jwt', true],
    ['application/at+jwt', true],
    ['logout+jwt', false],
    ['secevent+jwt', false],
    ['dpop+jwt', false],
  ])('of the type %s: %s', async (typ, isTaken) => {
    expect(await isKnown(await sign({}, { typ }))).toBe(isTaken);
  });

  it('lets a token be remembered until it is over, for a minute at most', async () => {
    const forMs = async (exp: number): Promise<number | undefined> =>
      (await foreign.identify(await sign({ exp: NOW_SECONDS + exp })))?.forMs;
    expect(await forMs(3600)).toBe(60_000);
    expect(await forMs(20)).toBe(20_000);
    // Within the tolerance: each time anew.
    expect(await forMs(-3)).toBe(0);
    expect(await forMs(-6)).toBeUndefined();
  });

  const REFUSED: [why: string, claims: object][] = [
    ['without an end', { exp: undefined }],
    ['with an end that is text', { exp: String(NOW_SECONDS + 600) }],
    ['that is not good yet', { nbf: NOW_SECONDS + 60 }],
    ['of an issuer that is almost the same', { iss: `${ISSUER}/` }],
    ['without an issuer', { iss: undefined }],
    ['with a list of issuers', { iss: [ISSUER] }],
    ['for nobody', { aud: undefined }],
    ['for others', { aud: ['others', 'annals-two'] }],
    ['for a list with something else in it', { aud: ['annals', 7] }],
    ['without an address', { email: undefined }],
    ['with a list of addresses', { email: [EMAIL] }],
    ['with an address that is not verified', { email_verified: false }],
    ['with an address of which nothing is said', { email_verified: undefined }],
    ['with an address verified by a word', { email_verified: 'true' }],
    ['with an address of a part of the domain', { email: 'ada@mail.acme.example' }],
    ['with an address of a longer domain', { email: 'ada@notacme.example' }],
    ['with two domains', { email: 'ada@acme.example@elsewhere.example' }],
    ['without a domain', { email: 'ada' }],
    ['with the domain alone', { email: '@acme.example' }],
    ['with a space in front', { email: ` ${EMAIL}` }],
  ];
  it.each(REFUSED)('refuses a token %s', async (_why, claims) => {
    expect(await isKnown(await sign())).toBe(true);
    expect(await isKnown(await sign(claims))).toBe(false);
  });

  it('takes the provider’s client among several, and an address in capitals', async () => {
    expect(await isKnown(await sign({ aud: ['others', 'annals'] }))).toBe(true);
    expect(await isKnown(await sign({ email: 'ADA@Acme.EXAMPLE' }))).toBe(true);
  });

  it('takes no address for another because their lower case is the same', async () => {
    belong('mark@acme.example');
    expect(await isKnown(await sign({ email: 'mark@acme.example' }))).toBe(true);
    expect(await isKnown(await sign({ email: 'mar\u212a@acme.example' }))).toBe(false);
  });

  it('goes by the address of the membership, not by its id alone', async () => {
    belong(EMAIL, 'someone-else@acme.example');
    expect(await isKnown(await sign())).toBe(false);
  });

  it('looks at the provider as it is now', async () => {
    const jwt = await sign();
    expect(await isKnown(jwt)).toBe(true);
    provide({ disabled_at: '2026-01-01T00:00:00.000Z' });
    expect(await isKnown(jwt)).toBe(false);
    provide({ domains: 'elsewhere.example' });
    expect(await isKnown(jwt)).toBe(false);
    provide({ domains: 'elsewhere.example,acme.example' });
    nowSeconds += 2;
    expect(await isKnown(jwt)).toBe(true);
    view.learn('identity_providers', 'dir_provider', null, 2);
    expect(await isKnown(jwt)).toBe(false);
  });

  it('answers nobody for what is no token', async () => {
    const encoded = (text: string): string => Buffer.from(text).toString('base64url');
    const texts = [
      'a.b.c',
      `${encoded('{}')}.${encoded('[]')}.x`,
      `${encoded('{}')}.${encoded('null')}.x`,
      '..',
    ];
    for (const text of texts) expect(await isKnown(text)).toBe(false);
    const [, payload] = (await sign()).split('.');
    for (const header of ['{}', '{"alg":"RS256","crit":["b64"],"b64":false}', '{"alg":7}', 'null', '{'])
      expect(await isKnown(`${encoded(header)}.${payload}.AAAA`), header).toBe(false);
  });

  it('says in the log which check refused, and nothing of the token', async () => {
    const jwt = await sign({ nbf: NOW_SECONDS + 60, secret: 'do not tell' });
    await foreign.identify(jwt);
    expect(logged.join()).toContain('ERR_JWT_CLAIM_VALIDATION_FAILED');
    for (const part of [EMAIL, 'do not tell', ...jwt.split('.')]) expect(logged.join()).not.toContain(part);
  });

  it('fails, and takes nobody for nobody, where the directory cannot be read', async () => {
    const broken = makeForeignTokens(
      { view: async () => view, identityProviders: () => Promise.reject(new Error('the store is away')) },
      { now: () => 0, nowMs: () => 0, sha256, logger: { warn: () => undefined, debug: () => undefined } },
    );
    await expect(broken.identify(await sign())).rejects.toThrow('the store is away');
  });
});
