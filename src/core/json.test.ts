import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalize, isEqual, type Json } from './json.ts';

interface Vectors {
  sample: { input: string; canonical: string; utf8Hex: string };
  sorting: { input: string; values: string[] };
  numbers: { ieee754: string; text?: string }[];
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../testdata/rfc8785.json', import.meta.url), 'utf8'),
);
const parse = (text: string): Json => JSON.parse(text);

function doubleOf(ieee754: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${ieee754}`));
  return view.getFloat64(0);
}

describe('the vectors of RFC 8785', () => {
  test('writes the sample of section 3.2.2 as section 3.2.3 does, in the bytes of section 3.2.4', () => {
    const { input, canonical, utf8Hex } = vectors.sample;
    expect(canonicalize(parse(input))).toBe(canonical);
    expect(Buffer.from(canonicalize(parse(input))).toString('hex')).toBe(utf8Hex);
  });

  test('sorts members by UTF-16 code units: an emoji comes before U+FB33', () => {
    const text = canonicalize(parse(vectors.sorting.input));
    const places = vectors.sorting.values.map((value) => text.indexOf(`"${value}"`));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  const finite = vectors.numbers.filter(({ text }) => text !== undefined);
  test.each(finite)('writes the number $ieee754 as $text', ({ ieee754, text }) => {
    expect(canonicalize(doubleOf(ieee754))).toBe(text);
    expect(isEqual(parse(text as string), doubleOf(ieee754))).toBe(true);
  });

  test('has two numbers that no JSON can hold', () => {
    const others = vectors.numbers.filter(({ text }) => text === undefined);
    expect(others.map(({ ieee754 }) => Number.isFinite(doubleOf(ieee754)))).toEqual([false, false]);
  });
});

describe('canonicalize', () => {
  test('sorts the members of nested objects, and keeps the order of arrays', () => {
    expect(canonicalize(parse('[{"b":[3,1,2],"a":{"d":1,"c":2}},{"10":1,"9":2}]'))).toBe(
      '[{"a":{"c":2,"d":1},"b":[3,1,2]},{"10":1,"9":2}]',
    );
  });

  test.each([
    ['""', ''],
    ['"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f"', '\u0000\b\t\n\u000b\f\r\u001f'],
    ['"\\"\\\\/"', '"\\/'],
    ['"\u007f\u0080\u2028\u2029😀"', '\u007f\u0080\u2028\u2029😀'],
  ])('writes the string %s with the escapes of section 3.2.2.2 only', (text, value) => {
    expect(canonicalize(value)).toBe(text);
  });

  test('writes literals, and empty arrays and objects', () => {
    expect(canonicalize([null, true, false, [], {}])).toBe('[null,true,false,[],{}]');
  });

  test('keeps members that are named like those of the prototype', () => {
    const text = '{"":0,"__proto__":{"a":1},"constructor":2,"toString":3}';
    expect(canonicalize(parse(text))).toBe(text);
  });

  test('is the same for its own reading', () => {
    const text = canonicalize(parse(vectors.sample.input));
    expect(canonicalize(parse(text))).toBe(text);
  });
});

describe('isEqual', () => {
  const distinct = [
    ...['null', 'true', 'false', '0', '1', '"0"', '""', '[]', '{}', '[null]', '[[]]', '[1,2]', '[2,1]'],
    ...[
      '{"a":1}',
      '{"a":null}',
      '{"b":1}',
      '{"a":1,"b":2}',
      '{"__proto__":{}}',
      '{"constructor":null}',
      '[{}]',
    ],
    ...['{"a":{"b":1}}', '{"a":{"b":2}}', '{"0":1,"1":2}', '{"a":[]}', '{"a":{}}', '"é"', '"e\u0301"'],
  ];

  test('agrees with the canonical text on every pair', () => {
    for (const left of distinct) {
      for (const right of distinct) {
        expect(isEqual(parse(left), parse(right)), `${left} and ${right}`).toBe(left === right);
      }
    }
  });

  test('overlooks the order of members', () => {
    expect(isEqual(parse('{"a":1,"b":{"c":2,"d":3}}'), parse('{"b":{"d":3,"c":2},"a":1}'))).toBe(true);
  });

  test('overlooks the sign of zero, as the canonical text does', () => {
    expect(isEqual(-0, 0)).toBe(true);
    expect(canonicalize(-0)).toBe(canonicalize(0));
  });

  test('does not take what the prototype has for a member', () => {
    expect(isEqual(parse('{"__proto__":{}}'), parse('{"a":{}}'))).toBe(false);
    expect(isEqual(parse('{"a":{}}'), parse('{"__proto__":{}}'))).toBe(false);
  });
});
