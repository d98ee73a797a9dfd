import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../../test/random.ts';
import { toUlid } from './ulid.ts';

describe('ULIDs', () => {
  it('are the 128 bits of a UUID in Crockford base 32', () => {
    expect(toUlid('00000000-0000-0000-0000-000000000000')).toBe('00000000000000000000000000');
    expect(toUlid('ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('7ZZZZZZZZZZZZZZZZZZZZZZZZZ');
    expect(toUlid('00000000-0000-0000-0000-000000000001')).toBe('00000000000000000000000001');
    expect(toUlid('00000000-0000-0000-0123-456789abcdef')).toBe('0000000000000028T5CY4TQKFF');
  });

  it('begin with the milliseconds of a UUIDv7', () => {
    // 01JQ8RREEM is 2025-03-26T08:23:02.868Z, of the example of the reference page.
    const millis = Date.parse('2025-03-26T08:23:02.868Z').toString(16).padStart(12, '0');
    expect(toUlid(`${millis.slice(0, 8)}-${millis.slice(8)}-7000-8000-000000000000`)).toMatch(/^01JQ8RREEM/);
  });

  it('are different for different UUIDs, in their order', () => {
    const random = makeRandom();
    const uuids = Array.from({ length: 500 }, () =>
      '00000000-0000-0000-0000-000000000000'.replace(/0/g, () => random.below(16).toString(16)),
    ).sort();
    const ulids = uuids.map(toUlid);
    expect(ulids, `seed ${random.seed}`).toEqual(ulids.toSorted());
    expect(new Set(ulids).size).toBe(uuids.length);
    for (const ulid of ulids) expect(ulid).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  });
});
