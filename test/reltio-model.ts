// A random entity history, and what Reltio's entity history must say of it, worked out the slow way.

import { isEqual, type Json } from '../src/core/json.ts';
import type { Random } from './random.ts';

export interface Known {
  entity: string;
  type: string;
  action: 'create' | 'update' | 'delete' | 'access';
  event: string | undefined;
  actor: { id: string; loginName?: string };
  /** Microseconds. */
  occurredAt: number;
  before: State;
  after: State;
  uris: string[] | undefined;
}

/** Of an `HCP` it is recorded nested as Reltio's are, of `people` plain. */
type State = { name?: string; cities: string[]; tag?: number } | null;

export const ENTITIES = [
  { entity: 'h1', type: 'HCP' },
  { entity: 'h2', type: 'HCP' },
  { entity: 'p1', type: 'people' },
  { entity: 'hot', type: 'people' },
] as const;
const ACTORS = [{ id: 'ada' }, { id: 'u2', loginName: 'Bob@Example.com' }, { id: 'u3', loginName: "o'hara" }];
const EVENTS = [
  'ENTITIES_MERGED',
  'ENTITIES_SPLITTED',
  'POTENTIAL_MATCHES_FOUND',
  'ENTITY_LOST_MERGE',
  'other',
];
const START = 1_700_000_000_000_000;

/** Changes of all entities, which begin with their creations; more than half are of `hot`. */
export function randomHistory(random: Random, count: number): Known[] {
  const states = new Map<string, State>();
  return Array.from({ length: count }, (_, index) => {
    const entity = ENTITIES[index] ?? (random.chance(0.5) ? ENTITIES[3] : random.pick(ENTITIES));
    return randomKnown(random, states, entity);
  });
}

function randomKnown(
  random: Random,
  states: Map<string, State>,
  { entity, type }: (typeof ENTITIES)[number],
): Known {
  const before = states.get(entity);
  const action =
    before === undefined || before === null
      ? 'create'
      : random.pick(['access', 'delete', 'create', ...Array<'update'>(20).fill('update')] as const);
  const isAccess = action === 'access';
  const after = isAccess || action === 'delete' ? null : nextState(random, before ?? null);
  if (!isAccess) states.set(entity, after);
  return {
    entity,
    type,
    action,
    event: random.chance(0.2) ? random.pick(EVENTS) : undefined,
    actor: random.pick(ACTORS),
    // Few instants, so that some are equal to the microsecond and some to the millisecond.
    occurredAt: START + random.below(300) * 1000 + random.below(3),
    before: isAccess ? null : (before ?? null),
    after,
    uris: random.chance(0.2) ? [`entities/x${random.below(9)}`] : undefined,
  };
}

function nextState(random: Random, before: State): State {
  if (before !== null && random.chance(0.2)) return before;
  const cities = Array.from({ length: random.below(3) }, () => random.pick(['Bern', 'Basel']));
  const name = random.chance(0.8) ? { name: random.pick(['a', 'b', 'c']) } : {};
  return { ...name, cities, ...(random.chance(0.5) ? { tag: random.below(2) } : {}) };
}

/** The change as it is recorded through the native API. */
export function toChange({ entity, type, action, event, actor, occurredAt, after, uris }: Known): object {
  const millis = new Date(Math.floor(occurredAt / 1000)).toISOString().slice(0, -1);
  return {
    resource: { type, id: entity },
    action,
    actor: { type: 'user', ...actor },
    occurredAt: `${millis}${String(occurredAt % 1000).padStart(3, '0')}Z`,
    ...(event === undefined ? {} : { event }),
    ...(after === null ? {} : { after: stored(type, after) }),
    ...(uris === undefined ? {} : { metadata: { uris } }),
  };
}

function stored(type: string, { name, cities, tag: given }: NonNullable<State>): Json {
  const isNested = type === 'HCP';
  const tag = given ?? null;
  const named = name === undefined ? {} : { Name: isNested ? [{ value: name, ov: true }] : name };
  const Address = cities.map((City) => (isNested ? { value: { City: [{ value: City }] } } : { City }));
  return isNested ? { attributes: { ...named, Address }, tag } : { ...named, Address, tag };
}

export interface Shown {
  timestamp: number;
  user: string;
  type: string;
  uris?: string[];
}

const PLAIN = {
  create: 'ENTITY_CREATED',
  update: 'ENTITY_CHANGED',
  delete: 'ENTITY_REMOVED',
  access: 'none',
};

function shown({ occurredAt, actor, action, event, uris }: Known): Shown {
  return {
    timestamp: Math.floor(occurredAt / 1000),
    user: actor.loginName ?? actor.id,
    type: event === undefined || event === 'other' ? PLAIN[action] : event,
    ...(uris === undefined ? {} : { uris }),
  };
}

export interface Filter {
  text: string;
  matches(entry: Known): boolean;
}

type MakeFilter = (random: Random, known: readonly Known[]) => Filter;

function differs(entry: Known, part: (state: State) => Json | undefined): boolean {
  return !isEqual([part(entry.before) ?? 'none'], [part(entry.after) ?? 'none']);
}

function mixed(random: Random, text: string): string {
  return random.chance(0.5) ? text.toUpperCase() : text.toLowerCase();
}

export const OPERATORS: Record<string, (timestamp: number, bound: number) => boolean> = {
  lt: (timestamp, bound) => timestamp < bound,
  lte: (timestamp, bound) => timestamp <= bound,
  gt: (timestamp, bound) => timestamp > bound,
  gte: (timestamp, bound) => timestamp >= bound,
};

export function boundedBy(operator: string, random: Random, known: readonly Known[]): Filter {
  const bound = shown(random.pick(known)).timestamp + random.below(2);
  const text = `${mixed(random, operator)}(timestamp, '${bound}')`;
  return { text, matches: (entry) => OPERATORS[operator]?.(shown(entry).timestamp, bound) ?? false };
}

/** Each kind of condition, and what it means. */
export const FILTERS: Record<string, MakeFilter> = {
  user: (random) => {
    const { id, loginName = id } = random.pick(ACTORS);
    const text = `equals(user, '${mixed(random, loginName).replaceAll("'", "''")}')`;
    return { text, matches: (entry) => shown(entry).user === loginName };
  },
  type: (random) => {
    const type = random.pick([...Object.values(PLAIN), ...EVENTS]);
    return { text: `equals(type,${mixed(random, type)})`, matches: (entry) => shown(entry).type === type };
  },
  timestamp: (random, known) => {
    const { timestamp } = shown(random.pick(known));
    return {
      text: `equals(timestamp, ${timestamp})`,
      matches: (entry) => shown(entry).timestamp === timestamp,
    };
  },
  bounds: (random, known) => boundedBy(random.pick(Object.keys(OPERATORS)), random, known),
  name: (random) => {
    const type = random.pick(['HCP', 'people', 'HCO']);
    const text = `changes(configuration/entityTypes/${type}/attributes/Name)`;
    return { text, matches: (entry) => entry.type === type && differs(entry, (state) => state?.name) };
  },
  city: (random) => ({
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
  not: (random, known) => {
    const { text, matches } = makeFilter(random.pick(['user', 'type', 'bounds', 'name']), random, known);
    return { text: `${mixed(random, 'not')} (${text})`, matches: (entry) => !matches(entry) };
  },
};

export function makeFilter(kind: string, random: Random, known: readonly Known[]): Filter {
  return (FILTERS[kind] as MakeFilter)(random, known);
}

export interface Question {
  entity: string;
  filter?: Filter;
  showAll?: boolean;
  majorOnly?: boolean;
}

const MAJOR = ['ENTITY_CREATED', 'ENTITIES_MERGED', 'ENTITIES_SPLITTED'];
const ALWAYS_LISTED = [...MAJOR, 'ENTITY_REMOVED', 'ENTITY_LOST_MERGE'];

/** All events that match, newest first. */
export function matching(known: readonly Known[], question: Question): Shown[] {
  return known
    .map((entry, position) => ({ entry, position }))
    .filter(({ entry }) => isMatch(entry, question))
    .sort((left, right) => right.entry.occurredAt - left.entry.occurredAt || right.position - left.position)
    .map(({ entry }) => shown(entry));
}

function isMatch(entry: Known, { entity, filter, showAll = false, majorOnly = false }: Question): boolean {
  const { type } = shown(entry);
  if (entry.entity !== entity || entry.action === 'access') return false;
  if (majorOnly && !MAJOR.includes(type)) return false;
  if (showAll) return true;
  const isListed =
    differs(entry, (state) => state as Json) || entry.action !== 'update' || ALWAYS_LISTED.includes(type);
  return isListed && (filter?.matches(entry) ?? true);
}
