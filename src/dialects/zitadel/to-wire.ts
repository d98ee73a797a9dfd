// From stored entries to the wire's changes and events.

import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { ChangeSchema } from '@zitadel/proto/zitadel/change_pb.js';
import type { AggregateTypeSchema, EventSchema, EventTypeSchema } from '@zitadel/proto/zitadel/event_pb.js';
import type { Actor } from '../../core/entry.ts';
import type { Instant } from '../../core/instant.ts';
import type { Json } from '../../core/json.ts';
import { parseText } from '../../core/json-parse.ts';
import type { CompleteRow } from '../../query/read.ts';
import { aggregateText, eventText, type Language } from './texts/texts.ts';
import { aggregateTypeOf, EDITOR_SERVICE, eventTypeOf } from './wire.ts';

/** Whose history is shown, and in which language. */
export interface Shown {
  organization: { id: string };
  language: Language;
}

export function toChange(
  row: CompleteRow,
  { organization, language }: Shown,
): MessageInitShape<typeof ChangeSchema> {
  const actor = JSON.parse(row.actor) as Actor;
  return {
    changeDate: toTimestamp(row.occurredAt),
    eventType: eventText(eventTypeOf(row), language),
    sequence: toSequence(row.position),
    editorId: actor.id,
    editorDisplayName: actor.name ?? '',
    resourceOwnerId: organization.id,
    editorPreferredLoginName: actor.loginName ?? '',
    editorAvatarUrl: actor.avatarUrl ?? '',
  };
}

export function toEvent(
  row: CompleteRow,
  { organization, language }: Shown,
): MessageInitShape<typeof EventSchema> {
  const actor = JSON.parse(row.actor) as Actor;
  const payload = payloadOf(row);
  return {
    editor: { userId: actor.id, displayName: actor.name ?? '', service: EDITOR_SERVICE },
    aggregate: {
      id: row.resource.id,
      type: toAggregateType(aggregateTypeOf(row.resource.type), language),
      resourceOwner: organization.id,
    },
    sequence: toSequence(row.position),
    creationDate: toTimestamp(row.occurredAt),
    ...(payload === undefined ? {} : { payload }),
    type: toEventType(eventTypeOf(row), language),
  };
}

export function toEventType(type: string, language: Language): MessageInitShape<typeof EventTypeSchema> {
  return { type, localized: eventText(type, language) };
}

export function toAggregateType(
  type: string,
  language: Language,
): MessageInitShape<typeof AggregateTypeSchema> {
  return { type, localized: aggregateText(type, language) };
}

/** Sequences count from 1: the wire uses 0 for "none". */
function toSequence(position: number): bigint {
  return BigInt(position + 1);
}

export function toTimestamp(instant: Instant): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(instant / 1_000_000);
  return { seconds: BigInt(seconds), nanos: (instant - seconds * 1_000_000) * 1000 };
}

/** Bytes of differences beyond which an event is listed without them: a list of a thousand must stay readable. */
const MAX_PAYLOAD = 64 * 1024;

/** The differences, `{path: [before, after]}`. */
function payloadOf({ changes }: CompleteRow): JsonObject | undefined {
  if (changes === '{}' || changes.length > MAX_PAYLOAD) return undefined;
  return flattened(parseText(changes) as JsonObject, 0) as JsonObject;
}

/** Decoders of protobuf give up at 100 messages inside one another; a level of JSON takes up to three. */
const MAX_LEVELS = 24;

function flattened(value: Json, level: number): Json {
  if (value === null || typeof value !== 'object') return value;
  if (level === MAX_LEVELS) return JSON.stringify(value);
  if (Array.isArray(value)) return value.map((item) => flattened(item, level + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, flattened(item, level + 1)]));
}
