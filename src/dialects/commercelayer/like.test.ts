import { describe, expect, it } from 'vitest';
import { likeTest } from './like.ts';

describe('LIKE', () => {
  const CASES: [pattern: string, text: string, isMet: boolean][] = [
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['%', '', true],
    ['_', '', false],
    ['a%c', 'abbc', true],
    ['a%c', 'abbcd', false],
    ['%a%', 'bab', true],
    ['%ab%ab', 'ababab', true],
    ['%ab%abc', 'ababab', false],
    ['_b_', 'abc', true],
    ['_', '🦊', true],
    ['__', '🦊', false],
    ['a\\%', 'a%', true],
    ['a\\%', 'ab', false],
    ['a\\_', 'a_', true],
    ['a\\\\', 'a\\', true],
    ['a\\', 'a\\', true],
    ['%%%', 'anything', true],
  ];

  it.each(CASES)('%s against %s: %s', (pattern, text, isMet) => {
    expect(likeTest(pattern)(text)).toBe(isMet);
  });

  it('answers patterns that make others try for ever', () => {
    const text = 'a'.repeat(5000);
    expect(likeTest(`${'%a'.repeat(200)}%b`)(text)).toBe(false);
    expect(likeTest(`${'%a'.repeat(200)}%`)(text)).toBe(true);
  });
});
