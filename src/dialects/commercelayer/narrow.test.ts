import { describe, expect, it } from 'vitest';
import { streamOf, VERSIONS } from '../../core/streams.ts';
import { conditionOf } from './filter.ts';
import { narrow } from './narrow.ts';
import { VERSIONS_TYPE } from './wire.ts';

const NOON = Date.UTC(2024, 0, 1, 12) * 1000;

function narrowed(filters: Record<string, string>) {
  const conditions = Object.entries(filters).map(([key, value]) =>
    conditionOf(VERSIONS_TYPE, `filter[q][${key}]`, value),
  );
  const { selection, rest, ids } = narrow(conditions, undefined);
  return {
    ...selection,
    ids,
    rest: rest.map(({ attributes, predicate }) => `${attributes.join('_or_')}_${predicate}`),
  };
}

describe('what the streams answer', () => {
  it('is everything where nothing is asked for', () => {
    expect(narrowed({})).toEqual({ streams: [VERSIONS], rest: [], ids: undefined });
  });

  it('is a type, and a resource', () => {
    expect(narrowed({ resource_type_eq: 'roles' })).toMatchObject({
      streams: [VERSIONS, streamOf.type('roles')],
      rest: [],
    });
    expect(narrowed({ resource_type_in: 'roles', resource_id_eq: 'r1' })).toMatchObject({
      streams: [VERSIONS, streamOf.resource({ type: 'roles', id: 'r1' })],
      rest: [],
    });
  });

  it('is not an id alone, several types, or one attribute or another', () => {
    for (const filter of [
      { resource_id_eq: 'r1' },
      { resource_type_in: 'a,b' },
      { resource_type_or_resource_id_eq: 'a' },
      { resource_type_eq_or_null: 'a' },
    ]) {
      expect(narrowed(filter)).toEqual({ streams: [VERSIONS], rest: Object.keys(filter), ids: undefined });
    }
  });

  it('is not another resource, where a type seems to have a slash', () => {
    expect(narrowed({ resource_type_eq: 'a/b', resource_id_eq: 'c' })).toMatchObject({
      streams: [VERSIONS, streamOf.type('a/b')],
      rest: ['resource_id_eq'],
    });
  });

  it('is a window of milliseconds, the narrowest of all', () => {
    const [at, later] = ['2024-01-01T12:00:00Z', '2024-01-01T12:00:00.0005Z'];
    expect(narrowed({ created_at_gteq: at, updated_at_lt: later })).toMatchObject({
      since: NOON,
      until: NOON + 1000,
      rest: [],
    });
    expect(narrowed({ created_at_gt: at, updated_at_lteq: later })).toMatchObject({
      since: NOON + 1000,
      until: NOON + 1000,
    });
    expect(narrowed({ created_at_gteq: later, created_at_gt: at })).toMatchObject({ since: NOON + 1000 });
    expect(narrowed({ created_at_lteq: at, created_at_or_updated_at_lt: at })).toMatchObject({ until: NOON });
  });

  it('leaves to be checked what lies beyond the instants that there are', () => {
    expect(narrowed({ created_at_lteq: '2255-06-05T23:47:34.740Z' }).rest).toEqual(['created_at_lteq']);
  });

  it('is ids, and then everything else is checked', () => {
    expect(narrowed({ id_in: 'a,b,a', resource_type_eq: 'roles' })).toEqual({
      streams: [VERSIONS],
      ids: ['a', 'b'],
      rest: ['id_in', 'resource_type_eq'],
    });
  });
});
