// Whoever may write the log could make themselves a role, a member or a credential there, were the
// directory's resources not its own: every way to write is refused, and leaves nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, startServer, type TestServer } from './harness.ts';
import { bearing, newToken } from './tokens.ts';

const ID = 'dir_abcdefghij';
const NDJSON = { 'content-type': 'application/x-ndjson' };
const TYPES = [
  'api_credentials',
  'application_memberships',
  'identity_providers',
  'memberships',
  'membership_profiles',
  'permissions',
  'personal_access_tokens',
  'roles',
  'users',
];

let server: TestServer;
let headers: Record<string, string>;
let admin: string;
beforeAll(async () => {
  server = await startServer('memory:');
  headers = bearing((await newToken(server.annals.directory, ['read', 'write'])).secret);
  const { json } = await server.request('GET', '/v1/resources?type=roles');
  const { data } = json as { data: { resource: { id: string }; state: { kind: string } }[] };
  admin = String(data.find(({ state }) => state.kind === 'admin')?.resource.id);
});
afterAll(() => server.stop());

function change(type: string, id: string, more: object = {}): object {
  return {
    resource: { type, id },
    action: 'create',
    actor: { type: 'user', id: 'mallory' },
    after: { name: 'Mine', kind: 'admin', secret_hash: 'mine' },
    ...more,
  };
}

async function root(): Promise<unknown> {
  return (await server.request('GET', '/v1/head')).json;
}

/** Sends a request that is to be refused, with a token that may write and with the root token. */
async function refused(
  method: string,
  path: string,
  body?: unknown,
  more: Record<string, string> = {},
): Promise<Answer[]> {
  const before = await root();
  const answers = [
    await server.request(method, path, body, { ...headers, ...more }),
    await server.request(method, path, body, more),
  ];
  expect(await root()).toEqual(before);
  return answers;
}

describe('a resource of the directory', () => {
  it.each(TYPES)('of the type %s is not written by a change', async (type) => {
    for (const answer of await refused('POST', '/v1/changes', change(type, ID))) {
      expect(answer, answer.text).toMatchObject({ status: 403, json: { code: 'reserved', got: ID } });
    }
  });

  it('is not updated, deleted or accessed by a change', async () => {
    for (const more of [
      { action: 'update', after: { kind: 'custom' } },
      { action: 'delete', after: undefined },
      { action: 'access', after: undefined },
    ]) {
      for (const answer of await refused('POST', '/v1/changes', change('roles', admin, more))) {
        expect(answer, answer.text).toMatchObject({ status: 403, json: { code: 'reserved' } });
      }
    }
  });

  it('is not written by an array, of which nothing is kept', async () => {
    const changes = [change('orders', '1'), change('roles', 'mine'), change('roles', ID)];
    for (const answer of await refused('POST', '/v1/changes', changes)) {
      expect(answer, answer.text).toMatchObject({ status: 403, json: { code: 'reserved', index: 2 } });
    }
  });

  it('is not written by a line, between lines that are kept', async () => {
    const lines = [change('orders', 'a'), change('roles', ID), change('roles', admin), change('orders', 'b')];
    const body = lines.map((line) => JSON.stringify(line)).join('\n');
    const { status, text } = await server.request('POST', '/v1/changes', body, { ...headers, ...NDJSON });
    expect(status).toBe(200);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual([
      expect.objectContaining({ changed: true }),
      { line: 2, error: expect.objectContaining({ code: 'reserved' }) },
      { line: 3, error: expect.objectContaining({ code: 'reserved' }) },
      expect.objectContaining({ changed: true }),
    ]);
    const { json } = await server.request('GET', `/v1/changes?resource=roles/${ID}`);
    expect(json).toMatchObject({ data: [] });
  });

  it('is not put, patched or deleted', async () => {
    for (const id of [ID, admin]) {
      const path = `/v1/resources/roles/${id}`;
      for (const [method, body, more] of [
        ['PUT', { kind: 'admin' }, {}],
        ['PUT', { kind: 'admin' }, { 'if-none-match': '*' }],
        ['PATCH', { kind: 'admin' }, { 'content-type': 'application/merge-patch+json' }],
        [
          'PATCH',
          [{ op: 'add', path: '/kind', value: 'admin' }],
          { 'content-type': 'application/json-patch+json' },
        ],
        ['DELETE', undefined, {}],
      ] as const) {
        for (const answer of await refused(method, path, body, more)) {
          expect(answer, `${method} ${answer.text}`).toMatchObject({
            status: 403,
            json: { code: 'reserved' },
          });
        }
      }
    }
  });

  it('is not written by another spelling of the path', async () => {
    for (const path of [`/v1/resources/roles/%64ir_abcdefghij`, `/v1/resources/%72oles/dir%5Fabcdefghij`]) {
      for (const answer of await refused('PUT', path, { kind: 'admin' })) {
        expect(answer, answer.text).toMatchObject({ status: 403, json: { code: 'reserved' } });
      }
    }
  });

  it('is not written under an idempotency key that was good for something else', async () => {
    const key = { ...headers, 'idempotency-key': 'one' };
    expect((await server.request('POST', '/v1/changes', change('orders', 'keyed'), key)).status).toBe(201);
    const before = await root();
    const again = await server.request('POST', '/v1/changes', change('roles', ID), key);
    expect([403, 422]).toContain(again.status);
    expect(await root()).toEqual(before);
  });
});

describe('what an application writes beside the directory', () => {
  it('opens nothing: no role, no credential, no member', async () => {
    const related = [{ type: 'annals.directory', id: (await own()).id }];
    const forged = ['admin', 'Dir_abcdefghij', 'dir-abcdefghij'].flatMap((id) =>
      TYPES.map((type) => change(type, id, { related })),
    );
    expect((await server.request('POST', '/v1/changes', forged, headers)).status).toBe(201);
    const tokens = (await server.request('GET', '/v1/tokens')).json as { data: { id: string }[] };
    expect(tokens.data.map(({ id }) => id.slice(0, 4))).toEqual(['dir_']);
    const roles = (await server.request('GET', '/api/roles')).json as { data: { id: string }[] };
    expect(roles.data).toHaveLength(2);
    expect((await server.request('GET', '/api/memberships')).json).toMatchObject({ data: [] });
  });

  async function own(): Promise<{ id: string }> {
    return (await server.request('GET', '/v1/organizations/default')).json as { id: string };
  }
});
