import { describe, expect, it } from 'vitest';
import type { CompleteRow } from '../../query/read.ts';
import { toEntity, toEvent, toMillis, toUser } from './to-wire.ts';

const ROW = {
  occurredAt: 1428308955399_123,
  action: 'update',
  actor: '{"id":"u1","type":"user"}',
} as CompleteRow;

describe('events', () => {
  it('have when, who and what, and nothing else', () => {
    expect(toEvent(ROW)).toEqual({ timestamp: 1428308955399, user: 'u1', type: 'ENTITY_CHANGED' });
  });

  it.each([
    ['create', undefined, 'ENTITY_CREATED'],
    ['update', undefined, 'ENTITY_CHANGED'],
    ['delete', undefined, 'ENTITY_REMOVED'],
    ['update', 'org.changed', 'ENTITY_CHANGED'],
    ['update', 'ENTITIES_MERGED_MANUALLY', 'ENTITIES_MERGED_MANUALLY'],
    ['update', 'ENTITY_LOST_MERGE', 'ENTITY_LOST_MERGE'],
    ['update', 'POTENTIAL_MATCHES_FOUND', 'POTENTIAL_MATCHES_FOUND'],
    ['create', 'NOT_MATCHES_SET', 'NOT_MATCHES_SET'],
    ['create', 'entity_created', 'ENTITY_CREATED'],
    ['create', 'MY_ENTITY_EVENT', 'ENTITY_CREATED'],
  ] as const)('call a %s with the event %s %s', (action, event, type) => {
    expect(toEvent({ ...ROW, action, event }).type).toBe(type);
  });

  it('carry the `uris` of the metadata where these are an array', () => {
    const urisOf = (metadata: string | undefined): unknown => toEvent({ ...ROW, metadata }).uris;
    expect(urisOf('{"uris":["entities/2"]}')).toEqual(['entities/2']);
    expect(urisOf('{"uris":[]}')).toEqual([]);
    for (const other of [undefined, 'null', '"\\"uris\\""', '{"uris":"entities/2"}', '[{"uris":["x"]}]']) {
      expect(toEvent({ ...ROW, metadata: other })).not.toHaveProperty('uris');
    }
  });

  it('cut instants to the millisecond before, even before 1970', () => {
    expect(toMillis(1_999)).toBe(1);
    expect(toMillis(-1)).toBe(-1);
    expect(toMillis(0)).toBe(0);
  });

  it('name the actor by its login name, else by its id', () => {
    expect(toUser({ type: 'user', id: 'u1', loginName: 'ada', name: 'Ada Lovelace' })).toBe('ada');
    expect(toUser({ type: 'system', id: 'annals', name: 'Annals' })).toBe('annals');
  });
});

describe('entities', () => {
  it('have their URIs, attributes, and who made and changed them when', () => {
    const state = {
      resource: { type: 'HCP', id: '11', name: 'John' },
      version: 2,
      state: { attributes: { FirstName: [{ value: 'John' }] } },
      changedAt: 2_000_500,
      changedBy: { type: 'user', id: 'u1', loginName: 'ada' },
    } as const;
    const created = { by: { type: 'user', id: 'u2' }, at: 1_000_999 } as const;
    expect(toEntity({ ...state, state: structuredClone(state.state) as never }, created)).toEqual({
      uri: 'entities/11',
      type: 'configuration/entityTypes/HCP',
      attributes: { FirstName: [{ value: 'John' }] },
      createdBy: 'u2',
      createdTime: 1000,
      updatedBy: 'ada',
      updatedTime: 2000,
    });
  });
});
