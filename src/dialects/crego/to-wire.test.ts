import { describe, expect, it } from 'vitest';
import type { CompleteRow } from '../../query/read.ts';
import { pageText, recordText, toPage } from './to-wire.ts';

const ROW = {
  id: '00000000-0000-0000-0000-000000000001',
  occurredAt: 1_742_977_382_868_000,
  action: 'update',
  resource: { type: 'people', id: 'o/1 "quoted"', name: 'Ada' },
  actor: '{"id":"u1","loginName":"ada","type":"user"}',
  context: '{"ip":"192.0.2.7","userAgent":"curl/8"}',
  before: '{"name":"a"}',
  after: '{"name":"b"}',
} as CompleteRow;

describe('records', () => {
  it('have every member of the wire', () => {
    expect(recordOf({})).toEqual({
      id: '00000000000000000000000001',
      tenant_id: 'tenant',
      user_id: 'u1',
      created_by: 'u1',
      action_type: 'update',
      timestamp: '2025-03-26T08:23:02.868000Z',
      ip_address: '192.0.2.7',
      user_agent: 'curl/8',
      object_id: 'o/1 "quoted"',
      before_state: { name: 'a' },
      after_state: { name: 'b' },
      content_type: 7,
    });
  });

  it.each([
    ['create', null, { name: 'b' }],
    ['update', { name: 'a' }, { name: 'b' }],
  ] as const)('have the states of a %s', (action, before, after) => {
    expect(recordOf({ action })).toMatchObject({ before_state: before, after_state: after });
  });

  it('have no state after a deletion, and none at all of an access', () => {
    expect(recordOf({ action: 'delete', after: null })).toMatchObject({
      before_state: { name: 'a' },
      after_state: null,
    });
    const access = { action: 'access', before: undefined, after: undefined } as const;
    expect(recordOf(access)).toMatchObject({ before_state: null, after_state: null });
  });

  it('have six fraction digits', () => {
    expect(recordOf({ occurredAt: 1_742_977_382_868_449 })).toHaveProperty(
      'timestamp',
      '2025-03-26T08:23:02.868449Z',
    );
    expect(recordOf({ occurredAt: 0 })).toHaveProperty('timestamp', '1970-01-01T00:00:00.000000Z');
    expect(recordOf({ occurredAt: -1 })).toHaveProperty('timestamp', '1969-12-31T23:59:59.999999Z');
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8::7', null],
    ['no address', null],
  ])('show the address %s as %s', (ip, shown) => {
    expect(recordOf({ context: JSON.stringify({ ip }) })).toHaveProperty('ip_address', shown);
  });

  it('have no address and an empty user agent where these are not known', () => {
    for (const context of [undefined, '{}', '{"ip":7,"userAgent":null}']) {
      expect(recordOf({ context })).toMatchObject({ ip_address: null, user_agent: '' });
    }
  });
});

describe('pages', () => {
  it.each([
    [0, 1, 1, null, null],
    [31, 1, 3, null, 2],
    [31, 2, 3, 1, 3],
    [31, 3, 3, 2, null],
  ])('of %i records, page %i of %i', (count, page, totalPages, previous, next) => {
    expect(JSON.parse(pageText(toPage(count, page, totalPages), []))).toEqual({
      count,
      total_pages: totalPages,
      current_page: page,
      has_previous: previous !== null,
      has_next: next !== null,
      previous_page: previous,
      next_page: next,
      results: [],
    });
  });
});

function recordOf(given: Partial<CompleteRow>): unknown {
  return JSON.parse(recordText({ ...ROW, ...given }, 'tenant', 7));
}
