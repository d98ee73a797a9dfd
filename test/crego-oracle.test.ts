// A random history through the Crego dialect, page by page, against brute force: every filter, every pair
// of filters, all of them, with exact counts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/core/json.ts';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom } from './random.ts';
import { uuidOfUlid } from './ulids.ts';

interface Known {
  id: string;
  resource: { type: string; id: string };
  action: 'create' | 'update' | 'delete' | 'access';
  actor: { type: string; id: string };
  /** Microseconds. */
  occurredAt: number;
  ip: string | undefined;
  userAgent: string | undefined;
  before: JsonObject | null;
  after: JsonObject | null;
}

const random = makeRandom();
const COUNT = 1200;
const TYPES = ['people', 'orders', 'memberships', 'Bücher'];
const IDS = ['1', '2', 'a/b', '01JQ8RRBB2XRSVTCG11Y6JKCKH'];
const ACTORS = ['ada', 'bob &=?', '6da08401-b1f7-46ec-9013-2a9d7bc6185c'];
/** As they are recorded, and as they are shown; what is no IPv4 address is not shown. */
const IPS = { '192.0.2.7': '192.0.2.7', '::ffff:192.0.2.8': '192.0.2.8', '2001:DB8::7': null };
const START = 1_700_000_000_000_000;

const known: Known[] = [];
let server: TestServer;

function randomKnown(states: Map<string, JsonObject | null>): Known {
  const resource = { type: random.pick(TYPES), id: random.pick(IDS) };
  const key = `${resource.type}/${resource.id}`;
  const before = states.get(key) ?? null;
  const action =
    before === null ? 'create' : random.pick(['update', 'update', 'delete', 'access', 'create'] as const);
  const after =
    action === 'create' || action === 'update'
      ? { number: random.below(9), list: [before?.number ?? null] }
      : null;
  if (action !== 'access') states.set(key, after);
  return {
    id: crypto.randomUUID(),
    resource,
    action,
    actor: { type: 'user', id: random.pick(ACTORS) },
    occurredAt: START + random.below(1_000_000_000),
    ip: random.chance(0.7) ? random.pick(Object.keys(IPS)) : undefined,
    userAgent: random.chance(0.5) ? random.pick(['curl/8', '"']) : undefined,
    before: action === 'update' || action === 'delete' ? before : null,
    after,
  };
}

function timestampOf({ occurredAt }: Pick<Known, 'occurredAt'>): string {
  const millis = new Date(Math.floor(occurredAt / 1000)).toISOString().slice(0, -1);
  return `${millis}${String(occurredAt % 1000).padStart(3, '0')}Z`;
}

interface Filter {
  value: string;
  matches(entry: Known): boolean;
}

const FILTERS: Record<string, () => Filter> = {
  user_id: () => {
    const value = random.pick(ACTORS);
    return { value, matches: ({ actor }) => actor.id === value };
  },
  object_id: () => {
    const value = random.pick(IDS);
    return { value, matches: ({ resource }) => resource.id === value };
  },
  action_type: () => {
    const action = random.pick(['create', 'update', 'delete', 'access']);
    const value = random.chance(0.5) ? action.toUpperCase() : action;
    return { value, matches: (entry) => entry.action === action };
  },
  ip_address: () => {
    const [recorded, spellings] = random.pick([
      ['192.0.2.7', ['192.0.2.7', '::ffff:c000:207']],
      ['::ffff:192.0.2.8', ['192.0.2.8', '::FFFF:192.0.2.8']],
      ['2001:DB8::7', ['2001:db8::7', '2001:0db8:0:0::7']],
    ] as const);
    return { value: random.pick<string>(spellings), matches: ({ ip }) => ip === recorded };
  },
  timestamp_after: () => {
    const occurredAt = random.pick(known).occurredAt + random.below(2);
    return { value: timestampOf({ occurredAt }), matches: (entry) => entry.occurredAt >= occurredAt };
  },
  timestamp_before: () => {
    const occurredAt = random.pick(known).occurredAt + random.below(2);
    return { value: timestampOf({ occurredAt }), matches: (entry) => entry.occurredAt < occurredAt };
  },
};

interface Page {
  count: number;
  total_pages: number;
  next_page: number | null;
  results: { id: string }[];
}

async function get(parameters: Record<string, string>): Promise<Page> {
  const query = new URLSearchParams(parameters);
  const answer = await server.request('GET', `/history/?${query}`);
  expect(answer.status, `seed ${random.seed}: ${query}: ${answer.text}`).toBe(200);
  return answer.json as Page;
}

/** Follows `next_page` to the end, and compares every member of every record. */
async function check(names: readonly string[]): Promise<void> {
  const filters = names.map((name) => ({ name, ...(FILTERS[name] as () => Filter)() }));
  const wanted = known.filter((entry) => filters.every(({ matches }) => matches(entry))).toReversed();
  const size = Math.max(Math.ceil(wanted.length / (1 + random.below(6))), 1);
  const given = {
    ...Object.fromEntries(filters.map(({ name, value }) => [name, value])),
    page_size: `${Math.min(size, 100)}`,
  };
  const message = `seed ${random.seed}: ${JSON.stringify(given)}`;
  const records: unknown[] = [];
  for (let number: number | null = 1; number !== null; ) {
    const page: Page = await get({ ...given, page: `${number}` });
    expect([page.count, page.total_pages], message).toEqual([
      wanted.length,
      Math.max(1, Math.ceil(wanted.length / Number(given.page_size))),
    ]);
    records.push(...page.results);
    number = page.next_page;
  }
  expect(records, message).toEqual(wanted.map((entry) => expected(entry)));
}

const numbers: string[] = [];
let tenantId = '';

function expected({ id, resource, action, actor, ip, userAgent, before, after, ...entry }: Known): object {
  return {
    id: expect.toSatisfy((ulid: string) => uuidOfUlid(ulid) === id),
    tenant_id: tenantId,
    user_id: actor.id,
    created_by: actor.id,
    action_type: action,
    timestamp: timestampOf(entry),
    ip_address: ip === undefined ? null : IPS[ip as keyof typeof IPS],
    user_agent: userAgent ?? '',
    object_id: resource.id,
    before_state: before,
    after_state: after,
    content_type: numbers.indexOf(resource.type) + 1,
  };
}

beforeAll(async () => {
  server = await startServer();
  tenantId = ((await server.request('GET', '/v1/organizations/default')).json as { id: string }).id;
  const states = new Map<string, JsonObject | null>();
  while (known.length < COUNT) known.push(randomKnown(states));
  for (const { resource } of known) if (!numbers.includes(resource.type)) numbers.push(resource.type);
  const changes = known.map(({ ip, userAgent, before: _, after, ...entry }) => ({
    ...entry,
    occurredAt: timestampOf(entry),
    ...(after === null ? {} : { after }),
    context: { ...(ip === undefined ? {} : { ip }), ...(userAgent === undefined ? {} : { userAgent }) },
  }));
  for (let from = 0; from < COUNT; from += 400) {
    const answer = await server.request('POST', '/v1/changes', changes.slice(from, from + 400));
    expect(answer.status, answer.text).toBe(201);
  }
});
afterAll(() => server.stop());

describe('a random history', () => {
  const names = Object.keys(FILTERS);

  it('is read to its end, newest first', async () => {
    await check([]);
  });

  it.each(names)('is filtered by %s', async (name) => {
    for (let round = 0; round < 5; round++) await check([name]);
  });

  const pairs = names.flatMap((left, index) => names.slice(index + 1).map((right) => [left, right] as const));
  it.each(pairs)('is filtered by %s and %s', async (left, right) => {
    for (let round = 0; round < 4; round++) await check([left, right]);
  });

  it('is filtered by any of them together', async () => {
    for (let round = 0; round < 30; round++) await check(names.filter(() => random.chance(0.6)));
  });

  it('jumps to any page', async () => {
    for (let round = 0; round < 30; round++) {
      const number = 1 + random.below(COUNT / 10);
      const { results } = await get({ page: `${number}`, page_size: '10' });
      const wanted = known.toReversed().slice((number - 1) * 10, number * 10);
      expect(
        results.map(({ id }) => uuidOfUlid(id)),
        `seed ${random.seed}`,
      ).toEqual(wanted.map(({ id }) => id));
    }
  });
});
