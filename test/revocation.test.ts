// What is revoked, and what a role allows, counts from the next request on, in every dialect.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Home, startWorld, type World } from './world.ts';

let world: World;
let home: Home;
let admin: string;

beforeAll(async () => {
  world = await startWorld();
  home = await Home.of(world, 'default');
  admin = await home.builtIn('admin');
  await home.request('PUT', '/v1/resources/things/one', { body: {} });
});
afterAll(() => world?.stop());

/** A request of every dialect, and how it refuses those whom it knows. */
const READS: Record<string, { method: string; path: string; forbidden: number }> = {
  native: { method: 'GET', path: '/v1/changes?limit=1', forbidden: 403 },
  'Commerce Layer': { method: 'GET', path: '/api/versions', forbidden: 401 },
  Reltio: { method: 'GET', path: '/reltio/api/default/entities/one', forbidden: 403 },
  Crego: { method: 'GET', path: '/history/', forbidden: 403 },
  'Zitadel, REST': { method: 'POST', path: '/management/v1/orgs/me/changes/_search', forbidden: 403 },
  'Zitadel, Connect': {
    method: 'POST',
    path: '/zitadel.management.v1.ManagementService/ListOrgChanges',
    forbidden: 403,
  },
};

/** The statuses of all dialects. */
async function statuses(token: string): Promise<Record<string, number>> {
  const entries = Object.entries(READS).map(async ([name, { method, path }]) => {
    const { status } = await world.ask(token, method, path, method === 'POST' ? { body: {} } : {});
    return [name, status] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

const all = (status: number): object => Object.fromEntries(Object.keys(READS).map((name) => [name, status]));
const ALLOWED = all(200);
const UNKNOWN = all(401);
const FORBIDDEN = Object.fromEntries(Object.entries(READS).map(([name, { forbidden }]) => [name, forbidden]));

describe('on the next request in every dialect', () => {
  it('a credential that was deleted is unknown, and so is every access token of it', async () => {
    const credential = await home.credential('doomed', admin);
    const access = await home.accessToken(credential);
    for (const token of [credential.secret, access]) expect(await statuses(token)).toEqual(ALLOWED);
    await home.request('DELETE', `/api/api_credentials/${credential.id}`);
    for (const token of [credential.secret, access]) expect(await statuses(token)).toEqual(UNKNOWN);
    expect(await home.accessToken(credential)).toBeUndefined();
  });

  it('a token that was deleted by the native API is unknown', async () => {
    const { id, secret } = await home.nativeToken({ scopes: ['read'] });
    expect(await statuses(secret)).toEqual(ALLOWED);
    await home.request('DELETE', `/v1/tokens/${id}`);
    expect(await statuses(secret)).toEqual(UNKNOWN);
  });

  it('an access token that was revoked is unknown, and its sister goes on', async () => {
    const credential = await home.credential('ends one', admin);
    const [ended, sister] = [await home.accessToken(credential), await home.accessToken(credential)];
    for (const token of [ended, sister]) expect(await statuses(token)).toEqual(ALLOWED);
    const { id: client_id, secret: client_secret } = credential;
    await world.ask(undefined, 'POST', '/oauth/revoke', { body: { client_id, client_secret, token: ended } });
    expect(await statuses(ended)).toEqual(UNKNOWN);
    expect(await statuses(sister)).toEqual(ALLOWED);
  });

  it('an access token whose time is over is unknown', async () => {
    const access = await home.accessToken(await home.credential('for a while', admin));
    expect(await statuses(access)).toEqual(ALLOWED);
    world.wait(7_201);
    expect(await statuses(access)).toEqual(UNKNOWN);
  });

  it('a member who left is unknown, with every token of theirs', async () => {
    const { id, secret } = await home.member('leaving@home.example', admin);
    const second = await home.nativeToken({ membership: id });
    for (const token of [secret, second.secret]) expect(await statuses(token)).toEqual(ALLOWED);
    await home.request('DELETE', `/api/memberships/${id}`);
    for (const token of [secret, second.secret]) expect(await statuses(token)).toEqual(UNKNOWN);
  });

  it('another role of a credential and of a member counts', async () => {
    const nothing = await home.role('nothing');
    const { id, secret } = await home.credential('changes roles', admin);
    const access = await home.accessToken({ id, secret });
    const member = await home.member('changes@home.example', admin);
    const tokens = [secret, access, member.secret];
    for (const role of [nothing, admin, nothing]) {
      await home.update('api_credentials', id, {}, { role });
      await home.update('memberships', member.id, {}, { role });
      for (const token of tokens) expect(await statuses(token)).toEqual(role === admin ? ALLOWED : FORBIDDEN);
    }
  });

  it('another permission of their role counts', async () => {
    const role = await home.role('readers', 'read changes', 'read resources', 'read versions');
    const { secret } = await home.credential('reads', role);
    const member = await home.member('reads@home.example', role);
    const { json } = await home.request('GET', `/api/roles/${role}/permissions`);
    const permissions = (json as { data: { id: string }[] }).data;
    for (const can_read of [false, true, false]) {
      for (const { id } of permissions) await home.update('permissions', id, { can_read });
      for (const token of [secret, member.secret])
        expect(await statuses(token)).toEqual(can_read ? ALLOWED : FORBIDDEN);
    }
  });
});

describe('a role that changes while a member signs in for the first time', () => {
  it('counts from then on', async () => {
    const nothing = await home.role('nothing yet');
    for (let n = 0; n < 10; n++) {
      const user_email = `first-${n}@home.example`;
      const { id: membership } = await home.make('memberships', { user_email }, { role: admin });
      const { secret } = await home.nativeToken({ membership });
      await Promise.all([
        statuses(secret),
        home.update('memberships', membership, {}, { role: nothing }),
        statuses(secret),
      ]);
      expect(await statuses(secret)).toEqual(FORBIDDEN);
    }
  });
});
