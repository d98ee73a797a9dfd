import { describe, expect, test } from 'vitest';
import { changedAttributes, changesBetween, patchBetween } from './diff.ts';
import type { Changes, State } from './entry.ts';
import { canonicalize, isEqual, type Json, type JsonObject } from './json.ts';
import { applyPatch } from './patch.ts';
import { parsePointer } from './pointer.ts';

const parse = (text: string): JsonObject => JSON.parse(text);
/** The changes of an array, which is the attribute `x`, with paths below it. */
const changesOf = (before: Json[], after: Json[]) =>
  Object.fromEntries(
    Object.entries(changesBetween({ x: before }, { x: after })).map(([path, pair]) => [path.slice(2), pair]),
  );

describe('changesBetween', () => {
  test('lists nothing for equal states, whatever the order of their members', () => {
    expect(changesBetween(null, null)).toEqual({});
    expect(changesBetween({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 })).toEqual({});
  });

  test('lists the attributes of a creation and of a deletion, each whole', () => {
    const state = { name: 'Chad', area: { km2: 1284000, water: { percent: 1.9 } }, tld: ['.td'] };
    expect(changesBetween(null, state)).toEqual({
      '/area': [null, { km2: 1284000, water: { percent: 1.9 } }],
      '/name': [null, 'Chad'],
      '/tld': [null, ['.td']],
    });
    expect(changesBetween(state, null)).toEqual({
      '/area': [{ km2: 1284000, water: { percent: 1.9 } }, null],
      '/name': ['Chad', null],
      '/tld': [['.td'], null],
    });
  });

  test('walks objects, and gives what was wholly added or removed in them as one pair', () => {
    const before = { a: { same: 1, changed: { deep: 'x' }, gone: { b: 1, c: 2 } } };
    const after = { a: { same: 1, changed: { deep: 'y' }, come: { d: [1] } } };
    expect(changesBetween(before, after)).toEqual({
      '/a/changed/deep': ['x', 'y'],
      '/a/come': [null, { d: [1] }],
      '/a/gone': [{ b: 1, c: 2 }, null],
    });
  });

  test.each<[Json, Json]>([
    [{ a: 1 }, [1]],
    [[1], { 0: 1 }],
    [{}, []],
    [{}, null],
    [null, []],
    ['1', 1],
    [1, true],
    [0, null],
    ['', null],
  ])('gives %j that became %j, another kind, as one pair', (before, after) => {
    expect(changesBetween({ x: before }, { x: after })).toEqual({ '/x': [before, after] });
  });

  test('lists a member with the value null that was added or removed', () => {
    expect(changesBetween({}, { a: null })).toEqual({ '/a': [null, null] });
    expect(changesBetween({ a: null }, {})).toEqual({ '/a': [null, null] });
  });

  test('comes in the order of sorted keys, and arrays from left to right', () => {
    const before = parse('{"b":[1,{"z":1,"y":1},3],"a":1,"10":1,"9":1,"é":1,"B":1}');
    const after = parse('{"é":2,"B":2,"b":[2,{"y":2,"z":2},4,5],"9":2,"10":2,"a":2}');
    const paths = ['/10', '/9', '/B', '/a', '/b/0', '/b/1/y', '/b/1/z', '/b/2', '/b/3', '/é'];
    expect(Object.keys(changesBetween(before, after))).toEqual(paths);
  });

  test('holds keys that a pointer escapes, and keys that are names of the prototype', () => {
    const before = parse('{"":1,"a/b":1,"m~n":{"/":1},"__proto__":1,"constructor":{"__proto__":1}}');
    const after = parse('{"":2,"a/b":2,"m~n":{"/":2},"__proto__":{},"constructor":{"__proto__":2}}');
    expect(JSON.stringify(changesBetween(before, after))).toBe(
      '{"/":[1,2],"/__proto__":[1,{}],"/a~1b":[1,2],"/constructor/__proto__":[1,2],"/m~0n/~1":[1,2]}',
    );
    expect(JSON.stringify(changesBetween(parse('{"__proto__":{}}'), { constructor: 'x' }))).toBe(
      '{"/__proto__":[{},null],"/constructor":[null,"x"]}',
    );
    expect(changesBetween({}, parse('{"__proto__":1,"toString":2}'))).toEqual({
      '/__proto__': [null, 1],
      '/toString': [null, 2],
    });
  });
});

describe('changesBetween of arrays', () => {
  test('gives an item inserted or removed in the middle as one change', () => {
    expect(changesOf(['a', 'b', 'c'], ['a', 'x', 'b', 'c'])).toEqual({ '/1': [null, 'x'] });
    expect(changesOf(['a', 'b', 'c'], ['a', 'c'])).toEqual({ '/1': ['b', null] });
    expect(changesOf(['a', 'a', 'a'], ['a', 'a'])).toEqual({ '/2': ['a', null] });
    expect(changesOf([], [1, 2])).toEqual({ '/0': [null, 1], '/1': [null, 2] });
  });

  test('gives an item changed inside as a difference within it', () => {
    const [one, two] = [
      { id: 1, tags: ['x'] },
      { id: 2, tags: ['y', 'z'] },
    ];
    expect(changesOf([one, two, 3], [one, { id: 2, tags: ['y', 'w', 'z'] }, 3])).toEqual({
      '/1/tags/1': [null, 'w'],
    });
    expect(changesOf([[1, 2], [3]], [[1, 2, 9], [4]])).toEqual({ '/0/2': [null, 9], '/1/0': [3, 4] });
  });

  test('finds several edits, with the indexes of insertions after and of removals before', () => {
    expect(changesOf(['a', 'b', 'c', 'd', 'e', 'f'], ['x', 'a', 'c', 'd', 'y', 'f'])).toEqual({
      '/0': [null, 'x'],
      '/1': ['b', null],
      '/4': ['e', 'y'],
    });
  });

  test('counts the index of a changed item in the array after, though items before it moved', () => {
    expect(changesOf(['k', { id: 1, n: 1 }, 'l'], ['new', 'k', { id: 1, n: 2 }, 'l'])).toEqual({
      '/0': [null, 'new'],
      '/2/n': [1, 2],
    });
  });

  test('pairs the items of a run in their order, and lists what is left', () => {
    expect(changesOf([0, { a: 1 }, 'b', [1], 9], [0, { a: 2 }, { c: 1 }, [2], 'd', 'e', 9])).toEqual({
      '/1/a': [1, 2],
      '/2': ['b', { c: 1 }],
      '/3/0': [1, 2],
      '/4': [null, 'd'],
      '/5': [null, 'e'],
    });
    expect(changesOf([0, 'a', 'b', 'c', 9], [0, 'd', 9])).toEqual({
      '/1': ['a', 'd'],
      '/2': ['b', null],
      '/3': ['c', null],
    });
  });

  test('makes a removal and an insertion on the same path one pair', () => {
    expect(changesOf(['a', 'm', 'b'], ['m', 'x', 'b'])).toEqual({ '/0': ['a', null], '/1': [null, 'x'] });
    expect(changesOf(['m', 'a', 'n', 'b'], ['x', 'm', 'n', 'b'])).toEqual({
      '/0': [null, 'x'],
      '/1': ['a', null],
    });
    expect(changesOf(['a', 'm', 'n'], ['m', 'n', 'x', 'y'])).toEqual({
      '/0': ['a', null],
      '/2': [null, 'x'],
      '/3': [null, 'y'],
    });
    expect(changesOf(['m', 'a', 'n', 'o'], ['m', 'n', 'x', 'o'])).toEqual({
      '/1': ['a', null],
      '/2': [null, 'x'],
    });
    expect(changesOf(['m', 'n', 'a', 'o'], ['y', 'm', 'x', 'n', 'o'])).toEqual({
      '/0': [null, 'y'],
      '/2': ['a', 'x'],
    });
  });

  test('gives the former value of a replaced item at its former index, where a removal has its path', () => {
    // `s` became `S`, and stood at 4; the path /2, where it is now, is also that of `r2`, which is gone.
    expect(changesOf(['k', 'r1', 'r2', 'm', 's'], ['k', 'm', 'S'])).toEqual({
      '/1': ['r1', null],
      '/2': ['r2', 'S'],
      '/4': ['s', null],
    });
    // Here the removal comes after the replacement.
    expect(changesOf(['k', 's', 'r'], ['k0', 'k', 'S'])).toEqual({
      '/0': [null, 'k0'],
      '/1': ['s', null],
      '/2': ['r', 'S'],
    });
  });

  test('finds edits far apart in a long array', () => {
    const before = Array.from({ length: 20_000 }, (_, index) => `item ${index}`);
    const after = before.toSpliced(15_000, 1).toSpliced(10_000, 0, 'new').with(5_000, 'changed');
    expect(changesOf(before, after)).toEqual({
      '/5000': ['item 5000', 'changed'],
      '/10000': [null, 'new'],
      '/15000': ['item 15000', null],
    });
  });

  test('pairs items by index where arrays differ too much, in time that grows with their size', () => {
    const size = 100_000;
    const count = Array.from({ length: size }, (_, index) => index);
    const changes = changesOf(count, count.toReversed());
    expect(Object.keys(changes)).toHaveLength(size);
    expect(changes['/7']).toEqual([7, size - 8]);

    const others = changesOf(
      count,
      count.slice(0, -2).map((item) => -1 - item),
    );
    expect(others['/7']).toEqual([7, -8]);
    expect(others[`/${size - 1}`]).toEqual([size - 1, null]);
  });

  test('pairs many small arrays that differ wholly', () => {
    const rows = (sign: number) =>
      Array.from({ length: 4000 }, (_, row) =>
        Array.from({ length: 20 }, (_, column) => sign * (row + column + 1)),
      );
    expect(Object.keys(changesOf(rows(1), rows(-1)))).toHaveLength(80_000);
  });

  test('compares long arrays that nest deeply without writing them out at every level', () => {
    let before: Json = Array.from({ length: 50_000 }, (_, index) => index);
    let after: Json = before.with(25_000, -1);
    for (let level = 0; level < 60; level++) {
      before = [level, before];
      after = [-1 - level, after];
    }
    const changes = changesBetween({ x: before }, { x: after });
    expect(changes[`/x${'/1'.repeat(60)}/25000`]).toEqual([25_000, -1]);
    expect(Object.keys(changes)).toHaveLength(61);
  });
});

describe('patchBetween', () => {
  test('replaces the whole where a state is null', () => {
    expect(patchBetween(null, null)).toEqual([]);
    expect(patchBetween(null, { a: 1 })).toEqual([{ op: 'replace', path: '', value: { a: 1 } }]);
    expect(patchBetween(null, {})).toEqual([{ op: 'replace', path: '', value: {} }]);
    expect(patchBetween({ a: 1 }, null)).toEqual([{ op: 'replace', path: '', value: null }]);
  });

  test('adds, removes and replaces members', () => {
    expect(patchBetween({ a: { b: 1, c: 2 }, 'x/y': 0 }, { a: { b: 3, d: null } })).toEqual([
      { op: 'replace', path: '/a/b', value: 3 },
      { op: 'remove', path: '/a/c' },
      { op: 'add', path: '/a/d', value: null },
      { op: 'remove', path: '/x~1y' },
    ]);
  });

  test('edits arrays from left to right, each index as the steps before it left the array', () => {
    const before = { x: ['a', 'b', 'c', 'd', { e: 1 }, 'f'] };
    const after = { x: ['x', 'a', 'd', { e: 2 }, 'f', 'y'] };
    expect(patchBetween(before, after)).toEqual([
      { op: 'add', path: '/x/0', value: 'x' },
      { op: 'remove', path: '/x/2' },
      { op: 'remove', path: '/x/2' },
      { op: 'replace', path: '/x/3/e', value: 2 },
      { op: 'add', path: '/x/5', value: 'y' },
    ]);
    expect(applyPatch(before, patchBetween(before, after))).toEqual(after);
  });

  test('applies between long arrays that have little in common', () => {
    const before = { x: Array.from({ length: 20_000 }, (_, index) => index) };
    const after = { x: before.x.toReversed().slice(500) };
    expect(applyPatch(before, patchBetween(before, after))).toEqual(after);
    expect(applyPatch(after, patchBetween(after, before))).toEqual(before);
  });
});

describe('changedAttributes', () => {
  test('names what was added, removed or changed, sorted by code units', () => {
    const before = parse('{"same":[{"a":1,"b":2}],"gone":1,"inside":{"a":[1]},"Z":0,"\ufb33":1,"😀":1}');
    const after = parse('{"Z":1,"same":[{"b":2,"a":1}],"come":null,"inside":{"a":[2]}}');
    expect(changedAttributes(before, after)).toEqual(['Z', 'come', 'gone', 'inside', '😀', '\ufb33']);
  });

  test('names every attribute of a creation and of a deletion', () => {
    expect(changedAttributes(null, { b: 1, a: null })).toEqual(['a', 'b']);
    expect(changedAttributes({ b: 1, a: null }, null)).toEqual(['a', 'b']);
    expect(changedAttributes(null, {})).toEqual([]);
  });

  test('knows members from what the prototype has', () => {
    expect(changedAttributes({}, parse('{"__proto__":{}}'))).toEqual(['__proto__']);
    expect(changedAttributes(parse('{"constructor":1,"":1}'), parse('{"":1}'))).toEqual(['constructor']);
  });
});

describe('any two states', () => {
  const ROUNDS = 4000;

  /** Numbers in 0 <= n < 1, the same for the same seed (mulberry32). */
  function randomOf(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  const KEYS = [
    'a',
    'b',
    'c',
    '',
    '0',
    '1',
    '-',
    'a/b',
    'm~n',
    '~1',
    '__proto__',
    'constructor',
    'toString',
    '😀',
  ];
  const SCALARS = [null, true, false, 0, 1, 2, -0, 1.5, '', 'a', '0', '😀'];

  function statesOf(seed: number): [before: State, after: State] {
    const random = randomOf(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const anyOf = <T>(list: readonly T[]): T => list[below(list.length)] as T;

    function value(depth: number): Json {
      const kind = depth === 0 ? 0 : below(4);
      if (kind < 2) return anyOf(SCALARS);
      return kind === 2 ? object(depth - 1) : Array.from({ length: below(6) }, () => value(depth - 1));
    }
    function object(depth: number): JsonObject {
      return Object.fromEntries(Array.from({ length: below(5) }, () => [anyOf(KEYS), value(depth)]));
    }
    function altered(old: Json, depth: number): Json {
      if (below(8) === 0) return value(depth);
      if (Array.isArray(old)) {
        return old.flatMap((item) => {
          const luck = below(10);
          if (luck === 0) return [];
          if (luck === 1) return [value(depth - 1), item];
          return [luck < 4 ? altered(item, Math.max(0, depth - 1)) : item];
        });
      }
      if (typeof old !== 'object' || old === null) return old;
      const members = Object.entries(old).flatMap(([key, item]): [string, Json][] => {
        const luck = below(8);
        if (luck === 0) return [];
        return [[key, luck < 4 ? altered(item, Math.max(0, depth - 1)) : item]];
      });
      return Object.fromEntries(below(3) === 0 ? [...members, [anyOf(KEYS), value(depth)]] : members);
    }

    const before = below(20) === 0 ? null : object(4);
    const after = below(3) === 0 ? object(4) : altered(before, 4);
    return [before, typeof after === 'object' && !Array.isArray(after) ? after : null];
  }

  /** Runs a check on many pairs of states; its seed and its states are in the message of a failure. */
  function forAny(check: (before: State, after: State, hint: string) => void): void {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const [before, after] = statesOf(seed);
      check(before, after, `seed ${seed}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`);
    }
  }

  test('have a patch that makes the one of the other, exactly', () => {
    forAny((before, after, hint) => {
      const patch = patchBetween(before, after);
      expect(canonicalize(applyPatch(before, patch)), `${hint} by ${JSON.stringify(patch)}`).toBe(
        canonicalize(after),
      );
    });
  });

  test('have no changes, and no patch, exactly where they are equal', () => {
    forAny((before, after, hint) => {
      const same = isEqual(before ?? {}, after ?? {});
      expect(Object.keys(changesBetween(before, after)).length === 0, hint).toBe(same);
      expect(patchBetween(before, after).length === 0, hint).toBe(isEqual(before, after));
      expect(changesBetween(after, structuredClone(after)), hint).toEqual({});
    });
  });

  test('changed the attributes with which the paths of their changes begin', () => {
    forAny((before, after, hint) => {
      const firsts = Object.keys(changesBetween(before, after)).map((path) => parsePointer(path)?.[0]);
      expect([...new Set(firsts)].toSorted(), hint).toEqual(changedAttributes(before, after));
    });
  });

  test('stay as they are', () => {
    forAny((before, after, hint) => {
      const texts = [JSON.stringify(before), JSON.stringify(after)];
      applyPatch(before, patchBetween(before, after));
      changesBetween(before, after);
      expect([JSON.stringify(before), JSON.stringify(after)], hint).toEqual(texts);
    });
  });

  test('give changes that name every scalar that an array lost or gained', () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = randomOf(seed);
      const letters = () => Array.from({ length: random() * 12 }, () => 'abcdefgh'.charAt(random() * 8));
      const [before, after] = [letters(), letters()];
      const changes: Changes = changesOf(before, after);
      const lost = Object.values(changes).flatMap(([was]) => was ?? []);
      const gained = Object.values(changes).flatMap(([, is]) => is ?? []);
      const hint = `seed ${seed}: ${before.join('')} -> ${after.join('')}: ${JSON.stringify(changes)}`;
      expect([...before, ...gained].toSorted(), hint).toEqual([...after, ...lost].toSorted());
      for (const [path, [was, is]] of Object.entries(changes)) {
        const index = Number(path.slice(1));
        if (is !== null) expect(after[index], hint).toBe(is);
        else expect(before[index], hint).toBe(was);
      }
    }
  });
});
