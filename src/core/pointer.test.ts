import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Json } from './json.ts';
import { applyPatch } from './patch.ts';
import { joinPointer, parsePointer } from './pointer.ts';

interface Vectors {
  document: Json;
  pointers: { pointer: string; tokens: string[]; value?: Json }[];
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../testdata/rfc6901.json', import.meta.url), 'utf8'),
);

describe('the pointers of RFC 6901, section 5', () => {
  test.each(vectors.pointers)('reads $pointer and writes it again', ({ pointer, tokens }) => {
    expect(parsePointer(pointer)).toEqual(tokens);
    expect(tokens.reduce(joinPointer, '')).toBe(pointer);
  });

  test.each(vectors.pointers)('finds what $pointer points to', ({ pointer, value = vectors.document }) => {
    expect(applyPatch(vectors.document, [{ op: 'test', path: pointer, value }])).toEqual(vectors.document);
  });
});

test('joins an index as a number', () => {
  expect(joinPointer('/items', 10)).toBe('/items/10');
});

test('unescapes ~01 to ~1, not to a slash', () => {
  expect(parsePointer('/~01')).toEqual(['~1']);
  expect(joinPointer('', '~1')).toBe('/~01');
});

test('keeps empty tokens', () => {
  expect(parsePointer('//a/')).toEqual(['', 'a', '']);
});

test.each([
  ['does not begin with a slash', 'foo'],
  ['is a fragment', '#/foo'],
  ['ends in a tilde', '/foo~'],
  ['has a tilde before another character than 0 or 1', '/~2'],
  ['has a tilde before a tilde', '/~~0'],
])('refuses a text that %s', (_, text) => {
  expect(parsePointer(text)).toBeUndefined();
});

test('reads and refuses very long texts', () => {
  expect(parsePointer('/a'.repeat(1_000_000))).toHaveLength(1_000_000);
  expect(parsePointer(`${'/a'.repeat(1_000_000)}~`)).toBeUndefined();
});
