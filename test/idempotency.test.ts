// Sending again is harmless: by change id, and by Idempotency-Key.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import type { Store } from '../src/store/store.ts';
import { type Answer, ROOT_TOKEN, startServer, type TestServer } from './harness.ts';
import { organizationOf, ROOT } from './tokens.ts';
import { startWorld } from './world.ts';

let server: TestServer;
let id: string;
let resource: { type: string; id: string };

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  id = crypto.randomUUID();
  resource = { type: 'notes', id: crypto.randomUUID() };
});

const change = (more: object = {}): object => ({
  id,
  resource,
  action: 'create',
  actor: { type: 'user', id: 'ada' },
  after: { text: 'hello', size: 1 },
  ...more,
});
const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  server.request('POST', '/v1/changes', body, headers);
const size = async (): Promise<number> =>
  ((await server.request('GET', '/v1/head')).json as { size: number }).size;

describe('the same change id', () => {
  it('with the same content answers the first receipt and adds nothing', async () => {
    const first = await post(change());
    const before = await size();
    const again = await post({ ...change(), id: id.toUpperCase(), after: { size: 1, text: 'hello' } });
    expect(again).toMatchObject({ status: 201, json: first.json });
    expect(await size()).toBe(before);
  });

  it.each([
    ['state', { after: { text: 'other' } }],
    ['actor', { actor: { type: 'user', id: 'bob' } }],
    ['event', { event: 'approved' }],
    ['moment', { occurredAt: '2020-01-01T00:00:00Z' }],
    ['metadata', { metadata: { reference: 'x' } }],
    ['context', { context: { ip: '192.0.2.1' } }],
    ['related resource', { related: [{ type: 'notes', id: 'other' }] }],
    ['state before', { before: { text: 'older' } }],
    ['attribute left out', { after: { text: 'hello' } }],
  ])('with another %s is a conflict, and adds nothing', async (_, other) => {
    await post(change());
    const before = await size();
    const again = await post(change(other));
    expect(again).toMatchObject({ status: 409, json: { code: 'id_conflict', field: '/id', got: id } });
    expect(await size()).toBe(before);
  });

  it('twice in one array is recorded once', async () => {
    const answer = await post([change(), change()]);
    const [first, second] = answer.json as object[];
    expect(answer.status).toBe(201);
    expect(second).toEqual(first);
  });

  it('twice in one array with other content refuses the whole array', async () => {
    const before = await size();
    const other = { ...change(), id: crypto.randomUUID() };
    const answer = await post([other, change(), change({ after: {} })]);
    expect(answer).toMatchObject({ status: 409, json: { code: 'id_conflict', index: 2 } });
    expect(await size()).toBe(before);
  });

  it('from many connections at once is recorded once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(change())));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
  });

  it('is free in another organization', async () => {
    const slug = `org-${id}`;
    await server.request('POST', '/v1/organizations', { slug });
    const { size } = (await server.request('GET', '/v1/head', undefined, { 'annals-organization': slug }))
      .json as { size: number };
    await post(change());
    const other = await post(change({ after: { other: true } }), { 'annals-organization': slug });
    expect(other).toMatchObject({ status: 201, json: { position: size, version: 1 } });
  });
});

describe('the same Idempotency-Key', () => {
  const keyed = (): Record<string, string> => ({ 'idempotency-key': `key-${id}` });
  const unnamed = (more: object = {}): object => ({ ...change(more), id: undefined });

  it('replays the first receipts, though the changes have no id', async () => {
    const first = await post([unnamed(), unnamed()], keyed());
    const before = await size();
    expect(await post([unnamed(), unnamed()], keyed())).toMatchObject({ status: 201, json: first.json });
    expect(await size()).toBe(before);
  });

  it('with other content is refused', async () => {
    await post(unnamed(), keyed());
    const before = await size();
    const other = await post(unnamed({ after: { text: 'other' } }), keyed());
    expect(other).toMatchObject({
      status: 422,
      json: { code: 'idempotency_key_reused', field: 'Idempotency-Key' },
    });
    expect(await size()).toBe(before);
  });

  it('in flight is refused, until the first request is answered', async () => {
    const { store, isHeld, letGo } = holdFirstAppend(openMemoryStore());
    const { ask, stop } = await startWorld({ store });
    const send = (): Promise<Answer> =>
      ask(ROOT_TOKEN, 'POST', '/v1/changes', { body: unnamed(), headers: keyed() });
    const first = send();
    await isHeld;
    expect(await send()).toMatchObject({ status: 409, json: { code: 'idempotency_key_in_flight' } });
    letGo();
    const { status, text } = await first;
    expect(await send()).toMatchObject({ status, text });
    expect(status).toBe(201);
    await stop();
  });

  it('at once is recorded once: the others are told so, or get the first receipt', async () => {
    const before = await size();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(unnamed(), keyed())));
    const [recorded, refused] = [201, 409].map((status) =>
      answers.filter((answer) => answer.status === status),
    );
    expect(new Set(recorded?.map(({ text }) => text)).size).toBe(1);
    for (const { json } of refused ?? []) expect(json).toMatchObject({ code: 'idempotency_key_in_flight' });
    expect((recorded?.length ?? 0) + (refused?.length ?? 0)).toBe(10);
    expect(await size()).toBe(before + 1);
  });

  it('of another token is another key', async () => {
    const made = await server.request('POST', '/v1/tokens', { name: 'other', scopes: ['write'] });
    const { secret } = made.json as { secret: string };
    const first = await post(unnamed(), keyed());
    const other = await post(unnamed(), { ...keyed(), authorization: `Bearer ${secret}` });
    expect(other.status).toBe(201);
    expect(other.text).not.toBe(first.text);
  });

  it('guards PUT, PATCH and DELETE, also where nothing differed', async () => {
    const path = `/v1/resources/notes/${resource.id}`;
    const first = await server.request('PUT', path, { text: 'a' }, keyed());
    await server.request('PUT', path, { text: 'b' });
    expect((await server.request('PUT', path, { text: 'a' }, keyed())).json).toEqual(first.json);
    const key = { 'idempotency-key': `same-${id}` };
    const unchanged = await server.request('PUT', path, { text: 'b' }, key);
    expect(unchanged.json).toMatchObject({ changed: false, version: 2 });
    await server.request('PATCH', path, { text: 'c' });
    expect((await server.request('PUT', path, { text: 'b' }, key)).json).toEqual(unchanged.json);
    const { json } = await server.request('GET', path);
    expect(json).toMatchObject({ version: 3, state: { text: 'c' } });
  });

  it('replays the first status and the first ETag', async () => {
    const path = `/v1/resources/notes/${resource.id}`;
    const first = await server.request('PUT', path, { text: 'a' }, keyed());
    const unchanged = { 'idempotency-key': `unchanged-${id}` };
    expect(await server.request('PUT', path, { text: 'a' }, unchanged)).toMatchObject({ status: 200 });
    const changed = { 'idempotency-key': `changed-${id}` };
    expect(await server.request('PUT', path, { text: 'b' }, changed)).toMatchObject({ status: 200 });
    const again = await server.request('PUT', path, { text: 'a' }, keyed());
    expect(first.status).toBe(201);
    expect(again).toMatchObject({ status: 201, text: first.text });
    expect(again.headers.get('etag')).toBe('"1"');
    expect(await server.request('PUT', path, { text: 'a' }, unchanged)).toMatchObject({ status: 200 });
    expect(await server.request('PUT', path, { text: 'b' }, changed)).toMatchObject({ status: 200 });
  });

  const tokens = async (headers: Record<string, string> = {}): Promise<{ id: string }[]> =>
    ((await server.request('GET', '/v1/tokens', undefined, headers)).json as { data: { id: string }[] }).data;

  it('makes one token; a repetition has all of it but the secret', async () => {
    const wanted = { name: `token-${id}`, scopes: ['read'] };
    const before = (await tokens()).length;
    const first = await server.request('POST', '/v1/tokens', wanted, keyed());
    const again = await server.request('POST', '/v1/tokens', wanted, keyed());
    expect(first).toMatchObject({ status: 201, json: { secret: expect.stringMatching(/^annals_/) } });
    expect(again).toMatchObject({ status: 201, json: { ...(first.json as object), secret: null } });
    expect(again.headers.get('cache-control')).toBe('no-store');
    expect((await tokens()).length).toBe(before + 1);
    const other = await server.request('POST', '/v1/tokens', { ...wanted, scopes: ['write'] }, keyed());
    expect(other).toMatchObject({ status: 422, json: { code: 'idempotency_key_reused' } });
    // Also of one that was revoked since.
    const { id: token } = first.json as { id: string };
    await server.request('DELETE', `/v1/tokens/${token}`);
    const late = await server.request('POST', '/v1/tokens', wanted, keyed());
    expect(late).toMatchObject({ status: 201, json: again.json });
    expect((await tokens()).length).toBe(before);
  });

  it('makes one token in a new organization, whose log begins with it', async () => {
    const other = { 'annals-organization': `first-${id}` };
    await server.request('POST', '/v1/organizations', { slug: `first-${id}` });
    const wanted = { name: 'first', scopes: ['read', 'write'] };
    const first = await server.request('POST', '/v1/tokens', wanted, { ...keyed(), ...other });
    const again = await server.request('POST', '/v1/tokens', wanted, { ...keyed(), ...other });
    expect(again.json).toEqual({ ...(first.json as object), secret: null });
    expect(await tokens(other)).toHaveLength(1);
  });

  it('makes one personal access token, and says so also when its member has gone', async () => {
    const { directory } = server.annals;
    const organization = await organizationOf(directory, 'default');
    const [role] = (await directory.view(organization)).list('roles').map((one) => one.id);
    const input = {
      attributes: { user_email: `${id}@example.com` },
      relationships: { organization: organization.id, role: role as string },
    };
    const { resource: member } = await directory.create(organization, 'memberships', input, ROOT);
    const wanted = { name: 'laptop', membership: member.id };
    const first = await server.request('POST', '/v1/tokens', wanted, keyed());
    expect(first).toMatchObject({ status: 201, json: wanted });
    await directory.remove(organization, 'memberships', member.id, ROOT);
    const again = await server.request('POST', '/v1/tokens', wanted, keyed());
    expect(again).toMatchObject({ status: 201, json: { ...(first.json as object), secret: null } });
  });

  it('makes one token, from many connections at once', async () => {
    const wanted = { name: `many-${id}`, scopes: ['read'] };
    const before = (await tokens()).length;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => server.request('POST', '/v1/tokens', wanted, keyed())),
    );
    const made = answers
      .filter(({ status }) => status === 201)
      .map(({ json }) => json as { secret: unknown });
    expect(made.filter(({ secret }) => secret !== null)).toHaveLength(1);
    for (const { status, json } of answers)
      if (status !== 201) expect(json).toMatchObject({ status: 409, code: 'idempotency_key_in_flight' });
    expect((await tokens()).length).toBe(before + 1);
  });

  it('revokes a token once, and says so again', async () => {
    const wanted = { name: `gone-${id}`, scopes: ['read'] };
    const made = await server.request('POST', '/v1/tokens', wanted);
    const path = `/v1/tokens/${(made.json as { id: string }).id}`;
    expect(await server.request('DELETE', path, undefined, keyed())).toMatchObject({ status: 204 });
    expect(await server.request('DELETE', path, undefined, keyed())).toMatchObject({ status: 204 });
    expect(await server.request('DELETE', path)).toMatchObject({ status: 404 });
    expect(await server.request('DELETE', '/v1/tokens/another', undefined, keyed())).toMatchObject({
      status: 422,
    });
  });

  it('makes one organization, and answers it again as it was made', async () => {
    const wanted = { slug: `once-${id}`, name: 'Once' };
    const first = await server.request('POST', '/v1/organizations', wanted, keyed());
    expect(first).toMatchObject({ status: 201, json: wanted });
    const organization = { 'annals-organization': wanted.slug };
    const head = await server.request('GET', '/v1/head', undefined, organization);
    const again = await server.request('POST', '/v1/organizations', wanted, keyed());
    expect(again).toMatchObject({ status: 201, json: first.json });
    expect((await server.request('GET', '/v1/head', undefined, organization)).json).toEqual(head.json);
    for (const other of [{ slug: `other-${id}` }, { ...wanted, name: 'Other' }]) {
      const refused = await server.request('POST', '/v1/organizations', other, keyed());
      expect(refused).toMatchObject({ status: 422, json: { code: 'idempotency_key_reused' } });
    }
    const another = { 'idempotency-key': `another-${id}` };
    expect(await server.request('POST', '/v1/organizations', wanted, another)).toMatchObject({
      status: 409,
      json: { code: 'slug_taken' },
    });
  });

  it('makes one organization, from many connections at once', async () => {
    const wanted = { slug: `many-${id}` };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => server.request('POST', '/v1/organizations', wanted, keyed())),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 201, json: wanted });
  });

  it('makes a stream of lines without ids harmless to send again', async () => {
    const lines = [1, 2, 3].map((count) => JSON.stringify(unnamed({ after: { count } }))).join('\n');
    const headers = { ...keyed(), 'content-type': 'application/x-ndjson' };
    const first = await post(lines, headers);
    const before = await size();
    const again = await post(lines.replace('"count":2', '"count":9'), headers);
    const [one, two, three] = again.text.trim().split('\n');
    expect(first.text.split('\n')).toEqual(expect.arrayContaining([one, three]));
    expect(JSON.parse(two as string)).toMatchObject({ line: 2, error: { code: 'id_conflict' } });
    expect(await size()).toBe(before);
  });

  it('of more than 255 characters is refused', async () => {
    const answer = await post(unnamed(), { 'idempotency-key': 'k'.repeat(256) });
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_header', limit: 255, got: 256 } });
  });
});

/** The store, but that its first append waits until it is let go. */
function holdFirstAppend(store: Store): { store: Store; isHeld: Promise<void>; letGo(): void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const append: Store['append'] = async (...batch) => {
    reached.resolve();
    await released.promise;
    return store.append(...batch);
  };
  const holding = new Proxy(store, {
    get: (target, name) => (name === 'append' ? append : Reflect.get(target, name)?.bind(target)),
  });
  return { store: holding, isHeld: reached.promise, letGo: released.resolve };
}
