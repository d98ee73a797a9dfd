import { expect, it } from 'vitest';
import { makeContentTypes } from './content-types.ts';

it('numbers types in the order in which the log first saw them', async () => {
  const contentTypes = makeContentTypes({ types: async () => ['notes', 'countries'] });
  const numbers = await contentTypes('log', ['countries']);
  expect([...numbers]).toEqual([
    ['notes', 1],
    ['countries', 2],
  ]);
});

it('looks again only where it meets a type that is new to it', async () => {
  const types = ['notes'];
  let looks = 0;
  const contentTypes = makeContentTypes({
    types: async () => {
      looks += 1;
      return types;
    },
  });
  for (const wanted of [['notes'], [], ['notes', 'notes']]) await contentTypes('log', wanted);
  expect(looks).toBe(1);
  types.push('countries');
  expect((await contentTypes('log', ['countries'])).get('countries')).toBe(2);
  expect((await contentTypes('log', ['notes'])).get('notes')).toBe(1);
  expect(looks).toBe(2);
});

it('keeps the numbers of one log from another', async () => {
  const contentTypes = makeContentTypes({ types: async (log) => (log === 'one' ? ['a', 'b'] : ['b', 'a']) });
  expect((await contentTypes('one', ['a'])).get('a')).toBe(1);
  expect((await contentTypes('other', ['a'])).get('a')).toBe(2);
});
