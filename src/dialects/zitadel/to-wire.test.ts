import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { EventSchema } from '@zitadel/proto/zitadel/event_pb.js';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import type { CompleteRow } from '../../query/read.ts';
import { toChange, toEvent, toTimestamp } from './to-wire.ts';
import { derivedFrom, eventTypeOf, resourceTypesOf } from './wire.ts';

const shown = { organization: { id: 'org-1' }, language: 'en' } as const;

function row(given: Partial<CompleteRow> = {}): CompleteRow {
  return {
    position: 41,
    occurredAt: 1_500_000,
    resource: { type: 'organizations', id: 'o' },
    action: 'create',
    event: undefined,
    actor: '{"id":"ada","type":"user"}',
    changes: '{}',
    ...given,
  } as CompleteRow;
}

describe('a change', () => {
  it('counts from one, and leaves out what is not known of the editor', () => {
    expect(toChange(row(), shown)).toEqual({
      changeDate: { seconds: 1n, nanos: 500_000_000 },
      eventType: { key: 'EventTypes.org.added', localizedMessage: 'Organization created' },
      sequence: 42n,
      editorId: 'ada',
      editorDisplayName: '',
      resourceOwnerId: 'org-1',
      editorPreferredLoginName: '',
      editorAvatarUrl: '',
    });
  });

  it('before 1970 has nanoseconds that count forward', () => {
    expect(toTimestamp(-1)).toEqual({ seconds: -1n, nanos: 999_999_000 });
    expect(toTimestamp(-2_000_000)).toEqual({ seconds: -2n, nanos: 0 });
  });
});

describe('an event', () => {
  it('has the differences as its payload', () => {
    expect(toEvent(row({ changes: '{"/a":[1,null]}' }), shown).payload).toEqual({ '/a': [1, null] });
    expect(toEvent(row(), shown)).not.toHaveProperty('payload');
  });

  it('stays readable for a decoder that gives up at a hundred levels', () => {
    let deep = 'null';
    for (let level = 0; level < 70; level++) deep = `{"a":[${deep}]}`;
    const { payload, ...rest } = toEvent(row({ changes: `{"/deep":[null,${deep}]}` }), shown);
    const bytes = toBinary(EventSchema, create(EventSchema, { ...rest, payload: payload as JsonObject }));
    expect(JSON.stringify(fromBinary(EventSchema, bytes).payload)).toMatch(/^\{"\/deep":\[null,\{"a":\[/);
  });

  it('is listed without differences that would drown the list', () => {
    expect(toEvent(row({ changes: `{"/a":[null,"${'x'.repeat(70_000)}"]}` }), shown)).not.toHaveProperty(
      'payload',
    );
  });
});

describe('event types', () => {
  it.each([
    ['organizations', 'create', undefined, 'org.added'],
    ['projects', 'update', undefined, 'project.changed'],
    ['apps', 'delete', undefined, 'project.application.removed'],
    ['users', 'access', undefined, 'user.accessed'],
    ['notes', 'update', undefined, 'notes.changed'],
    ['notes', 'update', 'note.renamed', 'note.renamed'],
  ] as const)('of %s, %s and %s is %s', (type, action, event, wanted) => {
    expect(eventTypeOf({ resource: { type }, action, event })).toBe(wanted);
  });

  it('lead back to the types and the action that they are derived from', () => {
    expect(derivedFrom('org.added')).toEqual({ types: ['organizations', 'org'], action: 'create' });
    expect(derivedFrom('project.application.removed')).toEqual({
      types: ['apps', 'project.application'],
      action: 'delete',
    });
    expect(derivedFrom('organizations.added')).toEqual({ types: [], action: 'create' });
    expect([derivedFrom('added'), derivedFrom('.added'), derivedFrom('org.renamed')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(resourceTypesOf('notes')).toEqual(['notes']);
  });
});
