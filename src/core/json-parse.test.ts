import { expect, it } from 'vitest';
import { parseText } from './json-parse.ts';

/** After these, JSON.parse takes another name for one of theirs. */
const BEFORE = [
  '{"a":1,"\\\\":2}',
  '{"\\\\":1}',
  '{"a":1,"a\\\\":2}',
  '{"a":1,"\\\\u":2}',
  '{"__proto__":1,"\\\\":{"\\\\":2}}',
];

it.each([
  ['{"a":1,"\\n":2}', { a: 1, '\n': 2 }],
  ['{"a":1,"\\"":2}', { a: 1, '"': 2 }],
  ['{"a":1,"\\u0062":2}', { a: 1, b: 2 }],
  ['{"a":1 , "\\u00e9"\n : 2}', { a: 1, é: 2 }],
  ['{"a":1,"\\\\":2}', { a: 1, '\\': 2 }],
  ['{"a":1,"a\\"":2}', { a: 1, 'a"': 2 }],
  ['{"a":1,"\\u0062c":2}', { a: 1, bc: 2 }],
  ['[{"a":1,"\\t":[{"a":1,"\\r":null}]}]', [{ a: 1, '\t': [{ a: 1, '\r': null }] }]],
  ['{"a":"\\n","b":"\\"","c":"\\\\"}', { a: '\n', b: '"', c: '\\' }],
  ['{"a":"\\\\\\"","\\u0063":":"}', { a: '\\"', c: ':' }],
  ['{"\\u0062":1,"b":2}', { b: 2 }],
  ['{"b":2,"\\u0062":1}', { b: 1 }],
  ['"\\n"', '\n'],
])('reads %s, whatever was read before', (text, value) => {
  for (let round = 0; round < 3; round++) {
    for (const before of BEFORE) JSON.parse(before);
    expect(parseText(text)).toStrictEqual(value);
  }
});

it('reads a member that is named like the prototype as any other', () => {
  const value = parseText('{"\\u005f_proto__":{"a":1},"\\n":2}') as object;
  expect(Object.keys(value)).toEqual(['__proto__', '\n']);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

it.each([[''], ['{"\\n":}'], ['{"\\n"'], ['{"\\'], ['"\\'], ['{"a\\":1}'], ['\\"":'], ['{"\\x":1}']])(
  'does not read %s',
  (text) => {
    expect(() => parseText(text)).toThrow(SyntaxError);
  },
);

it('takes time that grows with the text, however many escapes there are', () => {
  const text = JSON.stringify({ a: '\n'.repeat(1_000_000), '\n': '"'.repeat(1_000_000) });
  expect(parseText(text)).toHaveProperty(['\n']);
});
