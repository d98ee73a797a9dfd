import { describe, expect, it } from 'vitest';
import { parseInstant } from '../../core/instant.ts';
import { pageOf, pageSizeOf, selectionOf } from './from-wire.ts';

describe('filters', () => {
  it('are streams of the log', () => {
    const query = { user_id: 'u', object_id: 'o', ip_address: '192.0.2.7', action_type: 'create' };
    expect(selectionOf(query)?.streams).toEqual(['actor:u', 'id:o', 'ip:192.0.2.7', 'action:create']);
    expect(selectionOf({})?.streams).toEqual([]);
  });

  it('read an action in any case, and find nothing of one that is not known', () => {
    expect(selectionOf({ action_type: 'Access' })?.streams).toEqual(['action:access']);
    expect(selectionOf({ action_type: 'login' })).toBeUndefined();
    expect(selectionOf({ action_type: 'toString' })).toBeUndefined();
  });

  it('read an address in any spelling, and find nothing of what is none', () => {
    for (const ip of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207']) {
      expect(selectionOf({ ip_address: ip })?.streams).toEqual(['ip:192.0.2.7']);
    }
    expect(selectionOf({ ip_address: '2001:DB8:0::7' })?.streams).toEqual(['ip:2001:db8::7']);
    expect(selectionOf({ ip_address: '192.0.2' })).toBeUndefined();
  });

  it('ignore what they do not know, and what is empty', () => {
    expect(selectionOf({ tenant: 'x', user_id: '', action_type: '', timestamp_after: '' })).toEqual({
      streams: [],
      since: undefined,
      until: undefined,
    });
  });

  it('take the last of a repeated parameter', () => {
    expect(selectionOf({ user_id: ['a', 'b'] })?.streams).toEqual(['actor:b']);
  });

  it.each([
    ['2025-03-26T08:23:02.868Z', '2025-03-26T08:23:02.868Z'],
    ['2025-03-26T08:23:02.868123', '2025-03-26T08:23:02.868123Z'],
    ['2025-03-26 08:23:02', '2025-03-26T08:23:02Z'],
    ['2025-03-26T08:23', '2025-03-26T08:23:00Z'],
    ['2025-03-26', '2025-03-26T00:00:00Z'],
    ['2025-03-26T08:23:02,5Z', '2025-03-26T08:23:02.5Z'],
    ['2025-03-26T13:53:02+05:30', '2025-03-26T08:23:02Z'],
    ['2025-03-26T13:53:02 05:30', '2025-03-26T08:23:02Z'],
    ['2025-03-26T13:53:02+0530', '2025-03-26T08:23:02Z'],
    ['2025-03-26T03:23:02-05', '2025-03-26T08:23:02Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z'],
  ])('read the instant %s', (text, instant) => {
    expect(selectionOf({ timestamp_after: text })?.since).toBe(parseInstant(instant));
    expect(selectionOf({ timestamp_before: text })?.until).toBe(parseInstant(instant));
  });

  it.each(['yesterday', '2025-13-01', '2025-02-29', '2025-03-26T25:00', '2025-03-26T', '12', '9999-02-29'])(
    'refuse the instant %s',
    (text) => {
      for (const name of ['timestamp_after', 'timestamp_before']) {
        expect(() => selectionOf({ [name]: text })).toThrow(
          expect.objectContaining({
            code: 'invalid_parameter',
            message: 'Enter a valid date/time.',
            facts: expect.objectContaining({ field: name }),
          }),
        );
      }
    },
  );

  it('know that nothing lies beyond the instants that there are', () => {
    expect(selectionOf({ timestamp_after: '9999-12-31' })).toBeUndefined();
    expect(selectionOf({ timestamp_before: '0001-01-01' })).toBeUndefined();
    expect(selectionOf({ timestamp_after: '0001-01-01', timestamp_before: '9999-12-31' })).toEqual({
      streams: [],
      since: undefined,
      until: undefined,
    });
  });
});

describe('pages', () => {
  it.each([
    ['1', 1],
    ['100', 100],
    ['101', 100],
    ['9'.repeat(400), 100],
    ['0', 15],
    ['', 15],
    ['-1', 15],
    ['ten', 15],
    ['1.5', 15],
    [undefined, 15],
  ])('of the size %s have %i records', (text, size) => {
    expect(pageSizeOf(text === undefined ? {} : { page_size: text })).toBe(size);
  });

  it('are the first by default', () => {
    expect(pageOf({})).toBe(1);
    expect(pageOf({ page: '' })).toBe(1);
    expect(pageOf({ page: '12' })).toBe(12);
  });

  it.each(['0', '-1', 'two', '1.5', 'last', '1e2', ' 1'])('are not %j', (page) => {
    expect(() => pageOf({ page })).toThrow(
      expect.objectContaining({ code: 'not_found', message: 'Invalid page.' }),
    );
  });
});
