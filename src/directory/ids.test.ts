import { describe, expect, it } from 'vitest';
import { sha256 } from '../store/contract-batches.ts';
import { directoryId, ID_PREFIX, isKeptByDirectory } from './ids.ts';

describe('ids of the directory', () => {
  it('follow from their parts, and are the same on every server', () => {
    const id = directoryId(sha256, 'a-log', 'roles', 'admin');
    expect(directoryId(sha256, 'a-log', 'roles', 'admin')).toBe(id);
    // Kept in logs for ever.
    expect(id).toBe('dir_fwtMHfozfR');
  });

  it('have the prefix and ten letters, which the vendor’s clients take for an id', () => {
    for (let number = 0; number < 500; number++) {
      expect(directoryId(sha256, 'a-log', 'memberships', `${number}@example.com`)).toMatch(
        /^dir_[A-Za-z]{10}$/,
      );
    }
  });

  it('differ where a part differs, or where the parts are divided elsewhere', () => {
    const ids = [
      ['a', 'b'],
      ['ab'],
      ['', 'ab'],
      ['ab', ''],
      ['b', 'a'],
      ['a","b'],
      ...Array.from({ length: 2_000 }, (_, number) => ['many', String(number)]),
    ].map((parts) => directoryId(sha256, ...parts));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('what the directory keeps', () => {
  it.each([
    ['roles', `${ID_PREFIX}abcdefghij`],
    ['users', ID_PREFIX],
    ['api_credentials', 'dir_of-another-form'],
    ['personal_access_tokens', 'dir_x'],
    ['identity_providers', 'dir_x'],
  ])('is %s/%s', (type, id) => {
    expect(isKeptByDirectory({ type, id })).toBe(true);
  });

  it.each([
    ['roles', 'abcdefghij'],
    ['roles', 'DIR_abcdefghij'],
    ['roles', ' dir_abcdefghij'],
    ['orders', 'dir_abcdefghij'],
    ['constructor', 'dir_abcdefghij'],
    ['organizations', '0192f3a4-0000-7000-8000-000000000001'],
  ])('is not %s/%s', (type, id) => {
    expect(isKeptByDirectory({ type, id })).toBe(false);
  });
});
