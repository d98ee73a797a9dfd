import { describe, expect, it } from 'vitest';
import { Random, testSeed } from '../store/contract-batches.ts';
import { changedAttributes } from './diff.ts';
import { canonicalize, type Json, type JsonObject } from './json.ts';
import { parseText } from './json-parse.ts';
import { readState } from './state-reader.ts';
import { type Difference, StateText } from './state-text.ts';

const seed = testSeed();
const hint = `ANNALS_SEED=${seed} repeats this run`;

function parse(bytes: Uint8Array, from: number, to: number): Json | undefined {
  try {
    return parseText(Buffer.from(bytes.subarray(from, to)).toString());
  } catch {
    return undefined;
  }
}

/** Reads what stands between two brackets, so that nothing beyond it may be looked at. */
function read(text: string, known?: StateText | null): StateText | undefined {
  const bytes = Buffer.from(`[${text}]`);
  return readState(bytes, 1, bytes.length - 1, known ?? null, parse);
}

const KEYS = ['a', 'b', 'name', 'größe', '10', '2', 'a"b', '\\', '__proto__', '\u{1f98a}', '￿', ''];
const VALUES: Json[] = [
  null,
  true,
  0,
  -1.5,
  1e21,
  '',
  'Zürich',
  '} , "a": [',
  'quoted " \\ \u0001',
  [],
  {},
  [1, [2, { b: 1, a: 2 }]],
  { z: 1, a: { y: null, '10': 1, '2': 2 } },
];

function randomState(random: Random): JsonObject {
  const keys = random.shuffled(KEYS).slice(0, random.below(KEYS.length));
  return Object.fromEntries(keys.map((key) => [key, random.pick(VALUES)]));
}

/** A state with objects in it that are large enough to be taken apart themselves. */
function deepState(random: Random): JsonObject {
  const large = (): JsonObject => ({ ...randomState(random), long: 'x'.repeat(200) });
  const entries = random
    .shuffled(KEYS)
    .slice(0, 3)
    .map((key): [string, Json] => [key, { ...large(), deeper: large() }]);
  return Object.fromEntries([...Object.entries(randomState(random)), ...entries]);
}

/** The state with some members changed, removed, added or moved, inside of objects as well. */
function edited(random: Random, state: JsonObject): JsonObject {
  const entries = Object.entries(state).flatMap(([key, value]): [string, Json][] => {
    if (random.chance(0.1)) return [];
    if (isObject(value) && random.chance(0.5)) return [[key, edited(random, value)]];
    return [[key, random.chance(0.2) ? random.pick(VALUES) : value]];
  });
  if (random.chance(0.3)) entries.push([random.pick(KEYS), random.pick(VALUES)]);
  return Object.fromEntries(random.chance(0.2) ? random.shuffled(entries) : entries);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SPACES = ['', '', '', ' ', '\t', '\r\n', '  '];

/** JSON text in some client's way of writing it. */
function written(random: Random, value: Json): string {
  const space = (): string => random.pick(SPACES);
  if (Array.isArray(value))
    return `[${value.map((item) => space() + written(random, item)).join(',')}${space()}]`;
  if (typeof value === 'string' && random.chance(0.1)) {
    return `"${[...value].map((char) => (char < '\ud800' ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char)).join('')}"`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, member]) =>
      `${space()}${written(random, key)}${space()}:${space()}${written(random, member)}${space()}`,
  );
  return `{${members.join(',') || space()}}`;
}

describe('the canonical text of a state', () => {
  it('is that of its value, whichever way it came about', () => {
    const random = new Random(seed);
    for (let round = 0; round < 500; round++) {
      const state = randomState(random);
      const text = canonicalize(state);
      for (const made of [StateText.of(state), StateText.ofText(text), read(written(random, state))]) {
        expect(made?.text, hint).toBe(text);
        expect(made?.value, hint).toEqual(state);
        expect(made?.keys, hint).toEqual(Object.keys(state).sort());
      }
    }
    expect(StateText.ofText(null)).toBeNull();
  });

  it('is read the same beside any other state, over a whole history', () => {
    const random = new Random(seed);
    for (let round = 0; round < 100; round++) {
      let state = randomState(random);
      let known: StateText | null = random.chance(0.5) ? null : StateText.of(randomState(random));
      for (let version = 0; version < 30; version++) {
        const text = random.chance(0.5) ? JSON.stringify(state) : written(random, state);
        const next: StateText | undefined = read(text, known);
        expect(next?.text, `${text} beside ${known?.text}; ${hint}`).toBe(canonicalize(state));
        expect(next?.keys, hint).toEqual(Object.keys(state).sort());
        known = next ?? null;
        state = edited(random, state);
      }
    }
  });

  it('is read the same beside the one before where what differs is inside of its members', () => {
    const random = new Random(seed);
    for (let round = 0; round < 60; round++) {
      let state = deepState(random);
      let known = StateText.of(state);
      for (let version = 0; version < 20; version++) {
        const next = edited(random, state);
        const text = random.chance(0.7) ? JSON.stringify(next) : written(random, next);
        const read = readState(Buffer.from(text), 0, Buffer.byteLength(text), known, parse);
        expect(read?.text, `${text} beside ${known.text}; ${hint}`).toBe(canonicalize(next));
        expect(read?.keys, hint).toEqual(Object.keys(next).sort());
        expect(read?.ends, hint).toEqual(StateText.of(next).ends);
        const differences = read?.differencesFrom(known) ?? [];
        mustBeDifferences(differences, state, next);
        // The origin is no longer needed for them.
        read?.forgetOrigin();
        mustBeDifferences(read?.differencesFrom(known) ?? [], state, next);
        [state, known] = [next, read as StateText];
      }
    }
  });

  it('is read by what differs inside of a large member', () => {
    const names = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'x'.repeat(20)]));
    const known = read(JSON.stringify({ names, a: 1 }));
    const parsed: string[] = [];
    const text = Buffer.from(JSON.stringify({ names: { ...names, k7: 'y' }, a: 1 }));
    const state = readState(text, 0, text.length, known ?? null, (bytes, from, to) => {
      parsed.push(Buffer.from(bytes.subarray(from, to)).toString());
      return parse(bytes, from, to);
    });
    expect(parsed).toEqual(['"y"']);
    const [names1, ...others] = state?.differencesFrom(known as StateText) ?? [];
    expect(others).toEqual([]);
    expect(names1?.inside?.map(({ key, before, after }) => [key, before?.text(), after?.text()])).toEqual([
      ['k7', `"${'x'.repeat(20)}"`, '"y"'],
    ]);
  });

  it('is the known one itself where nothing differs, however it is written', () => {
    const known = read('{"b":[1,2],"a":{"d":1,"c":"é"}}');
    expect(read('{"b":[1,2],"a":{"d":1,"c":"é"}}', known)).toBe(known);
    expect(read('{ "a" : {"c":"\\u00e9", "d":1.0}, "b":[1,2] }', known)).toBe(known);
    expect(read('{"b":[1,3],"a":{"d":1,"c":"é"}}', known)).not.toBe(known);
  });

  it('does not take a number, a word or a string for its beginning', () => {
    const known = read('{"a":1,"b":"x"}');
    expect(read('{"a":12,"b":"x"}', known)?.text).toBe('{"a":12,"b":"x"}');
    expect(read('{"a":1.5,"b":"x"}', known)?.text).toBe('{"a":1.5,"b":"x"}');
    expect(read('{"a":1,"b":"x\\"y"}', known)?.text).toBe('{"a":1,"b":"x\\"y"}');
    expect(read('{"a":1e3,"b":"x"}', known)?.text).toBe('{"a":1000,"b":"x"}');
  });

  it.each([
    ['{"a":1'],
    ['{"a":1,}'],
    ['{"a":1,"b"}'],
    ['{"a" 1}'],
    ['{a:1}'],
    ['{"a":1 2}'],
    ['{"a":}'],
    ['{"a":1]}'],
    ['{"a":[1}}'],
    ['{"a":tru}'],
    ['{"a":1}}'],
    ['{"a":1} '],
    ['{"a":"x}'],
    ['{"a":1,,"b":2}'],
    ['{,"a":1}'],
    ['{"a":1,"b":2,"a":1}'],
    ['{"c":1,"c":2}'],
    ['{"a":1,"\\u0061":2}'],
  ])('is not read from %s', (text) => {
    expect(read(text)).toBeUndefined();
    expect(read(text, read('{"a":1,"b":2}'))).toBeUndefined();
    expect(read(text, StateText.of({ a: 1 }))).toBeUndefined();
  });

  it('is read in one go over all its members, however many, and in whatever order they come', () => {
    const keys = Array.from({ length: 60_000 }, (_, index) => `k${index}`);
    const state = (order: string[], value: number): JsonObject =>
      Object.fromEntries(order.map((key) => [key, value]));
    let known = read(JSON.stringify(state(keys, 1)));
    for (const order of [keys.toReversed(), keys.toSorted(), keys.slice(1), keys]) {
      for (const value of [2, 3]) {
        const next = state(order, value);
        known = read(JSON.stringify(next), known);
        expect(known?.bytes.length).toBe(Buffer.byteLength(canonicalize(next)));
        expect(known?.text === canonicalize(next)).toBe(true);
      }
    }
  });

  it('is not read where every cut and every changed byte of it makes it no JSON', () => {
    const text = '{"a":[1,{"b":"x\\"]"}],"ä":-1.5e3,"c":null}';
    const known = read(text);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at++) {
      expect(readState(bytes, 0, at, known ?? null, parse), `cut at ${at}`).toBeUndefined();
      for (const byte of Buffer.from('{}[],:"\\ 0a')) {
        const changed = Buffer.from(bytes);
        changed[at] = byte;
        let wanted: string | undefined;
        try {
          const value = parseText(changed.toString());
          const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
          wanted = isObject ? canonicalize(value) : undefined;
        } catch {
          wanted = undefined;
        }
        const got = readState(changed, 0, changed.length, known ?? null, parse)?.text;
        // A key that is there twice is for the reading of the whole.
        if (got !== undefined || wanted === undefined) expect(got, changed.toString()).toBe(wanted);
      }
    }
  });
});

function kindOf(value: Json): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' && value !== null ? 'object' : 'scalar';
}

/** Holds differences against those of the values, those inside as well. */
function mustBeDifferences(differences: readonly Difference[], before: JsonObject, after: JsonObject): void {
  expect(
    differences.map(({ key }) => key),
    hint,
  ).toEqual(changedAttributes(before, after));
  for (const { key, inside, ...sides } of differences) {
    const [was, is] = [before, after].map((state) =>
      Object.hasOwn(state, key) ? (state[key] as Json) : undefined,
    );
    expect(sides.before?.parsed(), hint).toEqual(was);
    expect(sides.after?.parsed(), hint).toEqual(is);
    expect(sides.after?.text(), hint).toBe(is === undefined ? undefined : canonicalize(is));
    if (inside === undefined) continue;
    if (!isObject(was) || !isObject(is)) throw new Error(`${key} is no object; ${hint}`);
    mustBeDifferences(inside, was, is);
  }
}

describe('differences of two states', () => {
  it('are the attributes that differ, with their values', () => {
    const random = new Random(seed);
    for (let round = 0; round < 500; round++) {
      const before = randomState(random);
      const after = edited(random, before);
      const [left, right] = [StateText.of(before), StateText.of(after)];
      const differences = right.differencesFrom(left);
      const attributes = differences.map(({ key }) => key);
      expect(attributes, hint).toEqual(changedAttributes(before, after));
      for (const { key, ...sides } of differences) {
        for (const [side, state] of [
          ['before', before],
          ['after', after],
        ] as const) {
          const value = Object.hasOwn(state, key) ? (state[key] as Json) : undefined;
          expect(sides[side]?.parsed(), hint).toEqual(value);
          expect(sides[side]?.text(), hint).toBe(value === undefined ? undefined : canonicalize(value));
          expect(sides[side]?.kind, hint).toBe(value === undefined ? undefined : kindOf(value));
        }
      }
      expect(right.isSame(left), hint).toBe(attributes.length === 0);
    }
  });

  it('are none between a state and none', () => {
    expect(StateText.of({}).isSame(null)).toBe(false);
    expect(StateText.of({ a: 1 }).isSame(StateText.of({ a: 2 }))).toBe(false);
    expect(StateText.of({ a: 1 }).isSame(StateText.of({ a: 1 }))).toBe(true);
  });
});
