// The Versions API as its vendor's published client uses it, against a started server.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { json as jsonOf } from 'node:stream/consumers';
import type published from '@commercelayer/provisioning-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor, Change } from '../src/core/entry.ts';
import type { JsonObject } from '../src/core/json.ts';
import { startServer, type TestServer } from './harness.ts';

// The package's types say that it is a function; for Node it is an object that has that function.
const { CommerceLayerProvisioning } = createRequire(import.meta.url)('@commercelayer/provisioning-sdk') as {
  CommerceLayerProvisioning: typeof published;
};

type Client = ReturnType<typeof published>;

/** What the client throws where it is refused. */
interface ApiError {
  name: string;
  status: number;
  message: string;
  errors: object[];
}

const ADA: Actor = { type: 'user', id: 'ada' };
let server: TestServer;
let client: Client;
/** The request lines that the client has sent. */
const sent: string[] = [];

function fixture<Content>(name: string): Content {
  const file = new URL(`../src/dialects/commercelayer/fixtures/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Content;
}

/** The vendor's client; its address is fixed, so its requests are turned to the server. */
function clientWith(accessToken: string, refreshToken?: (old: string) => Promise<string>): Client {
  const { host } = new URL(server.url);
  return CommerceLayerProvisioning({
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    fetch: (input, init) => {
      const url = new URL(input as string | URL);
      sent.push(`${init?.method ?? 'GET'} ${url.pathname}${url.search}`);
      url.protocol = 'http:';
      url.host = host;
      return fetch(url, init);
    },
  });
}

let made = 0;
function changeOf(type: string, id: string, after: JsonObject | null, given: Partial<Change> = {}): Change {
  made += 1;
  const occurredAt = Date.UTC(2024, 0, 1) * 1000 + made * 1_000_000;
  const base = { id: crypto.randomUUID(), occurredAt, resource: { type, id }, actor: ADA };
  return { ...base, ...(after === null ? { action: 'delete' } : { action: 'update', after }), ...given };
}

async function refused(call: Promise<unknown>): Promise<ApiError> {
  return call.then(
    () => {
      throw new Error('the call was not refused');
    },
    (error: ApiError) => error,
  );
}

beforeAll(async () => {
  server = await startServer();
  client = clientWith(server.token);
  const { id: log } = (await server.annals.directory.organization('default')) as { id: string };
  const { recorded } = fixture<{ recorded: object[] }>('version');
  expect((await server.request('POST', '/v1/changes', recorded)).status).toBe(201);
  const access: Change = {
    id: crypto.randomUUID(),
    resource: { type: 'roles', id: 'r1' },
    action: 'access',
    actor: ADA,
  };
  await server.annals.record(log, [
    changeOf('roles', 'r1', { name: 'Editors', kind: 'custom' }, { action: 'create' }),
    changeOf('roles', 'r1', { name: 'Writers', kind: 'custom', updated_at: 'later' }),
    changeOf('roles', 'r1', {
      name: 'Writers',
      kind: 'custom',
      updated_at: 'later',
      _add_missing_base_permissions: true,
    }),
    changeOf('roles', 'r1', {
      name: 'Writers',
      kind: 'custom',
      updated_at: 'later',
      _add_missing_base_permissions: true,
    }),
    access,
    changeOf('roles', 'r1', null),
    changeOf('permissions', 'p1', { can_read: true }, { action: 'create' }),
    changeOf('permissions', 'p1', { can_read: false }),
    changeOf('memberships', 'm1', { status: 'pending' }, { action: 'create' }),
    changeOf('memberships', 'm1', { status: 'active' }),
    changeOf('memberships', 'm1', null),
    changeOf('organizations', 'o1', { name: 'ACME' }, { action: 'create' }),
    changeOf('users', 'u1', { email: 'a@example.com' }, { action: 'create' }),
    changeOf(
      'orders',
      'x',
      { status: 'draft' },
      { action: 'create', metadata: { reference: 'r-1', reference_origin: 'shop', foo: 'bar' } },
    ),
    changeOf('orders', 'x', { status: 'placed' }),
    changeOf('orders', 'x', null),
  ]);
});
afterAll(() => server.stop());

describe('the vendor’s client', () => {
  it('lists versions, with their exact number', async () => {
    const page = await client.versions.list({
      filters: { resource_type_eq: 'orders' },
      sort: { created_at: 'asc' },
    });
    expect(page.recordCount).toBe(3);
    expect(page.pageCount).toBe(1);
    expect(Array.from(page, ({ event, changes }) => [event, changes])).toEqual([
      ['create', { status: [null, 'draft'] }],
      ['update', { status: ['draft', 'placed'] }],
      ['destroy', { status: ['placed', null] }],
    ]);
    expect(page[0]).toMatchObject({
      type: 'versions',
      resource_type: 'orders',
      resource_id: 'x',
      reference: 'r-1',
      reference_origin: 'shop',
      metadata: { reference: 'r-1', reference_origin: 'shop', foo: 'bar' },
      who: { user: { id: 'ada' } },
    });
  });

  it('pages through all of them', async () => {
    const first = await client.versions.list({ pageSize: 4 });
    const ids = new Set<string>();
    for (let pageNumber = 1; pageNumber <= first.pageCount; pageNumber++) {
      for (const { id } of await client.versions.list({ pageSize: 4, pageNumber })) ids.add(id);
    }
    expect(ids.size).toBe(first.recordCount);
    expect(await client.versions.count()).toBe(first.recordCount);
  });

  it('retrieves one', async () => {
    const [listed] = await client.versions.list({
      filters: { resource_type_eq: 'orders', reference_null: true },
      pageSize: 1,
    });
    expect(await client.versions.retrieve(listed!.id)).toEqual(listed);
  });

  it('sees of roles creations, updates and removals; hidden attributes are not shown', async () => {
    const versions = await client.roles.versions('r1', { sort: ['created_at'] });
    expect(Array.from(versions, ({ event, changes }) => [event, changes])).toEqual([
      ['create', { kind: [null, 'custom'], name: [null, 'Editors'] }],
      ['update', { name: ['Editors', 'Writers'] }],
      ['update', {}],
      ['destroy', { kind: ['custom', null], name: ['Writers', null] }],
    ]);
  });

  it('sees of permissions and memberships no creations', async () => {
    const events = async (list: Promise<Iterable<{ event: string }>>): Promise<string[]> =>
      Array.from(await list, ({ event }) => event);
    expect(await events(client.permissions.versions('p1'))).toEqual(['update']);
    expect(await events(client.memberships.versions('m1'))).toEqual(['update', 'destroy']);
  });

  it('sees no versions of the types that have none', async () => {
    expect(await client.versions.count({ resource_type_in: ['organizations', 'users'] })).toBe(0);
  });

  it('shows only the fields that were asked for', async () => {
    const [version] = await client.versions.list({ fields: ['event', 'changes'], pageSize: 1 });
    expect(Object.keys(version!).sort()).toEqual(['changes', 'event', 'id', 'type']);
  });

  it('is told that versions never change', async () => {
    const [version] = await client.versions.list({ pageSize: 1 });
    const update = (client.versions as unknown as { update(resource: object): Promise<unknown> }).update.bind(
      client.versions,
    );
    const error = await refused(update({ id: version!.id, reference: 'x' }));
    expect(error).toMatchObject({ name: 'ApiError', status: 405, message: 'Method Not Allowed' });
    expect(error.errors).toMatchObject([{ code: 'METHOD_NOT_ALLOWED', status: '405' }]);
  });

  it('is told what was not found', async () => {
    for (const call of [client.versions.retrieve('XAyRWNUzyN'), client.roles.versions('nobody')]) {
      const error = await refused(call);
      expect(error).toMatchObject({ status: 404, message: 'Not Found' });
      expect(error.errors).toMatchObject([
        { code: 'RECORD_NOT_FOUND', title: 'Record not found', status: '404' },
      ]);
    }
  });

  it('is told that its token is not known', async () => {
    const error = await refused(clientWith('nobody').versions.list());
    expect(error).toMatchObject({ status: 401, message: 'Unauthorized' });
    expect(error.errors).toMatchObject([{ code: 'INVALID_TOKEN', status: '401' }]);
  });

  it('fetches another token where its own is over, and asks again', async () => {
    const payload = Buffer.from(JSON.stringify({ exp: 1_500_000_000 })).toString('base64');
    const over = `eyJhbGciOiJSUzUxMiJ9.${payload}.c2lnbmF0dXJl`;
    const refreshed: string[] = [];
    const renewing = clientWith(over, async (old) => {
      refreshed.push(old);
      return server.token;
    });
    expect(await renewing.versions.count()).toBe(await client.versions.count());
    expect(refreshed).toEqual([over]);
  });
});

describe('what the sources show', () => {
  const calls: Record<string, () => Promise<unknown>> = {
    'versions.list()': () => client.versions.list(),
    'versions.list with filters, sort, page and fields': () =>
      client.versions.list({
        filters: {
          resource_type_eq: 'roles',
          resource_id_in: ['a', 'b'],
          created_at_gteq: '2024-01-01T00:00:00.000Z',
          metadata_jcont: { foo: 'bar' },
          reference_null: true,
        },
        sort: { created_at: 'desc', id: 'asc' },
        pageNumber: 2,
        pageSize: 5,
        fields: { versions: ['event', 'changes'] },
      }),
    'versions.list with arrays of sort and fields': () =>
      client.versions.list({ sort: ['-created_at', 'reference'], fields: ['event', 'who'], pageSize: 25 }),
    'versions.retrieve': () => refused(client.versions.retrieve('XAyRWNUzyN')),
    'versions.count': () => client.versions.count({ resource_type_eq: 'roles' }),
    'roles.versions': () => client.roles.versions('r1', { pageSize: 10, sort: ['-created_at'] }),
    'permissions.versions': () => client.permissions.versions('p1'),
    'memberships.versions': () => client.memberships.versions('m1'),
    'versions.update': () =>
      refused(
        (client.versions as unknown as { update(resource: object): Promise<unknown> }).update({
          id: 'v1',
          reference: 'x',
        }),
      ),
  };

  it.each(fixture<{ call: string; request: string }[]>('requests'))(
    'takes $call',
    async ({ call, request }) => {
      sent.length = 0;
      await calls[call]?.();
      expect(sent).toEqual([request]);
    },
  );

  it('answers the example of a version', async () => {
    const { request, answer } = fixture<{ request: string; answer: object }>('version');
    const { json } = await server.request('GET', request.replace('GET ', ''));
    expect(json).toEqual(JSON.parse(JSON.stringify(answer).replace('{origin}', server.url)));
  });
});

describe('a page of the list', () => {
  it('links to the others, with the parameters as they came', async () => {
    const { json } = await server.request(
      'GET',
      '/api/versions?page%5Bsize%5D=2&page[number]=2&sort=-created_at,id&filter[q][resource_type_in]=roles,orders',
    );
    const url = `${server.url}/api/versions?sort=-created_at,id&filter[q][resource_type_in]=roles,orders`;
    expect((json as { links: object }).links).toEqual({
      first: `${url}&page[number]=1&page[size]=2`,
      prev: `${url}&page[number]=1&page[size]=2`,
      next: `${url}&page[number]=3&page[size]=2`,
      last: `${url}&page[number]=5&page[size]=2`,
    });
  });

  it('has no previous page on the first, no next page on the last, and 10 versions where nothing else is asked for', async () => {
    const first = (await server.request('GET', '/api/versions')).json as {
      data: [];
      links: { next: string };
    };
    expect(Object.keys(first.links)).toEqual(['first', 'next', 'last']);
    expect(first.data).toHaveLength(10);
    const last = (await server.request('GET', first.links.next.replace(server.url, ''))).json as typeof first;
    expect(Object.keys(last.links)).toEqual(['first', 'prev', 'last']);
  });

  it('is empty behind the last', async () => {
    const { json } = await server.request('GET', '/api/versions?page[number]=360287970189639&page[size]=25');
    expect(json).toMatchObject({ data: [], meta: { page_count: 1 } });
    const none = await server.request('GET', '/api/versions?filter[q][resource_type_eq]=nothing');
    expect(none.json).toMatchObject({ data: [], meta: { record_count: 0, page_count: 0 } });
  });

  it('has links with the host that the client asked, and with the address where that is none', async () => {
    expect(await firstLink('annals.example:9')).toBe('http://annals.example:9');
    expect(await firstLink('"><a/b')).toBe(server.url);
  });

  async function firstLink(host: string): Promise<string> {
    const headers = { host, authorization: `Bearer ${server.token}` };
    const [response] = (await once(
      get(`${server.url}/api/versions?page[size]=1`, { headers }),
      'response',
    )) as [IncomingMessage];
    const { links } = (await jsonOf(response)) as { links: { first: string } };
    return links.first.slice(0, links.first.indexOf('/api/versions'));
  }
});
