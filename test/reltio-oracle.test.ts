// A random history through the Reltio dialect, page by page, against brute force: every filter, every
// pair of filters, and more events than the window has.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isEqual, type Json } from '../src/core/json.ts';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom } from './random.ts';

interface Known {
  entity: string;
  type: string;
  action: string;
  event: string | undefined;
  actor: { id: string; loginName?: string };
  /** Microseconds. */
  occurredAt: number;
  before: State;
  after: State;
  uris: string[] | undefined;
}
/** Of an `HCP` nested as Reltio's are, of `people` plain. */
type State = { name?: string; cities: string[]; tag?: number } | null;
interface Shown {
  timestamp: number;
  user: string;
  type: string;
  uris?: string[];
}

const random = makeRandom();
const ENTITIES = [
  { entity: 'h1', type: 'HCP' },
  { entity: 'h2', type: 'HCP' },
  { entity: 'p1', type: 'people' },
  { entity: 'hot', type: 'people' },
];
const ACTORS = [{ id: 'ada' }, { id: 'u2', loginName: 'Bob@Example.com' }, { id: 'u3', loginName: "o'hara" }];
const EVENTS = [
  'ENTITIES_MERGED',
  'ENTITIES_SPLITTED',
  'POTENTIAL_MATCHES_FOUND',
  'ENTITY_LOST_MERGE',
  'org.changed',
];
const START = 1_700_000_000_000_000;
const COUNT = 2400;
const WINDOW = 1000;

const known: Known[] = [];
let server: TestServer;

function randomKnown(states: Map<string, State>): Known {
  const { entity, type } = random.chance(0.6) ? (ENTITIES[3] as (typeof ENTITIES)[0]) : random.pick(ENTITIES);
  const before = states.get(entity) ?? null;
  const event = random.chance(0.2) ? random.pick(EVENTS) : undefined;
  const actor = random.pick(ACTORS);
  // Few instants, so that some are equal to the microsecond and some to the millisecond.
  const occurredAt = START + random.below(300) * 1000 + random.below(3);
  const action = random.chance(0.1)
    ? 'access'
    : before === null
      ? 'create'
      : random.chance(0.05)
        ? 'delete'
        : random.chance(0.03)
          ? 'create'
          : 'update';
  if (action === 'access')
    return { entity, type, action, event, actor, occurredAt, before: null, after: null, uris: undefined };
  const after = action === 'delete' ? null : nextState(before);
  states.set(entity, after);
  const uris = random.chance(0.2) ? [`entities/x${random.below(9)}`] : undefined;
  return { entity, type, action, event, actor, occurredAt, before, after, uris };
}

function nextState(before: State): State {
  if (before !== null && random.chance(0.2)) return before;
  const cities = Array.from({ length: random.below(3) }, () => random.pick(['Bern', 'Basel']));
  const name = random.chance(0.8) ? { name: random.pick(['a', 'b', 'c']) } : {};
  return { ...name, cities, ...(random.chance(0.5) ? { tag: random.below(2) } : {}) };
}

function stored(type: string, state: State): Json {
  if (state === null) return null;
  const { name, cities, tag = null } = state;
  if (type === 'people')
    return { ...(name === undefined ? {} : { Name: name }), Address: cities.map((City) => ({ City })), tag };
  return {
    attributes: {
      ...(name === undefined ? {} : { Name: [{ value: name, ov: true }] }),
      Address: cities.map((City) => ({ value: { City: [{ value: City }] } })),
    },
    tag,
  };
}

function shown({ occurredAt, actor, action, event, uris }: Known): Shown {
  const plain = { create: 'ENTITY_CREATED', update: 'ENTITY_CHANGED', delete: 'ENTITY_REMOVED' }[
    action
  ] as string;
  return {
    timestamp: Math.floor(occurredAt / 1000),
    user: actor.loginName ?? actor.id,
    type: event === undefined || event === 'org.changed' ? plain : event,
    ...(uris === undefined ? {} : { uris }),
  };
}

interface Filter {
  text: string;
  matches(entry: Known): boolean;
}

const differs = (entry: Known, part: (state: State) => Json | undefined): boolean =>
  !isEqual([part(entry.before) ?? 'none'], [part(entry.after) ?? 'none']);
const millis = (entry: Known): number => shown(entry).timestamp;
const mixed = (text: string): string => (random.chance(0.5) ? text.toUpperCase() : text.toLowerCase());

/** Each kind of condition, and what it means. */
const FILTERS: Record<string, () => Filter> = {
  user: () => {
    const { id, loginName = id } = random.pick(ACTORS);
    const text = `equals(user, '${mixed(loginName).replaceAll("'", "''")}')`;
    return { text, matches: ({ actor }) => (actor.loginName ?? actor.id) === loginName };
  },
  type: () => {
    const type = random.pick(['ENTITY_CREATED', 'ENTITY_CHANGED', 'ENTITY_REMOVED', ...EVENTS]);
    return { text: `equals(type,${mixed(type)})`, matches: (entry) => shown(entry).type === type };
  },
  timestamp: () => {
    const wanted = millis(random.pick(known));
    return { text: `equals(timestamp, ${wanted})`, matches: (entry) => millis(entry) === wanted };
  },
  bounds: () => {
    const bound = millis(random.pick(known)) + random.below(2);
    const [operator, matches] = random.pick<[string, Filter['matches']]>([
      ['lt', (entry) => millis(entry) < bound],
      ['lte', (entry) => millis(entry) <= bound],
      ['gt', (entry) => millis(entry) > bound],
      ['gte', (entry) => millis(entry) >= bound],
    ]);
    return { text: `${mixed(operator)}(timestamp, '${bound}')`, matches };
  },
  name: () => {
    const type = random.pick(['HCP', 'people', 'HCO']);
    const text = `changes(configuration/entityTypes/${type}/attributes/Name)`;
    return { text, matches: (entry) => entry.type === type && differs(entry, (state) => state?.name) };
  },
  city: () => ({
    text: random.pick(['changes(attributes.Address.City)', 'Changes( "attributes.Address.City" )']),
    matches: (entry) => differs(entry, (state) => state?.cities ?? []),
  }),
  nested: () => ({
    text: 'changes(configuration/entityTypes/HCP/attributes/Address/attributes/City)',
    matches: (entry) => entry.type === 'HCP' && differs(entry, (state) => state?.cities ?? []),
  }),
  delta: () => ({
    text: 'changes(delta.attributes.Name)',
    matches: (entry) =>
      entry.before !== null && entry.after !== null && differs(entry, (state) => state?.name),
  }),
  not: () => {
    const { text, matches } = (FILTERS[random.pick(['user', 'type', 'bounds', 'name'])] as () => Filter)();
    return { text: `${mixed('not')} (${text})`, matches: (entry) => !matches(entry) };
  },
};

interface Question {
  entity: string;
  filter?: Filter;
  showAll?: boolean;
  majorOnly?: boolean;
}

const MAJOR = ['ENTITY_CREATED', 'ENTITIES_MERGED', 'ENTITIES_SPLITTED'];
const ALWAYS = [...MAJOR, 'ENTITY_REMOVED', 'ENTITY_LOST_MERGE'];

/** All that match, newest first. */
function matching({ entity, filter, showAll = false, majorOnly = false }: Question): Shown[] {
  return known
    .map((entry, position) => ({ entry, position }))
    .filter(({ entry }) => {
      if (entry.entity !== entity || entry.action === 'access') return false;
      const { type } = shown(entry);
      if (majorOnly && !MAJOR.includes(type)) return false;
      if (showAll) return true;
      const isListed =
        differs(entry, (state) => state as Json) || entry.action !== 'update' || ALWAYS.includes(type);
      return isListed && (filter?.matches(entry) ?? true);
    })
    .sort((left, right) => right.entry.occurredAt - left.entry.occurredAt || right.position - left.position)
    .map(({ entry }) => shown(entry));
}

async function get(entity: string, read: string, parameters: Record<string, string>): Promise<unknown> {
  const query = new URLSearchParams(parameters);
  const answer = await server.request('GET', `/reltio/api/default/entities/${entity}/${read}?${query}`);
  expect(answer.status, `seed ${random.seed}: ${query}: ${answer.text}`).toBe(200);
  return answer.json;
}

/** Reads to the end by `offset`, in both orders, and compares. */
async function check(question: Question): Promise<void> {
  const { entity, filter, showAll, majorOnly } = question;
  const wanted = matching(question);
  const window = wanted.slice(0, WINDOW);
  const given: Record<string, string> = {
    ...(filter === undefined ? {} : { filter: filter.text }),
    ...(showAll === undefined ? {} : { showAll: String(showAll) }),
    ...(majorOnly === undefined ? {} : { showMajorEventsOnly: String(majorOnly) }),
  };
  for (const order of ['asc', 'desc']) {
    const max = Math.max(1 + random.below(80), Math.ceil(window.length / 4));
    const events: unknown[] = [];
    for (let offset = 0; ; offset += max) {
      const page = (await get(entity, '_changes', {
        ...given,
        order,
        max: `${max}`,
        offset: `${offset}`,
      })) as unknown[];
      events.push(...page);
      if (page.length < max) break;
    }
    const message = `seed ${random.seed}: ${JSON.stringify({ entity, order, ...given })}`;
    expect(events, message).toEqual(order === 'desc' ? window : window.toReversed());
  }
  const total = await get(entity, '_changesWithTotal', { ...given, max: '2' });
  expect(total, `seed ${random.seed}: ${JSON.stringify({ entity, ...given })}`).toEqual({
    changes: wanted.slice(0, 2),
    total: wanted.length,
  });
}

beforeAll(async () => {
  server = await startServer();
  const states = new Map<string, State>();
  for (const { entity, type } of ENTITIES) {
    known.push({
      ...randomKnown(new Map()),
      entity,
      type,
      action: 'create',
      before: null,
      after: { cities: [] },
    });
    states.set(entity, { cities: [] });
  }
  while (known.length < COUNT) known.push(randomKnown(states));
  const changes = known.map(({ entity, type, action, event, actor, occurredAt, after, uris }) => ({
    resource: { type, id: entity },
    action,
    actor: { type: 'user', ...actor },
    occurredAt: `${new Date(Math.floor(occurredAt / 1000)).toISOString().slice(0, -1)}${String(occurredAt % 1000).padStart(3, '0')}Z`,
    ...(event === undefined ? {} : { event }),
    ...(after === null ? {} : { after: stored(type, after) }),
    ...(uris === undefined ? {} : { metadata: { uris } }),
  }));
  for (let from = 0; from < COUNT; from += 400) {
    const answer = await server.request('POST', '/v1/changes', changes.slice(from, from + 400));
    expect(answer.status, answer.text).toBe(201);
  }
});
afterAll(() => server.stop());

describe('a random history', () => {
  const names = Object.keys(FILTERS);

  it('is read to its end, with everything and without', async () => {
    for (const { entity } of ENTITIES) {
      for (const showAll of [undefined, false, true]) {
        for (const majorOnly of [undefined, true]) {
          await check({
            entity,
            ...(showAll === undefined ? {} : { showAll }),
            ...(majorOnly === undefined ? {} : { majorOnly }),
          });
        }
      }
    }
  });

  it('has more events than the window, which ends at the newest 1000', async () => {
    expect(matching({ entity: 'hot', showAll: true }).length).toBeGreaterThan(WINDOW);
    expect(await get('hot', '_changes', { showAll: 'true', offset: '1000' })).toEqual([]);
    expect(await get('hot', '_changes', { showAll: 'true', max: '5000' })).toHaveLength(WINDOW);
  });

  it.each(names)('is filtered by %s', async (name) => {
    for (let round = 0; round < 4; round++) {
      const { entity } = random.pick(ENTITIES);
      await check({ entity, filter: (FILTERS[name] as () => Filter)() });
    }
  });

  const pairs = names.flatMap((left, index) => names.slice(index).map((right) => [left, right] as const));
  it.each(pairs)('is filtered by %s and, or %s', async (left, right) => {
    const [one, other] = [(FILTERS[left] as () => Filter)(), (FILTERS[right] as () => Filter)()];
    const { entity } = random.pick(ENTITIES);
    await check({
      entity,
      filter: {
        text: `${one.text} AND ${other.text}`,
        matches: (entry) => one.matches(entry) && other.matches(entry),
      },
    });
    await check({
      entity,
      filter: {
        text: `(${one.text} or ${other.text})`,
        matches: (entry) => one.matches(entry) || other.matches(entry),
      },
    });
  });
});
