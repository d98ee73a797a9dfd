// Every filter, and every pair of filters, against brute force; paging while others append.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/core/json.ts';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom } from './random.ts';

interface Sent {
  id: string;
  occurredAt: string;
  resource: { type: string; id: string };
  action: string;
  event?: string;
  actor: { type: string; id: string };
  related?: { type: string; id: string }[];
  context?: { ip: string };
  after?: JsonObject;
}

/** What the oracle knows of an entry: what was sent, and which attributes differ from the state before. */
interface Known extends Sent {
  changed: string[];
}

const random = makeRandom();
const TYPES = ['countries', 'orders', 'notes'];
const ACTORS = ['ada', 'bob', 'eve ?&/', 'élodie'];
const EVENTS = ['approved', 'org.domain.verified'];
const IPS = ['192.0.2.1', '2001:db8::1'];
const ATTRIBUTES = ['name', 'size', 'a/b~c', ''];
const START = Date.parse('2024-01-01T00:00:00Z');
const COUNT = 1500;

const known: Known[] = [];
let server: TestServer;

function randomChange(latest: Map<string, JsonObject | null>): Known {
  const resource = { type: random.pick(TYPES), id: `r${random.below(8)}` };
  const key = `${resource.type}/${resource.id}`;
  const before = latest.get(key) ?? null;
  const action = random.chance(0.15)
    ? 'access'
    : before !== null && random.chance(0.1)
      ? 'delete'
      : before === null
        ? 'create'
        : 'update';
  const after = action === 'create' || action === 'update' ? randomState(before) : undefined;
  if (action !== 'access') latest.set(key, after ?? null);
  const keys = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const related = random.chance(0.3)
    ? [{ type: random.pick(TYPES), id: `r${8 + random.below(4)}` }]
    : undefined;
  return {
    id: crypto.randomUUID(),
    occurredAt: new Date(START + random.below(1_000_000_000)).toISOString(),
    resource,
    action,
    actor: { type: 'user', id: random.pick(ACTORS) },
    ...(random.chance(0.4) ? { event: random.pick(EVENTS) } : {}),
    ...(related === undefined ? {} : { related }),
    ...(random.chance(0.4) ? { context: { ip: random.pick(IPS) } } : {}),
    ...(after === undefined ? {} : { after }),
    changed: action === 'access' ? [] : [...keys].filter((name) => before?.[name] !== after?.[name]),
  };
}

function randomState(before: JsonObject | null): JsonObject {
  const state = { ...before };
  for (let count = random.below(3); count >= 0; count--) {
    const name = random.pick(ATTRIBUTES);
    if (random.chance(0.2)) delete state[name];
    else state[name] = random.below(4);
  }
  return state;
}

/** Each filter: how it is sent, and what it means. */
const FILTERS: Record<string, () => { value: string; matches(entry: Known): boolean }> = {
  resource: () => {
    const wanted = `${random.pick(TYPES)}/r${random.below(8)}`;
    return { value: wanted, matches: ({ resource }) => `${resource.type}/${resource.id}` === wanted };
  },
  related: () => {
    const wanted = `${random.pick(TYPES)}/r${8 + random.below(4)}`;
    return {
      value: wanted,
      matches: ({ related }) => related?.some(({ type, id }) => `${type}/${id}` === wanted) ?? false,
    };
  },
  type: () => {
    const wanted = random.pick(TYPES);
    return { value: wanted, matches: ({ resource }) => resource.type === wanted };
  },
  actor: () => {
    const wanted = random.pick(ACTORS);
    return { value: wanted, matches: ({ actor }) => actor.id === wanted };
  },
  action: () => {
    const wanted = random.pick(['create', 'update', 'delete', 'access']);
    return { value: wanted, matches: ({ action }) => action === wanted };
  },
  event: () => {
    const wanted = random.pick(EVENTS);
    return { value: wanted, matches: ({ event }) => event === wanted };
  },
  ip: () => {
    const wanted = random.pick(IPS);
    return { value: wanted, matches: ({ context }) => context?.ip === wanted };
  },
  changed: () => {
    const wanted = random.pick(ATTRIBUTES);
    return { value: wanted, matches: ({ changed }) => changed.includes(wanted) };
  },
  since: () => {
    const wanted = START + random.below(1_000_000_000);
    return {
      value: new Date(wanted).toISOString(),
      matches: ({ occurredAt }) => Date.parse(occurredAt) >= wanted,
    };
  },
  until: () => {
    const wanted = START + random.below(1_000_000_000);
    return {
      value: new Date(wanted).toISOString(),
      matches: ({ occurredAt }) => Date.parse(occurredAt) < wanted,
    };
  },
};

interface Page {
  data: { id: string; position: number }[];
  next: string | null;
  count?: number;
}

async function list(parameters: Record<string, string | number>): Promise<Page> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
  const answer = await server.request('GET', `/v1/changes?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json as Page;
}

/** Follows the cursors to the end. */
async function listAll(parameters: Record<string, string | number>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await list(cursor === null ? parameters : { ...parameters, cursor });
    ids.push(...page.data.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== null);
  return ids;
}

async function send(changes: Known[]): Promise<void> {
  const bodies = changes.map(({ changed: _, ...sent }) => sent);
  const answer = await server.request('POST', '/v1/changes', bodies);
  expect(answer.status, answer.text).toBe(201);
}

async function check(names: string[]): Promise<void> {
  const filters = names.map((name) => ({
    name,
    ...(FILTERS[name] as () => { value: string; matches(entry: Known): boolean })(),
  }));
  const parameters = Object.fromEntries(filters.map(({ name, value }) => [name, value]));
  const wanted = known.filter((entry) => filters.every(({ matches }) => matches(entry))).map(({ id }) => id);
  const message = `seed ${random.seed}: ${JSON.stringify(parameters)}`;
  const { data, count } = await list({ ...parameters, count: 'exact', limit: 1000 });
  expect(count, message).toBe(wanted.length);
  expect(
    data.map(({ id }) => id),
    message,
  ).toEqual(wanted.toReversed().slice(0, 1000));
  const ascending = await list({ ...parameters, order: 'asc', limit: 1000 });
  expect(
    ascending.data.map(({ id }) => id),
    message,
  ).toEqual(wanted.slice(0, 1000));
  const limit = 1 + random.below(40);
  const page = 1 + random.below(Math.ceil(wanted.length / limit) + 1);
  const jumped = await list({ ...parameters, limit, page });
  expect(
    jumped.data.map(({ id }) => id),
    `${message}, page ${page} of ${limit}`,
  ).toEqual(wanted.toReversed().slice((page - 1) * limit, page * limit));
}

beforeAll(async () => {
  server = await startServer();
  const latest = new Map<string, JsonObject | null>();
  for (let count = 0; count < COUNT; count++) known.push(randomChange(latest));
  for (let from = 0; from < COUNT; from += 300) await send(known.slice(from, from + 300));
});
afterAll(() => server.stop());

describe('lists of changes', () => {
  it.each(Object.keys(FILTERS))(
    'filter by %s as brute force does, with the exact count, any order, any page',
    async (name) => {
      for (let round = 0; round < 5; round++) await check([name]);
    },
  );

  const pairs = Object.keys(FILTERS).flatMap((left, index) =>
    Object.keys(FILTERS)
      .slice(index + 1)
      .map((right) => [left, right]),
  );
  it.each(pairs)('filter by %s and %s as brute force does', async (left, right) => {
    for (let round = 0; round < 3; round++) await check([left as string, right as string]);
  });

  it('filter by all of them at once', async () => {
    for (let round = 0; round < 30; round++) {
      await check(Object.keys(FILTERS).filter(() => random.chance(0.4)));
    }
  });

  it('give each entry once by cursor, to the end', async () => {
    for (const order of ['asc', 'desc']) {
      const wanted = known.filter(({ actor }) => actor.id === 'ada').map(({ id }) => id);
      const got = await listAll({ actor: 'ada', order, limit: 1 + random.below(30) });
      expect(got, `seed ${random.seed}`).toEqual(order === 'asc' ? wanted : wanted.toReversed());
    }
  });

  it('give nothing twice and miss nothing by cursor while others append', async () => {
    const before = known.map(({ id }) => id);
    const latest = new Map<string, JsonObject | null>();
    const more = Array.from({ length: 400 }, () => randomChange(latest));
    const appending = (async () => {
      for (let from = 0; from < more.length; from += 5) await send(more.slice(from, from + 5));
    })();
    const [descending, ascending] = await Promise.all([
      listAll({ order: 'desc', limit: 20 }),
      listAll({ order: 'asc', limit: 20 }),
      appending,
    ]);
    expect(new Set(descending).size).toBe(descending.length);
    expect(new Set(ascending).size).toBe(ascending.length);
    expect(descending.slice(-before.length), `seed ${random.seed}`).toEqual(before.toReversed());
    expect(ascending.slice(0, before.length), `seed ${random.seed}`).toEqual(before);
  });
});
