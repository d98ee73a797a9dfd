// Guessing is slowed: after too many wrong tokens from an address no other is looked at for a while, in any
// dialect; tokens that were good go on.

import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { afterEach, describe, expect, it } from 'vitest';
import type { Answer } from './harness.ts';
import { Home, startWorld, type World } from './world.ts';

const MOST = 5;
const SECONDS = 60;

let world: World;
afterEach(() => world?.stop());

async function start(): Promise<Home> {
  world = await startWorld({
    guesses: {
      failures: { requests: MOST, seconds: SECONDS },
      tokens: { requests: MOST, seconds: SECONDS },
    },
  });
  return Home.of(world, 'default');
}

let guesses = 0;
function guess(path = '/v1/head', method = 'GET', body?: object): Promise<Answer> {
  guesses += 1;
  return world.ask(`a guess ${guesses}`.replaceAll(' ', '-'), method, path, body && { body });
}

async function guessTooOften(): Promise<void> {
  for (let n = 0; n < MOST; n++) expect((await guess()).status).toBe(401);
}

describe('an address from which too many tokens were wrong', () => {
  it('is told by every dialect, in its own form, when to try again', async () => {
    await start();
    await guessTooOften();
    const search = '/management/v1/orgs/me/changes/_search';
    const rpc = `/zitadel.management.v1.ManagementService/ListOrgChanges`;
    const refusals: [Promise<Answer>, type: string, body: object][] = [
      [
        guess(),
        'application/problem+json',
        { code: 'too_many_requests', status: 429, retryAfterSeconds: SECONDS },
      ],
      [
        guess('/api/roles'),
        'application/vnd.api+json',
        { errors: [{ code: 'TOO_MANY_REQUESTS', status: '429' }] },
      ],
      [
        guess('/reltio/api/default/entities/x'),
        'application/json',
        { severity: 'Error', errorMessage: 'Too many requests' },
      ],
      [
        guess('/history/'),
        'application/json',
        { detail: `Request was throttled. Expected available in ${SECONDS} seconds.` },
      ],
      [guess(search, 'POST', {}), 'application/json', { code: Code.ResourceExhausted }],
      [guess(rpc, 'POST', {}), 'application/json', { code: 'resource_exhausted' }],
    ];
    const answers = await Promise.all(refusals.map(([answer]) => answer));
    for (const [index, { status, headers, json }] of answers.entries()) {
      const [, type, body] = refusals[index] as (typeof refusals)[number];
      expect(status).toBe(429);
      expect(headers.get('content-type')?.split(';')[0]).toBe(type);
      expect(headers.get('retry-after')).toBe(String(SECONDS));
      expect(json).toMatchObject(body);
    }
  });

  it('is told so over gRPC, in the metadata of the status', async () => {
    await start();
    await guessTooOften();
    const client = createClient(ManagementService, createGrpcTransport({ baseUrl: world.url }));
    const headers = { authorization: 'Bearer another-guess' };
    const error = await client.listOrgChanges({}, { headers }).catch(ConnectError.from);
    expect(error).toMatchObject({ code: Code.ResourceExhausted });
    expect((error as ConnectError).metadata.get('retry-after')).toBe(String(SECONDS));
  });

  it('goes on with the tokens that were good, also when they must be looked at again', async () => {
    const home = await start();
    const credential = await home.credential('good', await home.builtIn('admin'));
    const access = await home.accessToken(credential);
    const statusOf = async (token: string): Promise<number> =>
      (await world.ask(token, 'GET', '/v1/head')).status;
    for (const token of [credential.secret, access]) expect(await statusOf(token)).toBe(200);
    const unseen = await home.credential('not seen yet', await home.builtIn('admin'));
    await guessTooOften();
    expect((await guess()).status).toBe(429);
    expect(await statusOf(unseen.secret)).toBe(429);
    for (const token of [credential.secret, access]) expect(await statusOf(token)).toBe(200);
    // An access token is looked at again every few seconds, and each after any was revoked.
    world.wait(6);
    expect(await statusOf(access)).toBe(200);
    world.annals.access.forget();
    for (const token of [credential.secret, access]) expect(await statusOf(token)).toBe(200);
  });

  it('shuts out a token that was good, and is over or revoked', async () => {
    const home = await start();
    const credential = await home.credential('good', await home.builtIn('admin'));
    const access = await home.accessToken(credential);
    expect((await world.ask(access, 'GET', '/v1/head')).status).toBe(200);
    await guessTooOften();
    await home.request('DELETE', `/api/api_credentials/${credential.id}`);
    expect((await world.ask(access, 'GET', '/v1/head')).status).toBe(401);
    expect((await world.ask(access, 'GET', '/v1/head')).status).toBe(429);
  });

  it('may try again later', async () => {
    const home = await start();
    const { secret } = await home.credential('good', await home.builtIn('admin'));
    await guessTooOften();
    expect((await world.ask(secret, 'GET', '/v1/head')).status).toBe(429);
    world.wait(2 * SECONDS);
    expect((await world.ask(secret, 'GET', '/v1/head')).status).toBe(200);
  });

  it('is not an address from which tokens were missing, or good ones were not allowed', async () => {
    const home = await start();
    const { secret } = await home.credential('without a role');
    for (let n = 0; n < 2 * MOST; n++) {
      expect((await world.ask(undefined, 'GET', '/v1/head')).status).toBe(401);
      expect((await world.ask(secret, 'GET', '/v1/head')).status).toBe(403);
    }
    expect((await guess()).status).toBe(401);
  });
});

describe('/oauth/token and /oauth/revoke', () => {
  it('are limited by address, and say when to try again', async () => {
    const home = await start();
    const { id, secret } = await home.credential('good');
    const ask = (client_secret: string, path = '/oauth/token'): Promise<Answer> =>
      world.ask(undefined, 'POST', path, {
        body: { grant_type: 'client_credentials', client_id: id, client_secret },
      });
    for (let n = 0; n < MOST; n++) expect((await ask(`wrong ${n}`)).status).toBe(401);
    for (const path of ['/oauth/token', '/oauth/revoke']) {
      const { status, headers, json } = await ask(secret, path);
      expect(status).toBe(429);
      expect(headers.get('retry-after')).toBe(String(SECONDS));
      expect(json).toMatchObject({ error: 'too_many_requests' });
    }
    world.wait(2 * SECONDS);
    expect((await ask(secret)).status).toBe(200);
  });

  it('tell an unknown client from a wrong secret by nothing', async () => {
    const home = await start();
    const { id } = await home.credential('good');
    const texts = await Promise.all(
      [id, 'dir_NobodyHere'].map(async (client_id) => {
        const body = { grant_type: 'client_credentials', client_id, client_secret: 'wrong' };
        return (await world.ask(undefined, 'POST', '/oauth/token', { body })).text;
      }),
    );
    expect(texts[0]).toBe(texts[1]);
  });
});
