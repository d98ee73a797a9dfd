import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AnnalsError } from './errors.ts';
import { canonicalize, type Json } from './json.ts';
import { applyPatch, MAX_OPERATIONS, mergePatch, type PatchOperation, parsePatch } from './patch.ts';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../testdata/${name}`, import.meta.url), 'utf8'));
const parse = (text: string): Json => JSON.parse(text);

/** What AnnalsError the action throws, as `code field`. */
function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof AnnalsError) return `${error.code} ${error.facts.field}`;
    throw error;
  }
  return 'no error';
}

describe('the examples of RFC 6902, appendix A', () => {
  interface Example {
    name: string;
    document: Json;
    patch?: Json;
    patchText?: string;
    result?: Json;
  }
  const examples: Example[] = read('rfc6902.json').cases;

  test.each(examples.filter(({ result }) => result !== undefined))('$name', ({ document, patch, result }) => {
    expect(applyPatch(document, parsePatch(patch as Json))).toEqual(result);
  });

  test.each(examples.filter(({ result }) => result === undefined))('$name fails', (example) => {
    const patch = parsePatch(example.patch ?? parse(example.patchText as string));
    expect(refusalOf(() => applyPatch(example.document, patch))).toMatch(/^patch_failed \/0\//);
  });
});

describe('the table of RFC 7396, appendix A', () => {
  const cases: { original: Json; patch: Json; result: Json }[] = read('rfc7396.json').cases;

  test.each(cases)('merges $patch into $original', ({ original, patch, result }) => {
    expect(mergePatch(original, patch)).toEqual(result);
  });
});

describe('applyPatch', () => {
  test.each<[string, Json, PatchOperation[], Json]>([
    ['does nothing without operations', { a: 1 }, [], { a: 1 }],
    ['adds over a member that exists', { a: null }, [{ op: 'add', path: '/a', value: 1 }], { a: 1 }],
    ['adds at the end of an array by its length', [1], [{ op: 'add', path: '/1', value: 2 }], [1, 2]],
    ['adds at the end of an array by -', [1, [2]], [{ op: 'add', path: '/1/-', value: 3 }], [1, [2, 3]]],
    ['has members named 01 and - in objects', {}, [{ op: 'add', path: '/01', value: 1 }], { '01': 1 }],
    ['takes the empty key for a key', {}, [{ op: 'add', path: '/', value: 1 }], { '': 1 }],
    ['adds the whole value anew', { a: 1 }, [{ op: 'add', path: '', value: [2] }], [2]],
    ['replaces the whole value', null, [{ op: 'replace', path: '', value: { a: 1 } }], { a: 1 }],
    ['leaves null where the whole value is removed', { a: 1 }, [{ op: 'remove', path: '' }], null],
    ['replaces null', { a: null }, [{ op: 'replace', path: '/a', value: 0 }], { a: 0 }],
    ['moves a value onto itself', { a: 1 }, [{ op: 'move', from: '/a', path: '/a' }], { a: 1 }],
    ['moves the whole value onto itself', { a: 1 }, [{ op: 'move', from: '', path: '' }], { a: 1 }],
    ['moves a value up to its parent', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/a' }], { a: 1 }],
    [
      'moves into a member with a longer name',
      { a: 1, ab: {} },
      [{ op: 'move', from: '/a', path: '/ab/c' }],
      { ab: { c: 1 } },
    ],
    ['moves to the end of the same array', [1, 2, 3], [{ op: 'move', from: '/0', path: '/-' }], [2, 3, 1]],
    [
      'copies a value into itself',
      { a: { b: 1 } },
      [{ op: 'copy', from: '/a', path: '/a/c' }],
      { a: { b: 1, c: { b: 1 } } },
    ],
    [
      'copies over another value',
      { a: [1], b: 2 },
      [{ op: 'copy', from: '/a', path: '/b' }],
      { a: [1], b: [1] },
    ],
    [
      'tests without regard to the order of members',
      { a: { b: 1, c: 2 } },
      [{ op: 'test', path: '/a', value: { c: 2, b: 1 } }],
      { a: { b: 1, c: 2 } },
    ],
    ['tests the whole value', [1], [{ op: 'test', path: '', value: [1] }], [1]],
  ])('%s', (_, state, patch, result) => {
    expect(applyPatch(state, patch)).toEqual(result);
  });

  test.each<[string, Json, PatchOperation, string]>([
    ['an absent member to remove', { a: 1 }, { op: 'remove', path: '/b' }, '/0/path'],
    ['an absent member to replace', { a: 1 }, { op: 'replace', path: '/b', value: 1 }, '/0/path'],
    ['an absent member to test', {}, { op: 'test', path: '/a', value: null }, '/0/path'],
    ['an absent member to move', {}, { op: 'move', from: '/a', path: '/b' }, '/0/from'],
    ['an absent member to copy', {}, { op: 'copy', from: '/a', path: '/b' }, '/0/from'],
    ['an absent parent', { a: 1 }, { op: 'add', path: '/b/c', value: 1 }, '/0/path'],
    ['a parent that is a scalar', { a: 'text' }, { op: 'add', path: '/a/0', value: 1 }, '/0/path'],
    ['the length of a text', { a: 'text' }, { op: 'test', path: '/a/length', value: 4 }, '/0/path'],
    ['the length of an array', [1], { op: 'test', path: '/length', value: 1 }, '/0/path'],
    ['a parent that is null', { a: null }, { op: 'add', path: '/a/b', value: 1 }, '/0/path'],
    ['an index past the end', [1], { op: 'add', path: '/2', value: 1 }, '/0/path'],
    ['an index past the end to remove', [1], { op: 'remove', path: '/1' }, '/0/path'],
    ['a huge index', [1], { op: 'add', path: `/${'9'.repeat(400)}`, value: 1 }, '/0/path'],
    ['a negative index', [1], { op: 'add', path: '/-1', value: 1 }, '/0/path'],
    ['an index with a leading zero', [1, 2], { op: 'test', path: '/01', value: 2 }, '/0/path'],
    ['an index with an exponent', [1, 2], { op: 'replace', path: '/1e0', value: 2 }, '/0/path'],
    ['an index with white space', [1, 2], { op: 'remove', path: '/ 1' }, '/0/path'],
    ['an empty index', [1, 2], { op: 'remove', path: '/' }, '/0/path'],
    ['- as an item to remove', [1], { op: 'remove', path: '/-' }, '/0/path'],
    ['- as an item to replace', [1], { op: 'replace', path: '/-', value: 2 }, '/0/path'],
    ['- as an item to copy', [1], { op: 'copy', from: '/-', path: '/0' }, '/0/from'],
    ['- within a path', [[1]], { op: 'add', path: '/-/0', value: 2 }, '/0/path'],
    [
      'a move of a value into itself',
      { a: { b: {} } },
      { op: 'move', from: '/a', path: '/a/b/c' },
      '/0/path',
    ],
    ['a move of the whole value into itself', { a: 1 }, { op: 'move', from: '', path: '/b' }, '/0/path'],
    ['a test of another kind', { a: '1' }, { op: 'test', path: '/a', value: 1 }, '/0/value'],
    ['a test of null for an empty object', { a: {} }, { op: 'test', path: '/a', value: null }, '/0/value'],
    ['a path that is no pointer', { a: 1 }, { op: 'remove', path: 'a' }, '/0/path'],
    ['what the prototype has', {}, { op: 'test', path: '/constructor/name', value: 'Object' }, '/0/path'],
    ['the prototype', {}, { op: 'add', path: '/__proto__/polluted', value: 1 }, '/0/path'],
    ['the prototype of an array', [], { op: 'add', path: '/__proto__/polluted', value: 1 }, '/0/path'],
  ])('refuses %s', (_, state, operation, field) => {
    expect(refusalOf(() => applyPatch(state, [operation]))).toBe(`patch_failed ${field}`);
  });

  test('names the operation that failed, what it wanted and what it got', () => {
    const patch: PatchOperation[] = [
      { op: 'add', path: '/b', value: 1 },
      { op: 'add', path: '/list/7', value: 1 },
    ];
    expect(() => applyPatch({ list: [1, 2] }, patch)).toThrow(
      expect.objectContaining({
        code: 'patch_failed',
        message: "patch failed at /1/path: wanted an index from 0 to 2, or -, got '/list/7'",
        facts: { field: '/1/path', limit: 'an index from 0 to 2, or -', got: "'/list/7'" },
      }),
    );
  });

  test('tells of a failed test the value that was wanted, not the one that is there', () => {
    const patch: PatchOperation[] = [{ op: 'test', path: '/secret', value: 'guess' }];
    expect(() => applyPatch({ secret: 'hidden' }, patch)).toThrow(
      `patch failed at /0/value: wanted '"guess"', got a string that differs`,
    );
  });

  test('keeps long texts out of its errors', () => {
    const path = `/${'😀'.repeat(100_000)}`;
    expect(() => applyPatch({}, [{ op: 'remove', path }])).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,200}$/su) }),
    );
  });

  test('writes members that are named like those of the prototype, and changes no prototype', () => {
    const patch: PatchOperation[] = [
      { op: 'add', path: '/__proto__', value: { polluted: 1 } },
      { op: 'add', path: '/__proto__/more', value: 2 },
      { op: 'copy', from: '/__proto__', path: '/constructor' },
      { op: 'replace', path: '/__proto__/polluted', value: 3 },
    ];
    const patched = applyPatch(parse('{"nested":{"__proto__":{"a":1}}}'), patch);
    expect(canonicalize(patched)).toBe(
      '{"__proto__":{"more":2,"polluted":3},"constructor":{"more":2,"polluted":1},"nested":{"__proto__":{"a":1}}}',
    );
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(canonicalize(applyPatch(patched, [{ op: 'remove', path: '/__proto__' }]))).toBe(
      '{"constructor":{"more":2,"polluted":1},"nested":{"__proto__":{"a":1}}}',
    );
  });

  test('changes neither the state nor the operations', () => {
    const state = { a: [{ b: 1 }], c: { d: 1 } };
    const patch: PatchOperation[] = [
      { op: 'add', path: '/e', value: { list: [] } },
      { op: 'add', path: '/e/list/-', value: 1 },
      { op: 'copy', from: '/a/0', path: '/a/-' },
      { op: 'replace', path: '/a/0/b', value: { f: 2 } },
      { op: 'add', path: '/a/0/b/g', value: 3 },
      { op: 'move', from: '/c/d', path: '/e/d' },
      { op: 'remove', path: '/a/1' },
    ];
    const texts = [JSON.stringify(state), JSON.stringify(patch)];
    expect(applyPatch(state, patch)).toEqual({ a: [{ b: { f: 2, g: 3 } }], c: {}, e: { list: [1], d: 1 } });
    expect([JSON.stringify(state), JSON.stringify(patch)]).toEqual(texts);
  });

  test('gives copies that later operations change one at a time', () => {
    const patch: PatchOperation[] = [
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'add', path: '/b/0/x', value: 1 },
    ];
    expect(applyPatch({ a: [{}] }, patch)).toEqual({ a: [{}], b: [{ x: 1 }] });
  });

  test('refuses copies that double what they copy, before it takes much memory', () => {
    const doubling = Array.from({ length: 60 }, (): PatchOperation => ({ op: 'copy', from: '', path: '/-' }));
    expect(refusalOf(() => applyPatch(['seed'], doubling))).toMatch(/^patch_failed \/\d+\/from$/);
    const state = { text: 'x'.repeat(1_000_000), copies: [] };
    const repeated = doubling.map((): PatchOperation => ({ op: 'copy', from: '/text', path: '/copies/-' }));
    expect(refusalOf(() => applyPatch(state, repeated))).toMatch(/^patch_failed \/\d+\/from$/);
  });

  test('refuses a value that copies or moves make too deep to walk', () => {
    const path = '/a'.repeat(50);
    const copies = Array.from({ length: 200 }, (): PatchOperation[] => [
      { op: 'copy', from: '', path: '/b' },
      { op: 'move', from: '/b', path: `/a${path}` },
    ]).flat();
    let state: Json = {};
    for (let level = 0; level < 51; level++) state = { a: state };
    expect(refusalOf(() => applyPatch(state, copies))).toBe('too_deep undefined');

    const chain: Json = parse(`${'{"a":'.repeat(50)}{}${'}'.repeat(50)}`);
    const chains = { whole: {}, parts: Array.from({ length: 50 }, () => chain) };
    const moves = chains.parts.flatMap((): PatchOperation[] => [
      { op: 'move', from: '/whole', path: `/parts/0${path}/whole` },
      { op: 'move', from: '/parts/0', path: '/whole' },
    ]);
    expect(refusalOf(() => applyPatch(chains, moves))).toBe('too_deep undefined');
  });
});

describe('parsePatch', () => {
  test('reads every operation, and drops members that have no meaning', () => {
    const patch = parse(
      `[{"op":"add","path":"/a","value":null,"from":"/x","__proto__":{"path":"/y"}},
        {"op":"remove","path":"","value":1},
        {"op":"replace","path":"/a","value":[]},
        {"op":"move","from":"/a","path":"/b","value":1},
        {"op":"copy","from":"","path":"/-"},
        {"op":"test","path":"/m~0n","value":false}]`,
    );
    expect(parsePatch(patch)).toEqual([
      { op: 'add', path: '/a', value: null },
      { op: 'remove', path: '' },
      { op: 'replace', path: '/a', value: [] },
      { op: 'move', from: '/a', path: '/b' },
      { op: 'copy', from: '', path: '/-' },
      { op: 'test', path: '/m~0n', value: false },
    ]);
  });

  test.each([
    ['{"op":"remove","path":"/a"}', '', 'an array of operations', 'an object'],
    ['null', '', 'an array of operations', 'null'],
    ['[[]]', '/0', 'an operation, which is an object', 'an array'],
    ['[{"op":"remove","path":"/a"},"x"]', '/1', 'an operation, which is an object', 'a string'],
    ['[{"path":"/a"}]', '/0/op', 'add, remove, replace, move, copy or test', 'nothing'],
    ['[{"op":"spam","path":"/a"}]', '/0/op', 'add, remove, replace, move, copy or test', "'spam'"],
    ['[{"op":"Add","path":"/a"}]', '/0/op', 'add, remove, replace, move, copy or test', "'Add'"],
    ['[{"op":["add"],"path":"/a"}]', '/0/op', 'add, remove, replace, move, copy or test', 'an array'],
    ['[{"op":"remove"}]', '/0/path', 'a JSON Pointer', 'nothing'],
    ['[{"op":"remove","path":1}]', '/0/path', 'a JSON Pointer', 'a number'],
    ['[{"op":"remove","path":"a"}]', '/0/path', 'a JSON Pointer', "'a'"],
    ['[{"op":"remove","path":"/~2"}]', '/0/path', 'a JSON Pointer', "'/~2'"],
    ['[{"op":"move","path":"/a"}]', '/0/from', 'a JSON Pointer', 'nothing'],
    ['[{"op":"copy","from":null,"path":"/a"}]', '/0/from', 'a JSON Pointer', 'null'],
    ['[{"op":"add","path":"/a"}]', '/0/value', 'a value', 'nothing'],
    ['[{"op":"test","path":"/a"}]', '/0/value', 'a value', 'nothing'],
    [
      '[{"__proto__":{"op":"remove","path":""}}]',
      '/0/op',
      'add, remove, replace, move, copy or test',
      'nothing',
    ],
  ])('refuses %s', (text, field, limit, got) => {
    expect(() => parsePatch(parse(text))).toThrow(
      expect.objectContaining({ code: 'invalid_field', facts: { field, limit, got } }),
    );
  });

  test('refuses more operations than its limit', () => {
    const operations = Array.from({ length: MAX_OPERATIONS + 1 }, () => ({ op: 'remove', path: '/a' }));
    expect(parsePatch(operations.slice(1))).toHaveLength(MAX_OPERATIONS);
    expect(() => parsePatch(operations)).toThrow(
      expect.objectContaining({ code: 'invalid_field', facts: { field: '', limit: 1000, got: 1001 } }),
    );
  });
});

describe('mergePatch', () => {
  test('changes neither the target nor the patch', () => {
    const [target, patch] = [{ a: { b: 1, c: 2 }, d: [1] }, { a: { b: null, e: { f: 1 } } }];
    const texts = [JSON.stringify(target), JSON.stringify(patch)];
    expect(mergePatch(target, patch)).toEqual({ a: { c: 2, e: { f: 1 } }, d: [1] });
    expect([JSON.stringify(target), JSON.stringify(patch)]).toEqual(texts);
  });

  test('makes an object of a state that was null', () => {
    expect(mergePatch(null, { a: { b: 1, c: null } })).toEqual({ a: { b: 1 } });
  });

  test('merges members that are named like those of the prototype, and changes no prototype', () => {
    const merged = mergePatch(
      parse('{"__proto__":{"a":1,"b":2},"x":{}}'),
      parse('{"__proto__":{"a":null,"c":3},"constructor":{"d":4},"x":{"__proto__":{"polluted":1}}}'),
    );
    expect(canonicalize(merged)).toBe(
      '{"__proto__":{"b":2,"c":3},"constructor":{"d":4},"x":{"__proto__":{"polluted":1}}}',
    );
    expect(canonicalize(mergePatch(merged, parse('{"__proto__":null,"toString":null}')))).toBe(
      '{"constructor":{"d":4},"x":{"__proto__":{"polluted":1}}}',
    );
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});
