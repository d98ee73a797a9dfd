// A random history, and what the Versions API must say of it: by brute force, from what was sent alone.

import { isDeepStrictEqual } from 'node:util';
import type { Action, Actor, Change, State } from '../src/core/entry.ts';
import type { Json, JsonObject } from '../src/core/json.ts';
import type { Random } from './random.ts';

export const FILTERED: Record<string, 'text' | 'instant' | 'json'> = {
  id: 'text',
  resource_type: 'text',
  resource_id: 'text',
  created_at: 'instant',
  updated_at: 'instant',
  reference: 'text',
  reference_origin: 'text',
  metadata: 'json',
};

/** A version as a client must see it, in a plain form; `occurredAt` breaks ties of a sort. */
export interface Expected {
  id: string;
  occurredAt: number;
  attributes: JsonObject;
}

const VERSIONED: Record<string, Action[]> = {
  roles: ['create', 'update', 'delete'],
  memberships: ['update', 'delete'],
  permissions: ['update', 'delete'],
  organizations: [],
};
const TYPES = ['roles', 'memberships', 'permissions', 'organizations', 'orders', 'Bücher'];
const ATTRIBUTES = ['name', 'size', 'tags', '__proto__', 'updated_at', '_add_missing_base_permissions'];
export const VALUES: Json[] = [
  null,
  true,
  'Zürich',
  'ab',
  'AB',
  3,
  4.5,
  ['a'],
  { city: 'Bern' },
  { city: 'Bern', zip: 3000 },
];
export const REFERENCES = [
  '',
  'abc',
  'ABC',
  'abd',
  'a%c',
  'a_c',
  'a\\c',
  'order-1',
  'Zürich',
  'true',
  'null',
];
const METADATA: Json[] = [
  null,
  'text',
  [1, 'a', { b: [2] }],
  {},
  { foo: 'bar' },
  { foo: { bar: ['a', 'b'] }, n: 1 },
  true,
];
const ACTORS: [Actor, JsonObject][] = [
  [{ type: 'user', id: 'u1', name: 'Ada' }, { user: { id: 'u1' } }],
  [
    { type: 'user', id: 'u2', application: { id: 'web', kind: 'webapp', public: true, name: 'Web' } },
    { user: { id: 'u2' }, application: { id: 'web', kind: 'webapp', public: true } },
  ],
  [
    { type: 'application', id: 'a1', application: { id: 'x', kind: 'integration', public: false } },
    { application: { id: 'a1', kind: 'integration', public: false } },
  ],
  [{ type: 'application', id: 'a2' }, { application: { id: 'a2' } }],
  [{ type: 'worker', id: 'w1' }, { worker: { id: 'w1' } }],
  [{ type: 'system', id: 's1' }, {}],
];
/** 2024-01-01T00:00:00Z in microseconds. */
const START = 1_704_067_200_000_000;
const DAY = 86_400_000_000;

/** Makes changes, and the versions that must be seen of them, in the same order. */
export class HistoryMaker {
  readonly expected: Expected[] = [];
  readonly #random: Random;
  readonly #states = new Map<string, State>();

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Change {
    const random = this.#random;
    const resource = { type: random.pick(TYPES), id: `r${random.below(6)}` };
    const key = `${resource.type}/${resource.id}`;
    const known = this.#states.get(key) ?? null;
    const before = random.chance(0.1) ? this.#state(known) : known;
    const action = this.#action(known);
    const after = action === 'delete' || action === 'access' ? null : this.#state(before);
    if (action !== 'access') this.#states.set(key, after);
    const [actor, who] = random.pick(ACTORS);
    const metadata = this.#metadata();
    const occurredAt = this.#instant();
    const id = crypto.randomUUID();
    this.#expect({ id, resource, action, occurredAt, before, after, who, metadata: metadata ?? null });
    return {
      id,
      resource,
      action,
      actor,
      occurredAt,
      ...(before === known || action === 'access' ? {} : { before }),
      ...(after === null ? {} : { after }),
      ...(metadata === undefined ? {} : { metadata }),
    };
  }

  #expect(made: {
    id: string;
    resource: { type: string; id: string };
    action: Action;
    occurredAt: number;
    before: State;
    after: State;
    who: JsonObject;
    metadata: Json;
  }): void {
    const { resource, action, before, after, metadata } = made;
    if (action === 'access' || isDeepStrictEqual(before, after)) return;
    if (VERSIONED[resource.type]?.includes(action) === false) return;
    const at = new Date(Math.floor(made.occurredAt / 1000)).toISOString();
    this.expected.push({
      id: made.id,
      occurredAt: made.occurredAt,
      attributes: {
        resource_type: resource.type,
        resource_id: resource.id,
        event: action === 'delete' ? 'destroy' : action,
        changes: changesOf(resource.type, before ?? {}, after ?? {}),
        who: made.who,
        created_at: at,
        updated_at: at,
        reference: memberOf(metadata, 'reference'),
        reference_origin: memberOf(metadata, 'reference_origin'),
        metadata,
      },
    });
  }

  #action(known: State): Action {
    if (this.#random.chance(0.1)) return 'access';
    if (known === null) return 'create';
    return this.#random.chance(0.15) ? 'delete' : 'update';
  }

  #state(before: State): JsonObject {
    const members = new Map(Object.entries(before ?? {}));
    for (let edits = this.#random.below(3); edits >= 0; edits--) {
      const name = this.#random.pick(ATTRIBUTES);
      if (this.#random.chance(0.2)) members.delete(name);
      else members.set(name, this.#random.pick(VALUES));
    }
    return Object.fromEntries(members);
  }

  #metadata(): Json | undefined {
    if (this.#random.chance(0.15)) return undefined;
    if (this.#random.chance(0.2)) return this.#random.pick(METADATA);
    const metadata = { ...(this.#random.pick([{}, { foo: 'bar' }, { n: 1 }]) as JsonObject) };
    if (this.#random.chance(0.7)) metadata.reference = this.#random.pick(REFERENCES);
    if (this.#random.chance(0.4)) metadata.reference_origin = this.#random.pick([...REFERENCES, 7, null]);
    return metadata;
  }

  /** Few moments, so that many are equal, and some that differ by less than the wire shows. */
  #instant(): number {
    if (this.#random.chance(0.05)) return -this.#random.below(1e12);
    return START + this.#random.below(20) * DAY + this.#random.below(3) * 500;
  }
}

function changesOf(type: string, before: JsonObject, after: JsonObject): JsonObject {
  const changes = new Map<string, Json>();
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const pair = [before, after].map((state) => (Object.hasOwn(state, name) ? (state[name] as Json) : null));
    const isSame =
      Object.hasOwn(before, name) === Object.hasOwn(after, name) && isDeepStrictEqual(pair[0], pair[1]);
    const isHidden = name === 'updated_at' || (type === 'roles' && name === '_add_missing_base_permissions');
    if (!isSame && !isHidden) changes.set(name, pair);
  }
  return Object.fromEntries(changes);
}

function memberOf(metadata: Json, member: string): string | null {
  const value = (metadata as JsonObject | null)?.[member];
  return typeof value === 'string' ? value : null;
}

/** Is a condition met by a version? Written from the facts, and unlike the server's own code. */
export function meets({ id, attributes }: Expected, key: string, operand: string): boolean {
  const [, names = '', predicate = ''] =
    /^((?:(?:id|resource_type|resource_id|created_at|updated_at|reference_origin|reference|metadata)(?:_or_)?)+)_(\w+)$/.exec(
      key,
    ) ?? [];
  return names.split('_or_').some((name) => {
    const value = name === 'id' ? id : (attributes[name] as Json);
    return satisfies(FILTERED[name] as 'text', value, predicate, operand);
  });
}

/** How an attribute's values compare. */
export type Compared = 'text' | 'instant' | 'json' | 'number' | 'boolean';

/** Is a predicate met by a value? Written from the facts, and unlike the server's own code. */
export function satisfies(kind: Compared, value: Json, predicate: string, operand: string): boolean {
  if (predicate.endsWith('_or_null')) {
    return value === null || satisfies(kind, value, predicate.slice(0, -8), operand);
  }
  if (predicate === 'null') return (value === null) === isYes(operand);
  if (predicate === 'not_null') return (value !== null) === isYes(operand);
  if (predicate === 'blank') return (value === null || value === '') === isYes(operand);
  if (predicate === 'present') return (value !== null && value !== '') === isYes(operand);
  if (value === null) return false;
  if (predicate === 'in') return satisfies(kind, value, 'eq_any', operand);
  if (predicate === 'not_in') return satisfies(kind, value, 'not_eq_all', operand);
  if (predicate.endsWith('_any'))
    return operand.split(',').some((one) => satisfies(kind, value, predicate.slice(0, -4), one));
  if (predicate.endsWith('_all'))
    return operand.split(',').every((one) => satisfies(kind, value, predicate.slice(0, -4), one));
  if (predicate === 'does_not_match') return !satisfies(kind, value, 'matches', operand);
  if (predicate.startsWith('not_')) return !satisfies(kind, value, predicate.slice(4), operand);

  const text = kind === 'json' ? sorted(value) : String(value);
  if (predicate === 'true' || predicate === 'false') return (text === predicate) === isYes(operand);
  if (predicate === 'jcont') return holds(kind === 'json' ? value : text, JSON.parse(operand) as Json);
  const [low, small] = [text.toLowerCase(), operand.toLowerCase()];
  if (predicate === 'cont') return low.includes(small);
  if (predicate === 'start') return low.startsWith(small);
  if (predicate === 'end') return low.endsWith(small);
  if (predicate === 'matches') return asRegExp(small).test(low);
  const order = compare(kind, text, operand);
  if (predicate === 'eq') return order === 0;
  if (predicate === 'lt') return order < 0;
  if (predicate === 'lteq') return order <= 0;
  if (predicate === 'gt') return order > 0;
  if (predicate === 'gteq') return order >= 0;
  throw new Error(`the oracle does not know ${predicate}`);
}

function isYes(operand: string): boolean {
  return operand === 'true' || operand === '1';
}

function compare(kind: Compared, text: string, operand: string): number {
  const [left, right] = comparable(kind, text, operand);
  return left < right ? -1 : left > right ? 1 : 0;
}

function comparable(kind: Compared, text: string, operand: string): [string | number, string | number] {
  if (kind === 'instant') return [Date.parse(text), Date.parse(operand)];
  if (kind === 'number') return [Number(text), Number(operand)];
  if (kind === 'boolean') return [Number(text === 'true'), Number(isYes(operand))];
  return [text, kind === 'json' ? sortedText(operand) : operand];
}

function sortedText(operand: string): string {
  try {
    return sorted(JSON.parse(operand) as Json);
  } catch {
    return operand;
  }
}

function sorted(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${sorted(value[name] as Json)}`).join(',')}}`;
}

function asRegExp(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    if (character === '%') source += '.*';
    else if (character === '_') source += '.';
    else source += RegExp.escape(character === '\\' ? (pattern[++at] ?? '\\') : character);
  }
  return new RegExp(`^${source}$`, 's');
}

function holds(whole: Json, part: Json): boolean {
  if (Array.isArray(whole) && !Array.isArray(part))
    return whole.some((item) => typeof part !== 'object' && item === part);
  return within(whole, part);
}

function within(whole: Json, part: Json): boolean {
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.every((item) => whole.some((candidate) => within(candidate, item)));
  }
  if (part !== null && typeof part === 'object') {
    if (whole === null || typeof whole !== 'object' || Array.isArray(whole)) return false;
    return Object.entries(part).every(
      ([name, value]) => Object.hasOwn(whole, name) && within(whole[name] as Json, value),
    );
  }
  return whole === part;
}
