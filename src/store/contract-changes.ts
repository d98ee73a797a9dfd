// Changes for tests of stores: plain ones to build stories from, and random ones with everything
// that a record can have. The same seed makes the same changes.

import type { Action, Actor, Change, Resource, ResourceRef, State } from '../core/entry.ts';
import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { type Random, START } from './contract-batches.ts';

/** A plain update of `countries/CHE` by a user, with what is given in place of that. */
export function changeOf(random: Random, given: Partial<Change> = {}): Change {
  const action = given.action ?? 'update';
  const hasAfter = action === 'create' || action === 'update';
  return {
    id: random.uuid(),
    resource: { type: 'countries', id: 'CHE' },
    action,
    actor: { type: 'user', id: 'ada' },
    ...(hasAfter ? { after: { number: random.below(1_000_000) } } : {}),
    ...given,
  };
}

/** Few types and ids, so that histories grow long; `memberships` and `organizations` are directory types. */
const TYPES = ['countries', 'orders', 'memberships', 'organizations', 'Bücher'];
const IDS = ['CHE', 'fr/north', 'Zürich', '狐🦊', '\uff5e', 'x'.repeat(200)];
const EVENTS = ['org.domain.verified', 'user.locked', 'größer'];
const IPS = ['192.0.2.7', '2001:db8::7', '198.51.100.44'];
const ATTRIBUTES = ['name', 'code', 'address', 'tags', 'größe', 'a/b~c', '__proto__', 'constructor'];
const TEXTS = ['', 'plain', 'Zürich', '狐🦊', '"quoted" \\ \n \u0001 \u2028', "it's", '{"a":1}', 'null'];
const NUMBERS = [0, -0, 1, -7, 0.1, 1e21, 1.5e-7, Number.MAX_SAFE_INTEGER, 5e-324];
const ACTORS: Actor[] = [
  { type: 'user', id: 'ada', name: 'Ada Lovelace', loginName: 'ada@example.com' },
  {
    type: 'user',
    id: '狐',
    avatarUrl: 'https://example.com/a.png',
    application: { id: 'web', public: true },
  },
  { type: 'application', id: 'importer', name: 'Importer', application: { id: 'importer', kind: 'sync' } },
  { type: 'system', id: 'annals' },
];

const DAY_MICROS = 86_400_000_000;

export function randomChanges(random: Random, count: number): Change[] {
  const next = changeMaker(random);
  return Array.from({ length: count }, next);
}

/** Hands out random changes that continue one another; it remembers the states that it has made. */
export function changeMaker(random: Random): () => Change {
  const states = new Map<string, State>();
  let lastOccurredAt = START;

  return () => {
    const resource = randomResource(random);
    const key = JSON.stringify(refOf(resource));
    const state = states.get(key) ?? null;
    const action = randomAction(random, state);
    const after = action === 'delete' || action === 'access' ? null : nextState(random, state);
    if (action !== 'access') states.set(key, after);
    if (random.chance(0.85)) lastOccurredAt = randomInstant(random);
    const before = action !== 'access' && random.chance(0.25) ? randomBefore(random, state) : undefined;
    return {
      id: random.uuid(),
      resource,
      action,
      actor: random.pick(ACTORS),
      ...(random.chance(0.3) ? {} : { occurredAt: lastOccurredAt }),
      ...(random.chance(0.4) ? { event: random.pick(EVENTS) } : {}),
      ...(random.chance(0.4) ? { related: randomRelated(random) } : {}),
      ...(before === undefined ? {} : { before }),
      ...(after === null ? {} : { after }),
      ...(random.chance(0.7) ? { context: randomContext(random) } : {}),
      ...(random.chance(0.4) ? { metadata: randomJson(random, 2) } : {}),
    };
  };
}

function randomResource(random: Random): Resource {
  const ref = { type: random.pick(TYPES), id: random.pick(IDS) };
  return random.chance(0.4) ? { ...ref, name: random.pick(TEXTS) } : ref;
}

function refOf({ type, id }: ResourceRef): ResourceRef {
  return { type, id };
}

function randomAction(random: Random, state: State): Action {
  if (random.chance(0.1)) return 'access';
  if (state === null) return random.chance(0.8) ? 'create' : random.pick(['update', 'delete']);
  if (random.chance(0.15)) return 'delete';
  return random.chance(0.95) ? 'update' : 'create';
}

/** Within 30 days of START, to the microsecond, so mostly out of order; now and then before 1970. */
function randomInstant(random: Random): Instant {
  if (random.chance(0.03)) return -random.below(1e15);
  return START + (random.below(60) - 30) * DAY_MICROS + random.below(DAY_MICROS);
}

/** The state that the maker knows, or another one, or none: the latter two mean that a change was missed. */
function randomBefore(random: Random, state: State): State {
  if (random.chance(0.5)) return state;
  return random.chance(0.5) ? nextState(random, state) : null;
}

/** One to three attributes set anew or taken away; now and then the same state again. */
function nextState(random: Random, state: State): JsonObject {
  let next: JsonObject = { ...state };
  if (state !== null && random.chance(0.08)) return next;
  for (let edits = 1 + random.below(3); edits > 0; edits--) {
    const attribute = random.pick(ATTRIBUTES);
    if (random.chance(0.2)) {
      next = Object.fromEntries(Object.entries(next).filter(([name]) => name !== attribute));
    } else next = { ...next, [attribute]: randomJson(random, 3) };
  }
  return next;
}

function randomRelated(random: Random): ResourceRef[] {
  return Array.from({ length: random.below(4) }, () => refOf(randomResource(random)));
}

function randomContext(random: Random): JsonObject {
  return {
    ...(random.chance(0.7) ? { ip: random.pick(IPS) } : {}),
    ...(random.chance(0.5) ? { userAgent: random.pick(TEXTS) } : {}),
    ...(random.chance(0.2) ? { geo: randomJson(random, 2) } : {}),
  };
}

/** Any JSON value, up to so many levels deep. */
export function randomJson(random: Random, levels: number): Json {
  const kind = random.below(levels > 0 ? 7 : 4);
  if (kind === 0) return random.chance(0.5) ? null : random.chance(0.5);
  if (kind === 1) return random.pick(NUMBERS);
  if (kind < 4) return random.pick(TEXTS);
  const length = random.below(4);
  if (kind === 4) return Array.from({ length }, () => randomJson(random, levels - 1));
  const members = Array.from({ length }, () => [random.pick(ATTRIBUTES), randomJson(random, levels - 1)]);
  return Object.fromEntries(members) as JsonObject;
}
