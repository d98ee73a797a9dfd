// Signing in with OpenID Connect: tokens of a real provider, on a started server, in every dialect.

import { type CryptoKey, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Organization } from '../src/directory/directory.ts';
import { identityOf } from '../src/directory/rules/identity-providers.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import type { Store } from '../src/store/store.ts';
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts';
import {
  invite,
  organizationOf,
  ROOT,
  ROOT_TOKEN,
  startTimedServer,
  type TimedServer,
  trust,
} from './oidc-server.ts';

const ACCOUNTS = {
  ada: { email: 'Ada@Acme.Example', email_verified: true },
  rita: { email: 'rita@acme.test', email_verified: true },
  eve: { email: 'eve@acme.example', email_verified: false },
  olga: { email: 'olga@elsewhere.example', email_verified: true },
  nick: { email: 'nick@acme.example', email_verified: true },
};

const CHANGE = { resource: { type: 'notes', id: '1' }, action: 'create', after: { text: 'hello' } };
/** Longer than a token is remembered, and than the list of providers stays as it is. */
const FORGOTTEN_MS = 61_000;
/** Within so long a server knows what another one on the same database wrote. */
const HEARD_MS = 5_000;

let idp: IdentityProvider;
let store: Store;
let timed: TimedServer;
let acme: Organization;
let provider: string;

beforeAll(async () => {
  idp = await startIdentityProvider(ACCOUNTS);
});
afterAll(() => idp.stop());

beforeEach(async () => {
  store = openMemoryStore();
  timed = await startTimedServer(store);
  const { directory } = timed;
  acme = await organizationOf(directory, 'acme');
  provider = await trust(directory, acme, idp.issuer);
  await invite(directory, acme, ACCOUNTS.ada.email, 'admin');
  await invite(directory, acme, ACCOUNTS.rita.email, 'read_only');
  await invite(directory, acme, ACCOUNTS.eve.email, 'admin');
  await invite(directory, acme, ACCOUNTS.olga.email, 'admin');
});
afterEach(() => timed.stop());

const statusOf = async (token: string, at = timed): Promise<number> =>
  (await at.ask(token, 'GET', '/v1/changes')).status;
const idToken = async (account: string, client?: string): Promise<string> =>
  (await idp.signIn(account, client)).id_token;

async function update(attributes: Record<string, string | boolean>): Promise<void> {
  const input = { attributes, relationships: {} };
  await timed.directory.update(acme, 'identity_providers', provider, input, ROOT);
}

/** The entries of the directory with this event. */
async function entriesOf(event: string): Promise<{ actor: object; resource: object; changes: object }[]> {
  const { json } = await timed.ask(await idToken('ada'), 'GET', `/v1/changes?event=${event}`);
  return (json as { data: { actor: object; resource: object; changes: object }[] }).data;
}

describe('a token of the organization’s provider', () => {
  const READS: [dialect: string, method: string, url: string, body?: object][] = [
    ['the native API', 'GET', '/v1/changes'],
    ['Commerce Layer', 'GET', '/api/versions'],
    ['Reltio', 'GET', '/reltio/api/acme/entities/1/_changesWithTotal'],
    ['Crego', 'GET', '/history/'],
    ['Zitadel', 'POST', '/management/v1/orgs/me/changes/_search', {}],
  ];

  it.each(READS)('opens %s, be it an ID token or an access token', async (_dialect, method, url, body) => {
    const { id_token, access_token } = await idp.signIn('rita');
    const answers = [
      await timed.ask(id_token, method, url, body),
      await timed.ask(access_token, method, url, body),
    ];
    const asRoot = await timed.ask(ROOT_TOKEN, method, url, body);
    // Reltio knows no such entity: whoever is let in is told so.
    expect(answers.map(({ status }) => status)).toEqual([asRoot.status, asRoot.status]);
    expect([200, 404]).toContain(asRoot.status);
    expect((await timed.ask(`${id_token.slice(0, -9)}AAAAAAAAA`, method, url, body)).status).toBe(401);
  });

  it('may do what the role of the membership allows', async () => {
    const [admin, reader] = [await idToken('ada'), await idToken('rita')];
    expect((await timed.ask(reader, 'POST', '/v1/changes', CHANGE)).status).toBe(403);
    expect((await timed.ask(reader, 'PUT', '/v1/resources/notes/1', { text: 'x' })).status).toBe(403);
    expect((await timed.ask(admin, 'POST', '/v1/changes', CHANGE)).status).toBe(201);
    expect((await timed.ask(reader, 'GET', '/v1/resources/notes/1')).status).toBe(200);
  });

  it('is held to the role as it is now', async () => {
    const [token, view] = [await idToken('ada'), await timed.directory.view(acme)];
    expect((await timed.ask(token, 'POST', '/v1/changes', CHANGE)).status).toBe(201);
    const [membership] = view
      .list('memberships')
      .filter(({ state }) => state.user_email === 'ada@acme.example');
    const reading = view.list('roles').find(({ state }) => state.kind === 'read_only')?.id as string;
    const input = { attributes: {}, relationships: { role: reading } };
    await timed.directory.update(acme, 'memberships', membership?.id as string, input, ROOT);
    expect((await timed.ask(token, 'POST', '/v1/changes', CHANGE)).status).toBe(403);
  });

  it('writes in the name of the user, and in no other', async () => {
    const token = await idToken('ada');
    const { status, json } = await timed.ask(token, 'POST', '/v1/changes', CHANGE);
    expect(status).toBe(201);
    const { id } = json as { id: string };
    const [user] = (await timed.directory.view(acme))
      .list('users')
      .filter(({ state }) => state.email === 'ada@acme.example');
    const actor = { type: 'user', id: user?.id, name: 'ada@acme.example', loginName: 'ada@acme.example' };
    expect((await timed.ask(token, 'GET', `/v1/changes/${id}`)).json).toMatchObject({ actor });

    const another = await timed.ask(token, 'POST', '/v1/changes', {
      ...CHANGE,
      actor: { type: 'user', id: 'someone-else' },
    });
    expect([another.status, another.json]).toMatchObject([403, { code: 'forbidden' }]);
    const dressedUp = await timed.ask(token, 'POST', '/v1/changes', {
      ...CHANGE,
      actor: { type: 'user', id: user?.id, name: 'The boss', loginName: 'boss@acme.example' },
    });
    const { json: entry } = await timed.ask(
      token,
      'GET',
      `/v1/changes/${(dressedUp.json as { id: string }).id}`,
    );
    expect((entry as { actor: object }).actor).toEqual(actor);
  });
});

describe('the first sign-in', () => {
  it('activates the membership and marks the provider as verified, once, although two come at once', async () => {
    const tokens = [await idToken('ada'), (await idp.signIn('ada')).access_token, await idToken('ada')];
    expect(await Promise.all([...tokens, ...tokens].map((token) => statusOf(token)))).toEqual(
      Array(6).fill(200),
    );
    expect(await statusOf(tokens[0] as string)).toBe(200);

    const activated = await entriesOf('org.member.activated');
    const memberships = activated.filter(
      ({ resource }) => (resource as { type: string }).type === 'memberships',
    );
    expect(memberships).toMatchObject([
      {
        actor: { type: 'user', loginName: 'ada@acme.example' },
        changes: { '/status': ['pending', 'active'] },
      },
    ]);
    expect(await entriesOf('org.idp.config.changed')).toMatchObject([
      {
        actor: { type: 'user', loginName: 'ada@acme.example' },
        changes: { '/status': ['pending', 'verified'] },
      },
    ]);
    const view = await timed.directory.view(acme);
    expect(view.get('identity_providers', provider)?.state.status).toBe('verified');
  });

  it('records nothing for who comes again, and nothing for who is refused', async () => {
    expect(await statusOf(await idToken('eve'))).toBe(401);
    expect(await statusOf(await idToken('ada'))).toBe(200);
    timed.pass(FORGOTTEN_MS);
    expect(await statusOf(await idToken('ada'))).toBe(200);
    expect(await entriesOf('org.idp.config.changed')).toHaveLength(1);
    const view = await timed.directory.view(acme);
    const statuses = view.list('memberships').map(({ state }) => [state.user_email, state.status]);
    expect(Object.fromEntries(statuses)).toMatchObject({
      'ada@acme.example': 'active',
      'eve@acme.example': 'pending',
      'rita@acme.test': 'pending',
    });
  });
});

describe('while a member signs in for the first time', () => {
  const ada = async () => {
    const view = await timed.directory.view(acme);
    const membership = view.list('memberships').find(({ state }) => state.user_email === 'ada@acme.example');
    const reading = view.list('roles').find(({ state }) => state.kind === 'read_only')?.id as string;
    return { id: membership?.id as string, membership, reading };
  };

  it('and is removed, nothing brings them back', async () => {
    const { id, membership } = await ada();
    await timed.directory.remove(acme, 'memberships', id, ROOT);
    await timed.directory.activate(acme, membership as NonNullable<typeof membership>, ROOT);
    expect((await timed.directory.view(acme)).get('memberships', id)).toBeUndefined();
    expect(await statusOf(await idToken('ada'))).toBe(401);
  });

  it('and gets another role, the next request is held to it', async () => {
    const [{ id, reading }, token] = [await ada(), await idToken('ada')];
    const input = { attributes: {}, relationships: { role: reading } };
    await Promise.all([
      statusOf(token),
      timed.directory.update(acme, 'memberships', id, input, ROOT),
      statusOf(token),
    ]);
    expect((await timed.ask(token, 'POST', '/v1/changes', CHANGE)).status).toBe(403);
  });

  it('and the provider changes, the one it is now stays unverified', async () => {
    const before = (await timed.directory.view(acme)).get('identity_providers', provider)?.state ?? {};
    await update({ client_id: 'annals-two' });
    await timed.directory.markVerified(acme, provider, identityOf(before), ROOT);
    const view = await timed.directory.view(acme);
    expect(view.get('identity_providers', provider)?.state.status).toBe('pending');
  });
});

describe('two servers on one database', () => {
  it('record a first sign-in once, and hear of a disabled provider and a removed member', async () => {
    const other = await startTimedServer(store);
    const [token, second] = [await idToken('ada'), await idToken('rita')];
    const both = (jwt: string): Promise<number[]> => Promise.all([statusOf(jwt), statusOf(jwt, other)]);
    expect(await both(token)).toEqual([200, 200]);
    expect(await both(second)).toEqual([200, 200]);
    expect(await entriesOf('org.member.activated')).toHaveLength(2);
    expect(await entriesOf('org.idp.config.changed')).toHaveLength(1);

    const member = (await timed.directory.view(acme))
      .list('memberships')
      .find(({ state }) => state.user_email === ACCOUNTS.rita.email);
    await timed.directory.remove(acme, 'memberships', member?.id as string, ROOT);
    other.pass(HEARD_MS);
    expect(await both(second)).toEqual([401, 401]);
    await update({ _disable: true });
    other.pass(HEARD_MS);
    expect(await both(token)).toEqual([401, 401]);
    await other.stop();
  });
});

describe('refused is', () => {
  it('whose e-mail is not verified, or of another domain, or of nobody who is a member', async () => {
    for (const account of ['eve', 'olga', 'nick'])
      expect(await statusOf(await idToken(account)), account).toBe(401);
  });

  it('who is a member of another organization alone', async () => {
    const other = await organizationOf(timed.directory, 'other');
    await invite(timed.directory, other, ACCOUNTS.nick.email, 'admin');
    await trust(timed.directory, other, 'https://elsewhere.example');
    expect(await statusOf(await idToken('nick'))).toBe(401);
  });

  it('a token for another audience', async () => {
    expect(await statusOf(await idToken('ada', 'another-application'))).toBe(401);
  });

  it('a token of another issuer, which is not asked for anything', async () => {
    const stranger = await startIdentityProvider(ACCOUNTS);
    const { id_token } = await stranger.signIn('ada');
    const before = stranger.requests;
    expect(await statusOf(id_token)).toBe(401);
    timed.pass(FORGOTTEN_MS);
    expect(await statusOf(id_token)).toBe(401);
    expect(stranger.requests).toBe(before);
    await stranger.stop();
  });

  it('a token that is over, to the second and a little tolerance', async () => {
    const token = await idToken('ada');
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as {
      exp: number;
    };
    timed.pass(exp * 1000 - Date.now() - 2_000);
    expect(await statusOf(token)).toBe(200);
    timed.pass(8_000);
    expect(await statusOf(token)).toBe(401);
  });

  it('a token that the provider’s key did not sign', async () => {
    const now = Math.floor(Date.now() / 1000);
    const { keys } = (await (await fetch(`${idp.issuer}/jwks`)).json()) as { keys: [JWK] };
    const [{ kid }] = keys;
    const claims = {
      iss: idp.issuer,
      aud: 'annals',
      email: ACCOUNTS.ada.email,
      email_verified: true,
      iat: now,
      exp: now + 600,
    };
    const publicKey = (await importJWK({ ...keys[0], ext: true }, 'RS256')) as CryptoKey;
    const pem = new TextEncoder().encode(await exportSPKI(publicKey));
    const modulus = Buffer.from(keys[0].n as string, 'base64url');
    const { privateKey } = await generateKeyPair('RS256');
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const forged = (header: { alg: string; kid?: string }, key: CryptoKey | Uint8Array): Promise<string> =>
      new SignJWT(claims).setProtectedHeader(header).sign(key);
    const unsigned = `${encoded({ alg: 'none', kid })}.${encoded(claims)}.`;
    const tokens = {
      'another key, under the name of the known one': await forged(
        { alg: 'RS256', kid: kid as string },
        privateKey,
      ),
      'another key, under a name of its own': await forged({ alg: 'RS256', kid: 'mine' }, privateKey),
      'no name of a key': await forged({ alg: 'RS256' }, privateKey),
      'the public key as a secret, PEM': await forged({ alg: 'HS256', kid: kid as string }, pem),
      'the public key as a secret, its modulus': await forged({ alg: 'HS256', kid: kid as string }, modulus),
      'no signature': unsigned,
      'no algorithm, and some signature': `${unsigned}${encoded({})}`,
    };
    expect(await statusOf(await idToken('ada'))).toBe(200);
    for (const [why, token] of Object.entries(tokens)) expect(await statusOf(token), why).toBe(401);
  });

  it('whoever guesses too often from one address; members who are known go on', async () => {
    const [member, stranger] = [await idToken('ada'), await idToken('nick')];
    expect(await statusOf(member)).toBe(200);
    const statuses = [];
    for (let tries = 0; tries < 301; tries++) statuses.push(await statusOf(stranger));
    expect([...new Set(statuses.slice(0, 300))]).toEqual([401]);
    expect(statuses[300]).toBe(429);
    expect(await statusOf(member)).toBe(200);
    expect(await statusOf(await idToken('rita'))).toBe(429);
    timed.pass(120_000);
    expect(await statusOf(await idToken('rita'))).toBe(200);
  });
});

describe('access ends with the next request', () => {
  it('when the provider is disabled, and comes back with it', async () => {
    const token = await idToken('ada');
    expect(await statusOf(token)).toBe(200);
    await update({ _disable: true });
    expect(await statusOf(token)).toBe(401);
    expect(await statusOf(await idToken('rita'))).toBe(401);
    await update({ _enable: true });
    expect(await statusOf(token)).toBe(200);
  });

  it('when the provider is deleted', async () => {
    const token = await idToken('ada');
    expect(await statusOf(token)).toBe(200);
    await timed.directory.remove(acme, 'identity_providers', provider, ROOT);
    expect(await statusOf(token)).toBe(401);
    expect(await statusOf(await idToken('rita'))).toBe(401);
  });

  it('when the membership is deleted', async () => {
    const [token, other] = [await idToken('ada'), await idToken('rita')];
    expect([await statusOf(token), await statusOf(other)]).toEqual([200, 200]);
    for (const { id } of (await timed.directory.view(acme)).list('memberships'))
      await timed.directory.remove(acme, 'memberships', id, ROOT);
    expect([await statusOf(token), await statusOf(other)]).toEqual([401, 401]);
  });

  it('when the provider is no longer the one that vouched', async () => {
    const [token, other] = [await idToken('ada'), await idToken('rita')];
    const CHANGES: Record<string, string>[] = [
      { issuer: `${idp.issuer}/other` },
      { client_id: 'annals-two' },
      { jwks_url: `${idp.issuer}/nothing-here` },
      { domains: 'acme.test' },
    ];
    const right = {
      issuer: idp.issuer,
      client_id: 'annals',
      jwks_url: `${idp.issuer}/jwks`,
      domains: 'acme.example,acme.test',
    };
    for (const change of CHANGES) {
      expect(await statusOf(token)).toBe(200);
      await update(change);
      expect(await statusOf(token), JSON.stringify(change)).toBe(401);
      // Looked at again, and still vouched for: only the domain of the other one is gone.
      expect(await statusOf(other)).toBe('domains' in change ? 200 : 401);
      await update(right);
    }
    await update({ name: 'Another name' });
    expect(await statusOf(token)).toBe(200);
    const view = await timed.directory.view(acme);
    expect(view.get('identity_providers', provider)?.state.status).toBe('verified');
  });
});

describe('two organizations with one issuer', () => {
  it('are opened each by the tokens for its own client', async () => {
    const { directory } = timed;
    const other = await organizationOf(directory, 'other');
    await trust(directory, other, idp.issuer, { client_id: 'annals-two' });
    await invite(directory, other, ACCOUNTS.ada.email, 'read_only');
    const [own, theirs] = [await idToken('ada'), await idToken('ada', 'annals-two')];
    expect((await timed.ask(own, 'POST', '/v1/changes', CHANGE)).status).toBe(201);
    expect((await timed.ask(theirs, 'POST', '/v1/changes', CHANGE)).status).toBe(403);
    expect((await timed.ask(own, 'GET', '/v1/resources/notes/1')).status).toBe(200);
    expect((await timed.ask(theirs, 'GET', '/v1/resources/notes/1')).status).toBe(404);
    expect((await timed.ask(own, 'GET', '/reltio/api/other/entities/1/_changes')).status).toBe(
      (await timed.ask(own, 'GET', '/reltio/api/nowhere/entities/1/_changes')).status,
    );
  });

  it('and one client are told apart by their members; the first that was verified keeps its own', async () => {
    const { directory } = timed;
    expect(await statusOf(await idToken('ada'))).toBe(200);
    const other = await organizationOf(directory, 'other');
    await trust(directory, other, idp.issuer);
    await invite(directory, other, ACCOUNTS.ada.email, 'admin');
    await invite(directory, other, ACCOUNTS.nick.email, 'admin');
    timed.pass(FORGOTTEN_MS);
    const organizationIn = async (account: string): Promise<string | undefined> => {
      const { json } = await timed.ask(await idToken(account), 'PUT', '/v1/resources/notes/of', { account });
      const { id } = json as { id: string };
      for (const organization of [acme, other]) {
        const url = `/v1/changes/${id}`;
        const { statusCode } = await timed.server.app.inject({
          url,
          headers: { authorization: `Bearer ${ROOT_TOKEN}`, 'annals-organization': organization.id },
        });
        if (statusCode === 200) return organization.slug;
      }
      return undefined;
    };
    expect(await organizationIn('nick')).toBe('other');
    expect(await organizationIn('ada')).toBe('acme');
  });
});

describe('a provider', () => {
  it('that was made a moment ago is found', async () => {
    const other = await organizationOf(timed.directory, 'other');
    await invite(timed.directory, other, ACCOUNTS.nick.email, 'admin');
    const token = await idToken('nick', 'annals-two');
    expect(await statusOf(token)).toBe(401);
    await trust(timed.directory, other, idp.issuer, { client_id: 'annals-two' });
    timed.pass(1_100);
    expect(await statusOf(token)).toBe(200);
  });

  it('whose keys are others now is asked for them: tokens of the new one are good, of the old one not', async () => {
    const [old, unseen] = [await idToken('ada'), await idToken('rita')];
    expect(await statusOf(old)).toBe(200);
    await idp.rotateKeys();
    const fresh = await idToken('rita');
    await expect.poll(() => statusOf(fresh), { timeout: 10_000, interval: 100 }).toBe(200);
    expect(await statusOf(unseen)).toBe(401);
    timed.pass(FORGOTTEN_MS);
    expect(await statusOf(old)).toBe(401);
    expect(await statusOf(await idToken('ada'))).toBe(200);
  });

  it('is asked for its keys once, however many tokens come', async () => {
    const tokens = await Promise.all(Array.from({ length: 8 }, () => idToken('rita')));
    const before = idp.keyRequests;
    expect(await Promise.all(tokens.map((token) => statusOf(token)))).toEqual(Array(8).fill(200));
    expect(idp.keyRequests).toBe(before + 1);
  });

  it('that is down takes nobody with it: known tokens go on, new ones are refused until it is up', async () => {
    const cold = await startTimedServer();
    const organization = await organizationOf(cold.directory, 'acme');
    await trust(cold.directory, organization, idp.issuer);
    await invite(cold.directory, organization, ACCOUNTS.ada.email, 'admin');
    const token = await idToken('ada');
    expect(await statusOf(token)).toBe(200);
    await idp.goDown();
    try {
      expect(await statusOf(token)).toBe(200);
      const refused = await cold.ask(token, 'GET', '/v1/changes');
      expect(refused.status).toBe(401);
      expect(refused.text).not.toMatch(/ECONN|jwks|fetch|127\.0\.0\.1/);
      expect((await cold.ask(ROOT_TOKEN, 'GET', '/v1/changes')).status).toBe(200);
      expect((await cold.ask('', 'GET', '/readyz')).status).toBe(200);
    } finally {
      await idp.comeUp();
    }
    expect(await statusOf(token, cold), 'for a moment it is not asked again').toBe(401);
    cold.pass(2_100);
    expect(await statusOf(token, cold)).toBe(200);
    await cold.stop();
  });
});
