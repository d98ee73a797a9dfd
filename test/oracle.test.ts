// Every filter, and every pair of filters, against brute force, on the log and on histories; paging while others append.

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
const latest = new Map<string, JsonObject | null>();
let server: TestServer;

/** The next change; entries are known once they are sent. */
function randomChange(): Known {
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

interface Filter {
  value: string;
  matches(entry: Known): boolean;
}

/** Each filter: how it is sent, and what it means. */
const FILTERS: Record<string, () => Filter> = {
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

type Parameters = Record<string, string | number>;

/** `history` is no parameter: it names the resource whose history is listed, by its own path. */
async function list({ history, ...parameters }: Parameters): Promise<Page> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
  const path = history === undefined ? '/v1/changes' : `/v1/resources/${history}/changes`;
  const answer = await server.request('GET', `${path}?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json as Page;
}

/** Follows the cursors to the end. */
async function listAll(parameters: Parameters): Promise<string[]> {
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

interface Asked {
  parameters: Parameters;
  matches(entry: Known): boolean;
}

/** Something to ask for by filters of these names. */
function asked(names: string[]): Asked {
  const filters = names.map((name) => {
    const filter = FILTERS[name === 'history' ? 'resource' : name] as () => Filter;
    return { name, ...filter() };
  });
  return {
    parameters: Object.fromEntries(filters.map(({ name, value }) => [name, value])),
    matches: (entry) => filters.every(({ matches }) => matches(entry)),
  };
}

async function check(names: string[]): Promise<void> {
  const { parameters, matches } = asked(names);
  const wanted = known.filter(matches).map(({ id }) => id);
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
  for (let count = 0; count < COUNT; count++) known.push(randomChange());
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

  it.each([
    ['the whole log', []],
    ['the log by one filter', ['actor']],
    ['the log by three filters', ['type', 'action', 'changed']],
    ['the log by time', ['since', 'until']],
    ['a history', ['history']],
    ['a history by a filter', ['history', 'action']],
  ])('give nothing twice and miss nothing of %s by cursor while others append', async (_, names) => {
    const { parameters, matches } = asked(names);
    const before = known.filter(matches).length;
    const more = Array.from({ length: 200 }, randomChange);
    const appending = (async () => {
      for (let from = 0; from < more.length; from += 5) await send(more.slice(from, from + 5));
    })();
    const limit = 1 + Math.ceil(before / 40);
    const [descending, ascending] = await Promise.all([
      listAll({ ...parameters, order: 'desc', limit }),
      listAll({ ...parameters, order: 'asc', limit }),
      appending,
    ]);
    known.push(...more);
    const wanted = known.filter(matches).map(({ id }) => id);
    // Each has all that there was at first, and some of what came meanwhile, in its order.
    for (const got of [descending.toReversed(), ascending]) {
      const message = `seed ${random.seed}: ${JSON.stringify(parameters)}`;
      expect(got.length, message).toBeGreaterThanOrEqual(before);
      expect(got, message).toEqual(wanted.slice(0, got.length));
    }
  });
});

describe('the history of a resource', () => {
  const names = Object.keys(FILTERS).filter((name) => name !== 'resource');

  it('is what brute force finds, with the exact count, any order, any page', async () => {
    for (let round = 0; round < 10; round++) await check(['history']);
  });

  it.each(names)('is filtered by %s as brute force does', async (name) => {
    for (let round = 0; round < 10; round++) await check(['history', name]);
  });

  it('is filtered by many at once', async () => {
    for (let round = 0; round < 30; round++) {
      await check(['history', ...names.filter(() => random.chance(0.25))]);
    }
  });
});
