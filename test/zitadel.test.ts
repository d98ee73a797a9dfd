// The Zitadel dialect through a started server: the vendor's clients over every transport, the examples
// of the documentation, who may read, and the wire's own words for what is wrong.

import { readdirSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { createServerTransport } from '@zitadel/client/node';
import { createAdminServiceClient, createAuthServiceClient } from '@zitadel/client/v1';
import { createAccessTokenInterceptor, createAdminClient } from '@zitadel/node/dist/api/index.js';
import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { Health, NOT_SERVING, SERVING } from '../src/dialects/zitadel/grpc/health-proto.ts';
import { ServerReflection, ServerReflectionAlpha } from '../src/dialects/zitadel/grpc/reflection-proto.ts';
import { start } from '../src/main.ts';
import { type Answer, ROOT_TOKEN, startServer, type TestServer } from './harness.ts';
import { bearing, makeEmptyOrganization, makeOrganization, makeToken } from './tokens.ts';
import { byHttp2, clients, refusalOf, type ZitadelClient } from './zitadel-clients.ts';

interface Fixture {
  source: string;
  changes: object[];
  requests: {
    path: string;
    headers?: Record<string, string>;
    body?: object;
    status?: number;
    /** As the page shows it. */
    example: object;
    answer: object;
  }[];
}

const FIXTURES = new URL('../src/dialects/zitadel/fixtures/', import.meta.url);
const fixtures = readdirSync(FIXTURES).map((file): [string, string] => [
  file,
  readFileSync(new URL(file, FIXTURES), 'utf8'),
]);

const ORG_CHANGES = '/management/v1/orgs/me/changes/_search';
const APP_CHANGES = '/management/v1/projects/p1/apps/a1/changes/_search';
const GIGI = {
  type: 'user',
  id: 'u1',
  name: 'Gigi Giraffe',
  loginName: 'gigi@acme',
  avatarUrl: 'https://a.example/g',
};

let server: TestServer;
let org: string;
let transports: [string, ZitadelClient][];
beforeAll(async () => {
  server = await startServer();
  org = (await server.annals.directory.organization('default'))?.id ?? '';
  transports = Object.entries(clients).map(([name, make]) => [name, make(server.url, server.token)]);
  const about = { resource: { type: 'organizations', id: org }, actor: GIGI };
  await record([
    { ...about, action: 'create', occurredAt: '2020-01-01T00:00:00Z', after: { name: 'A' } },
    {
      ...about,
      action: 'update',
      event: 'org.domain.verified',
      actor: { type: 'system', id: 'SYSTEM' },
      after: {},
    },
    change('apps', 'a1', 'create', { related: [{ type: 'projects', id: 'p1' }] }),
    change('apps', 'a1', 'update', { related: [{ type: 'projects', id: 'p2' }] }),
    change('notes', 'n1', 'create', {
      related: [{ type: 'organizations', id: org }],
      event: 'org.idp.google.added',
    }),
    change('projects', 'p1', 'access'),
    change('users', 'root', 'create'),
    change('users', 'u7', 'delete', { related: [{ type: 'project_grants', id: 'g1' }] }),
  ]);
});
afterAll(() => server.stop());

async function record(changes: object[], organization = 'default'): Promise<void> {
  const answer = await server.request('POST', '/v1/changes', changes, {
    'annals-organization': organization,
  });
  expect(answer.status, answer.text).toBe(201);
}

function change(type: string, id: string, action: string, given: object = {}): object {
  const after = action === 'create' || action === 'update' ? { after: { n: crypto.randomUUID() } } : {};
  return { resource: { type, id }, action, actor: GIGI, ...after, ...given };
}

function post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
  return server.request('POST', path, body, headers);
}

/** The sequences of a list's answer. */
function sequences({ json, text }: Answer): string[] {
  const { result = [] } = json as { result?: { sequence: string }[] };
  expect(Array.isArray(result), text).toBe(true);
  return result.map(({ sequence }) => sequence);
}

/** The type of every member, by its path. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}

describe('the examples of the documentation', () => {
  it.each(fixtures)('are answered as %s says', async (file, text) => {
    const slug = file.replace('.json', '');
    const id = await makeEmptyOrganization(server, slug);
    const { changes, requests } = JSON.parse(text.replaceAll('$organization', id)) as Fixture;
    if (changes.length > 0) await record(changes, slug);
    for (const { path, headers, body, status = 200, example, answer } of requests) {
      const { json, ...got } = await post(path, body, { 'x-zitadel-orgid': id, ...headers });
      expect(got.status, got.text).toBe(status);
      expect(json).toEqual(answer);
      expect(shapeOf(json)).toMatchObject(shapeOf(example) as object);
    }
  });
});

describe.each(Object.keys(clients))('%s', (name) => {
  const client = (): ZitadelClient => transports.find(([other]) => other === name)?.[1] as ZitadelClient;

  it('reads the history of the organization', async () => {
    const changes = await client().org({ limit: 2, asc: true });
    expect(changes).toEqual([
      {
        date: '2020-01-01T00:00:00.000Z',
        key: 'EventTypes.org.added',
        text: 'Organization created',
        sequence: '1',
        editor: 'u1',
        name: 'Gigi Giraffe',
        owner: org,
        loginName: 'gigi@acme',
        avatarUrl: 'https://a.example/g',
      },
      {
        date: expect.any(String),
        key: 'EventTypes.org.domain.verified',
        text: 'Domain ownership proven',
        sequence: '2',
        editor: 'SYSTEM',
        name: '',
        owner: org,
        loginName: '',
        avatarUrl: '',
      },
    ]);
  });

  it('pages by the last sequence, in either direction', async () => {
    expect((await client().org({})).map(({ sequence }) => sequence)).toEqual(['5', '2', '1']);
    expect((await client().org({ sequence: 5, limit: 1 })).map(({ sequence }) => sequence)).toEqual(['2']);
    expect((await client().org({ sequence: 2, asc: true })).map(({ sequence }) => sequence)).toEqual(['5']);
    expect(await client().org({ sequence: 1 })).toEqual([]);
  });

  it('reads the history of an application in its project', async () => {
    const changes = await client().app('p1', 'a1', {});
    expect(changes.map(({ key, sequence }) => [key, sequence])).toEqual([
      ['EventTypes.project.application.added', '3'],
    ]);
    expect(await client().app('p1', 'unknown', {})).toEqual([]);
  });

  it('reads German texts where it asks for them', async () => {
    const [first] = await client().org(
      { limit: 1, asc: true },
      { 'accept-language': 'fr, de-CH;q=0.9, en;q=0.5' },
    );
    expect(first?.text).toBe('Organisation angelegt');
  });

  it('is told that its token is bad', async () => {
    const refused = await refusalOf((clients[name] as (typeof clients)[string])(server.url, 'bad').org({}));
    expect(refused).toMatchObject({
      code: Code.Unauthenticated,
      message: 'Errors.Token.Invalid (AUTH-7fs1e)',
    });
    if (!name.startsWith('@zitadel/node')) expect(refused?.id).toBe('AUTH-7fs1e');
  });

  it('is told that an organization does not exist', async () => {
    const refused = await refusalOf(client().org({}, { 'x-zitadel-orgid': 'nowhere' }));
    expect(refused).toMatchObject({
      code: Code.PermissionDenied,
      message: "Organisation doesn't exist (AUTH-Bs7Ds)",
    });
  });

  it('is told that it asks for too many', async () => {
    const refused = await refusalOf(client().org({ limit: 1001 }));
    expect(refused).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining('(QUERY-4M0fs)'),
    });
  });

  it('is told that an id is too long', async () => {
    const refused = await refusalOf(client().app('p1', 'x'.repeat(201), {}));
    expect(refused).toEqual({
      code: Code.InvalidArgument,
      message: 'invalid ListAppChangesRequest.AppId: value length must be between 1 and 200 runes, inclusive',
    });
  });

  it('is told that an RPC is not implemented', async () => {
    expect(await refusalOf(client().unanswered())).toMatchObject({ code: Code.Unimplemented });
  });
});

describe('the other histories', () => {
  it.each([
    ['/management/v1/projects/p1/changes/_search', ['6', '3']],
    ['/management/v1/projects/p2/changes/_search', ['4']],
    ['/management/v1/projects/p1/grants/g1/changes/_search', ['8']],
    ['/management/v1/users/u7/changes/_search', ['8']],
    ['/auth/v1/users/me/changes/_search', ['7']],
    ['/projects/p1/apps/a1/changes/_search', ['3']],
    ['/management/v1/users/nobody/changes/_search', []],
  ])('are at %s', async (path, wanted) => {
    const answer = await post(path);
    expect([answer.status, sequences(answer)]).toEqual([200, wanted]);
  });

  it('belong to the organization that the header names, by id or slug', async () => {
    const id = await makeEmptyOrganization(server, 'other');
    await record([change('organizations', id, 'create')], 'other');
    for (const named of [id, 'other']) {
      const { json } = await post(ORG_CHANGES, {}, { 'x-zitadel-orgid': named });
      expect(json).toMatchObject({ result: [{ resourceOwnerId: id, sequence: '1' }] });
    }
  });

  it('are read over REST under gRPC metadata names as well', async () => {
    const answer = await post(ORG_CHANGES, {}, { 'grpc-metadata-x-zitadel-orgid': 'nowhere' });
    expect(answer.status).toBe(403);
  });
});

describe('where the query is read', () => {
  it('is the body for the organization, whatever the URL says', async () => {
    expect(sequences(await post(`${ORG_CHANGES}?query.limit=1`, { query: { limit: 2 } }))).toEqual([
      '5',
      '2',
    ]);
  });

  it.each([
    ['the URL, and then no body counts', '?query.limit=1', { query: { limit: 2 } }, 1],
    ['the URL by JSON names', '?query.limit=1&query.asc=true&unknown=x', undefined, 1],
    ['else the body', '', { query: { limit: 2 } }, 2],
    ['the body, even beside bare names', '?limit=1', { query: { limit: 2 } }, 2],
    ['else bare names', '?limit=1', undefined, 1],
    ['bare names beside a body without a query', '?limit=1', {}, 1],
    ['nothing at all', '', undefined, 3],
  ])('for an application, is %s', async (_, query, body, count) => {
    const project = crypto.randomUUID();
    const related = [{ type: 'projects', id: project }];
    await record(['create', 'update', 'update'].map((action) => change('apps', 'q', action, { related })));
    const answer = await post(`/management/v1/projects/${project}/apps/q/changes/_search${query}`, body);
    expect(sequences(answer)).toHaveLength(count);
  });

  it('for an application, is a form in the body too', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(sequences(await post(APP_CHANGES, 'query.sequence=3', form))).toEqual([]);
  });

  it('takes numbers as text, and null for none', async () => {
    const query = { sequence: '2', limit: '20', asc: null };
    expect(sequences(await post(ORG_CHANGES, { query, unknown: 1 }))).toEqual(['1']);
    expect(sequences(await post(ORG_CHANGES, { query: null }))).toHaveLength(3);
  });

  it('takes a JSON body under any content type, and no body at all', async () => {
    const plain = { 'content-type': 'text/plain' };
    expect(sequences(await post(ORG_CHANGES, '{"query":{"limit":1}}', plain))).toEqual(['5']);
    expect(sequences(await post(ORG_CHANGES))).toEqual(['5', '2', '1']);
  });

  it.each([
    [ORG_CHANGES, '{bad'],
    [ORG_CHANGES, '{"query":{"limit":-1}}'],
    [ORG_CHANGES, '{"query":{"asc":"true"}}'],
    [ORG_CHANGES, '{"query":{"sequence":"x"}}'],
    [ORG_CHANGES, '[]'],
    [`${APP_CHANGES}?query.limit=x`, undefined],
    [`${APP_CHANGES}?query.limit=4294967296`, undefined],
    [`${APP_CHANGES}?query.sequence=18446744073709551616`, undefined],
    [`${APP_CHANGES}?query.asc=maybe`, undefined],
    [`${APP_CHANGES}?query.limit=1&query.limit=2`, undefined],
    [`${APP_CHANGES}?limit=-1`, undefined],
  ])('is refused: %s %s', async (path, body) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({ code: 3, message: expect.stringMatching(/./) });
  });

  it('allows the greatest sequence there is', async () => {
    const greatest = '18446744073709551615';
    expect(sequences(await post(`${APP_CHANGES}?query.sequence=${greatest}`))).toEqual(['3']);
    expect(sequences(await post(`${APP_CHANGES}?query.sequence=${greatest}&query.asc=1`))).toEqual([]);
  });
});

describe('who may read', () => {
  const badToken = 'Errors.Token.Invalid (AUTH-7fs1e)';

  it.each([
    ['', 'auth header missing', undefined],
    ['Basic abc', 'invalid auth header (AUTH-toLo1)', 'AUTH-toLo1'],
    [`bearer ${ROOT_TOKEN}`, 'invalid auth header (AUTH-toLo1)', 'AUTH-toLo1'],
    ['Bearer Bearer x', 'invalid auth header (AUTH-toLo1)', 'AUTH-toLo1'],
    ['Bearer of-nobody', badToken, 'AUTH-7fs1e'],
    [`Bearer  ${ROOT_TOKEN}`, badToken, 'AUTH-7fs1e'],
  ])('is not said by "%s"', async (authorization, message, id) => {
    const { status, json, headers } = await post(ORG_CHANGES, {}, { authorization });
    const details = id && [
      { '@type': 'type.googleapis.com/zitadel.v1.ErrorDetail', id, message: expect.any(String) },
    ];
    expect(status).toBe(401);
    expect(json).toEqual({ code: 16, message, ...(details && { details }) });
    expect(headers.get('www-authenticate')).toBe(message);
  });

  it('is no token that may only write', async () => {
    await makeOrganization(server, 'writers');
    const writer = await makeToken(server, ['write'], 'writers');
    const { status, json } = await post(ORG_CHANGES, {}, bearing(writer));
    expect(status).toBe(403);
    expect(json).toMatchObject({ code: 7, message: 'No matching permissions found (AUTH-5mWD2)' });
  });

  it("is no token of another organization, and guessing another's slug confirms nothing", async () => {
    const id = await makeOrganization(server, 'secluded');
    const headers = bearing(await makeToken(server, ['read'], 'secluded'));
    const own = await post(ORG_CHANGES, {}, headers);
    expect(sequences(own)).toEqual(['4', '3', '2', '1']);
    const ask = (named: string): Promise<Answer> =>
      post(ORG_CHANGES, {}, { ...headers, 'x-zitadel-orgid': named });
    expect([(await ask(id)).text, (await ask('secluded')).text]).toEqual([own.text, own.text]);
    expect((await ask(org)).json).toMatchObject({ code: 5, message: 'membership not found (AUTHZ-cdgFk)' });
    for (const named of ['default', 'nowhere', crypto.randomUUID()]) {
      expect((await ask(named)).json).toMatchObject({
        code: 7,
        message: "Organisation doesn't exist (AUTH-Bs7Ds)",
      });
    }
  });

  it('comes before what is asked', async () => {
    const path = `/management/v1/users/${'x'.repeat(201)}/changes/_search`;
    expect((await post(path, {}, { authorization: 'Bearer of-nobody' })).status).toBe(401);
    expect((await post(path, {})).status).toBe(400);
  });
});

describe('REST', () => {
  it('says that answers are not to be kept', async () => {
    const { headers } = await post(ORG_CHANGES, {});
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'x-robots-tag': 'none',
    });
    expect(Date.parse(headers.get('expires') ?? '')).not.toBeNaN();
  });

  it.each([
    ['GET', '/management/v1/nothing', 404, { code: 5, message: 'Not Found' }],
    ['GET', '/management/v1/', 404, { code: 5, message: 'Not Found' }],
    ['GET', ORG_CHANGES, 405, { code: 12, message: 'Method Not Allowed' }],
    ['PUT', '/management/v1/healthz', 405, { code: 12, message: 'Method Not Allowed' }],
    ['GET', '/management/v1/orgs/me', 501, { code: 12 }],
    ['DELETE', '/management/v1/projects/p/roles/a/b/c', 501, { code: 12 }],
    ['POST', '/system/v1/instances/_search', 501, { code: 12 }],
    ['GET', '/management/v1/healthz', 200, {}],
    ['GET', '/admin/v1/healthz', 200, {}],
    ['GET', '/auth/v1/healthz', 200, {}],
  ])('answers %s %s with %i', async (method, path, status, body) => {
    const answer = await server.request(method, path, undefined, { authorization: '' });
    expect([answer.status, answer.json]).toEqual([status, expect.objectContaining(body)]);
  });

  it('refuses a body beyond 10 MiB', async () => {
    const answer = await post(ORG_CHANGES, 'x'.repeat(10 * 1024 * 1024 + 1));
    expect([answer.status, answer.json]).toEqual([429, { code: 8, message: expect.any(String) }]);
  });

  it('answers the old health paths', async () => {
    const healthz = await server.request('GET', '/debug/healthz');
    const ready = await server.request('GET', '/debug/ready');
    expect([healthz.status, healthz.text, ready.status, ready.text]).toEqual([200, 'ok', 200, '"ok"']);
  });

  it('leaves the other routes as they are', async () => {
    const wrong = await post('/other/path', {});
    expect([wrong.status, wrong.headers.get('content-type')]).toEqual([
      404,
      expect.stringMatching('problem'),
    ]);
    for (const path of ['/:a((/b', '/a/*/b']) expect((await post(path, {})).status).toBe(404);
    const text = await post('/v1/changes', 'text', { 'content-type': 'text/plain' });
    expect(text.status).toBe(415);
    expect((await post('/v1/changes', {}, { origin: 'https://a.example' })).headers.get('vary')).toBeNull();
  });
});

describe('browsers', () => {
  const origin = 'https://console.example';

  it.each([
    ORG_CHANGES,
    '/zitadel.management.v1.ManagementService/ListOrgChanges',
    '/projects/p/apps/a/changes/_search',
  ])('may ask before they ask %s', async (path) => {
    const headers = { origin, 'access-control-request-method': 'POST', authorization: '' };
    const answer = await server.request('OPTIONS', path, undefined, headers);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-allow-methods')).toMatch(/POST/);
    expect(answer.headers.get('access-control-allow-headers')).toMatch(/x-zitadel-orgid.*x-grpc-web/);
  });

  it('may read the answer, and the status of gRPC-web', async () => {
    const rest = await post(ORG_CHANGES, {}, { origin });
    const rpc = await post('/zitadel.management.v1.ManagementService/ListOrgChanges', {}, { origin });
    for (const { status, headers } of [rest, rpc]) {
      expect(status).toBe(200);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-expose-headers')).toMatch(/grpc-status/);
    }
  });
});

describe('the RPC transports', () => {
  const path = '/zitadel.management.v1.ManagementService/ListOrgChanges';

  it('want HTTP/2 for gRPC proper', async () => {
    expect((await post(path, '', { 'content-type': 'application/grpc' })).status).toBe(404);
  });

  it('answer Unimplemented for every service of Zitadel', async () => {
    const wanted = await byHttp2(server.url)(
      'POST',
      '/zitadel.org.v2.OrganizationService/AddOrganization',
      {},
    );
    expect(wanted.status).toBe(501);
    const answer = await post(
      '/zitadel.user.v2.UserService/Nothing',
      {},
      { 'content-type': 'application/grpc-web' },
    );
    expect([answer.status, answer.headers.get('grpc-status')]).toEqual([200, '12']);
  });

  it('refuse content types that are no protocol, and verbs that are no call', async () => {
    expect((await post(path, 'x', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await server.request('GET', path)).status).toBe(405);
  });

  it('refuse a message beyond 10 MiB', async () => {
    const client = createAdminClient(server.url, createAccessTokenInterceptor(server.token));
    const editorUserId = 'x'.repeat(10 * 1024 * 1024 + 1);
    expect(await refusalOf(client.listEvents({ editorUserId }))).toMatchObject({
      code: Code.ResourceExhausted,
    });
    const answer = await post('/zitadel.admin.v1.AdminService/ListEvents', { editorUserId });
    expect([answer.status, answer.json]).toEqual([
      429,
      expect.objectContaining({ code: 'resource_exhausted' }),
    ]);
  });

  it('answer many calls at once over one connection', async () => {
    const [, client] = transports[0] as [string, ZitadelClient];
    const answers = await Promise.all(Array.from({ length: 500 }, () => client.org({ limit: 1 })));
    expect(answers.filter(([first]) => first?.sequence === '5')).toHaveLength(500);
  });
});

describe('events', () => {
  const client = () => createAdminServiceClient(createServerTransport(server.token, { baseUrl: server.url }));

  it('show who did what to which aggregate', async () => {
    const { events } = await client().listEvents({ limit: 1, asc: true });
    expect(events).toMatchObject([
      {
        editor: { userId: 'u1', displayName: 'Gigi Giraffe', service: 'zitadel' },
        aggregate: {
          id: org,
          type: { type: 'org', localized: { key: 'AggregateTypes.org', localizedMessage: 'Organization' } },
          resourceOwner: org,
        },
        sequence: 1n,
        creationDate: { seconds: 1577836800n },
        payload: { '/name': [null, 'A'] },
        type: { type: 'org.added', localized: { localizedMessage: 'Organization created' } },
      },
    ]);
  });

  it('are limited to a thousand without a word', async () => {
    expect((await client().listEvents({ limit: 4_000_000_000 })).events.length).toBeLessThanOrEqual(1000);
  });

  it('take no more types than the rules allow', async () => {
    const refused = await refusalOf(
      client().listEvents({ eventTypes: Array.from({ length: 31 }, () => 'a') }),
    );
    expect(refused).toEqual({
      code: Code.InvalidArgument,
      message: 'invalid ListEventsRequest.EventTypes: value must contain no more than 30 item(s)',
    });
  });

  it('list their types, and those of aggregates', async () => {
    const { eventTypes } = await client().listEventTypes({});
    expect(eventTypes).toContainEqual(expect.objectContaining({ type: 'org.domain.primary.set' }));
    expect(eventTypes).toContainEqual(expect.objectContaining({ type: 'notes.added' }));
    const { aggregateTypes } = await client().listAggregateTypes({});
    const types = aggregateTypes.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['notes', 'org', 'project', 'project.application', 'user']));
  });

  it('are refused as the lists are', async () => {
    const writer = createClient(AdminService, createGrpcTransport({ baseUrl: server.url }));
    const headers = bearing(await makeToken(server, ['write']));
    expect(await refusalOf(writer.listEvents({}, { headers }))).toMatchObject({ id: 'AUTH-5mWD2' });
  });
});

describe('my own history', () => {
  it("is that of the token's id", async () => {
    const client = createAuthServiceClient(createServerTransport(server.token, { baseUrl: server.url }));
    const { result } = await client.listMyUserChanges({});
    expect(result.map(({ eventType }) => eventType?.key)).toEqual(['EventTypes.user.added']);
  });
});

describe('gRPC health', () => {
  it('says that the server and its services are well', async () => {
    const health = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
    expect((await health.check({})).status).toBe(SERVING);
    expect((await health.check({ service: AdminService.typeName })).status).toBe(SERVING);
    expect((await refusalOf(health.check({ service: 'x' })))?.code).toBe(Code.NotFound);
    expect(Object.keys((await health.list({})).statuses)).toContain(
      'zitadel.management.v1.ManagementService',
    );
  });
});

describe('gRPC reflection', () => {
  it.each([
    ['v1', ServerReflection],
    ['v1alpha', ServerReflectionAlpha],
  ])('%s describes what is served', async (_, service) => {
    const client = createClient(service, createGrpcTransport({ baseUrl: server.url }));
    const requests = [
      { case: 'listServices', value: '' },
      { case: 'fileContainingSymbol', value: 'zitadel.change.v1.ChangeQuery' },
      { case: 'fileByFilename', value: 'no.proto' },
    ] as const;
    const sent = (async function* () {
      for (const messageRequest of requests) yield { messageRequest };
    })();
    const answers: unknown[] = [];
    for await (const { messageResponse } of client.serverReflectionInfo(sent)) answers.push(messageResponse);
    const [services, file, missing] = answers as [
      { value: { service: { name: string }[] } },
      { value: { fileDescriptorProto: Uint8Array[] } },
      { case: string; value: { errorCode: number } },
    ];
    expect(services.value.service.map(({ name }) => name)).toContain(service.typeName);
    const names = file.value.fileDescriptorProto.map(
      (bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name,
    );
    expect(names).toContain('zitadel/change.proto');
    expect(missing).toMatchObject({ case: 'errorResponse', value: { errorCode: Code.NotFound } });
  });
});

describe('a server that stops', () => {
  it('ends idle sessions and watched statuses, and answers no more', async () => {
    const stopping = await startServer();
    const session = http2.connect(stopping.url);
    const health = createClient(Health, createGrpcTransport({ baseUrl: stopping.url }));
    const seen: number[] = [];
    const watched = (async () => {
      for await (const { status } of health.watch({})) seen.push(status);
    })().catch(() => undefined);
    await expect.poll(() => seen).toEqual([SERVING]);
    await stopping.stop();
    await watched;
    expect(seen.filter((status) => status !== SERVING && status !== NOT_SERVING)).toEqual([]);
    expect(session.closed || session.destroyed).toBe(true);
    await expect(fetch(stopping.url)).rejects.toThrow();
  });
});

describe('a server with a certificate', () => {
  it('serves gRPC and REST over TLS on its one port', async () => {
    const running = await start(
      readConfig({
        ANNALS_PORT: '0',
        ANNALS_ROOT_TOKEN: ROOT_TOKEN,
        ANNALS_LOG_LEVEL: 'silent',
        ANNALS_DATABASE_URL: 'memory:',
        ANNALS_TLS_CERT: 'testdata/tls/localhost.cert.pem',
        ANNALS_TLS_KEY: 'testdata/tls/localhost.key.pem',
        ANNALS_ZITADEL_MAX_CHANGES: '2',
      }),
    );
    expect(running.url).toMatch(/^https:/);
    const nodeOptions = { ca: readFileSync('testdata/tls/localhost.cert.pem') };
    const transport = createGrpcTransport({ baseUrl: running.url, nodeOptions });
    const client = createClient(AdminService, transport);
    expect((await client.listEvents({}, { headers: bearing(ROOT_TOKEN) })).events).toEqual([]);
    await running.stop();
  });

  it('is not started with half of what it needs', () => {
    expect(() => readConfig({ ANNALS_TLS_CERT: 'a.pem' })).toThrow(/ANNALS_TLS_KEY is missing/);
    expect(() => readConfig({ ANNALS_ZITADEL_MAX_CHANGES: '0' })).toThrow(/whole number/);
  });
});
