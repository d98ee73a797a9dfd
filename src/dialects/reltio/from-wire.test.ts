import { describe, expect, it } from 'vitest';
import { MAX_INSTANT, MIN_INSTANT } from '../../core/instant.ts';
import { pageOf, timeOf, wantedOf } from './from-wire.ts';

describe('pages', () => {
  it('are the newest 50 by default', () => {
    expect(pageOf({})).toEqual({ max: 50, offset: 0, order: 'desc' });
  });

  it('have at most 1000 events', () => {
    expect(pageOf({ max: '1000' }).max).toBe(1000);
    expect(pageOf({ max: '1001' }).max).toBe(1000);
    expect(pageOf({ max: '9'.repeat(400) }).max).toBe(1000);
    expect(pageOf({ max: '10', offset: '120', order: 'asc' })).toEqual({
      max: 10,
      offset: 120,
      order: 'asc',
    });
  });

  it.each([
    [{ max: 'ten' }, 'max: wanted a whole number, at least 1, got "ten"'],
    [{ max: '0' }, 'max: wanted a whole number, at least 1, got "0"'],
    [{ max: '' }, 'max: wanted a whole number, at least 1, got ""'],
    [{ max: '-5' }, 'max: wanted a whole number, at least 1, got "-5"'],
    [{ max: '1.5' }, 'max: wanted a whole number, at least 1, got "1.5"'],
    [{ offset: '-1' }, 'offset: wanted a whole number, at least 0, got "-1"'],
    [{ offset: '1e3' }, 'offset: wanted a whole number, at least 0, got "1e3"'],
    [{ order: 'up' }, 'order: wanted asc or desc, got "up"'],
  ])('refuse %j', (query, message) => {
    expect(() => pageOf(query)).toThrow(expect.objectContaining({ code: 'invalid_parameter', message }));
  });

  it('read the first of a repeated parameter', () => {
    expect(pageOf({ max: ['3', 'ten'] }).max).toBe(3);
  });
});

describe('what is wanted', () => {
  it('is every event with a difference by default', () => {
    expect(wantedOf({})).toEqual({ showAll: false, majorOnly: false, filter: undefined });
    expect(wantedOf({ filter: '  ' }).filter).toBeUndefined();
  });

  it('is a filter, unless everything is shown', () => {
    expect(wantedOf({ filter: 'equals(user,ada)' }).filter).toMatchObject({ kind: 'text' });
    expect(wantedOf({ filter: 'no filter at all', showAll: 'true' })).toMatchObject({ filter: undefined });
    expect(() => wantedOf({ filter: 'no filter at all' })).toThrow('at position 0');
  });

  it('is what is major only, in both spellings', () => {
    expect(wantedOf({ showMajorEventsOnly: 'true' }).majorOnly).toBe(true);
    expect(wantedOf({ showMajorEventsonly: 'True' }).majorOnly).toBe(true);
  });

  it('refuses a flag that is neither true nor false', () => {
    expect(() => wantedOf({ showAll: 'yes' })).toThrow('showAll: wanted true or false, got "yes"');
  });

  it('ignores what it does not know', () => {
    const query = {
      options: 'skipReferenceAttributesProcessing,other',
      historicURIs: 'entities/1',
      sort: 'x',
    };
    expect(wantedOf(query)).toEqual(wantedOf({}));
  });
});

describe('the time of a read', () => {
  it('is the end of its millisecond', () => {
    expect(timeOf({ time: '1428308955399' })).toBe(1428308955399_999);
    expect(timeOf({ time: '-1' })).toBe(-1);
    expect(timeOf({})).toBeUndefined();
  });

  it('is held within the instants that there are', () => {
    expect(timeOf({ time: '9'.repeat(30) })).toBe(MAX_INSTANT);
    expect(timeOf({ time: `-${'9'.repeat(30)}` })).toBe(MIN_INSTANT);
  });

  it.each(['', 'now', '1.5', '2015-04-06', '1e3'])('is not %j', (time) => {
    expect(() => timeOf({ time })).toThrow('time: wanted milliseconds since 1970');
  });
});
