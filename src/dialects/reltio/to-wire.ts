// From rows and states to Reltio's events and entities.

import type { Actor } from '../../core/entry.ts';
import type { Instant } from '../../core/instant.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { parseText } from '../../core/json-parse.ts';
import type { CompleteRow, StateAt } from '../../query/read.ts';
import { attributesOf } from './attribute.ts';
import { type ReltioEntity, type ReltioEvent, TYPE_URI } from './wire.ts';

export function toEvent(row: CompleteRow): ReltioEvent {
  const uris = urisOf(row.metadata);
  return {
    timestamp: toMillis(row.occurredAt),
    user: toUser(JSON.parse(row.actor) as Actor),
    type: typeOf(row),
    ...(uris === undefined ? {} : { uris }),
  };
}

/** Whole milliseconds since the Unix epoch; what is finer is cut off. */
export function toMillis(instant: Instant): number {
  return Math.floor(instant / 1000);
}

export function toUser({ loginName, id }: Actor): string {
  return loginName ?? id;
}

/** Who made an entity, and when. */
export interface Creation {
  by: Actor;
  at: Instant;
}

export function toEntity(at: StateAt & { state: JsonObject }, created: Creation): ReltioEntity {
  return {
    uri: toUri(at.resource.id),
    type: TYPE_URI + at.resource.type,
    attributes: attributesOf(at.state),
    createdBy: toUser(created.by),
    createdTime: toMillis(created.at),
    updatedBy: toUser(at.changedBy),
    updatedTime: toMillis(at.changedAt),
  };
}

export function toUri(id: string): string {
  return `entities/${id}`;
}

const TYPES = {
  create: 'ENTITY_CREATED',
  update: 'ENTITY_CHANGED',
  delete: 'ENTITY_REMOVED',
  // Never shown: accesses are not entity history.
  access: 'ENTITY_ACCESSED',
} as const;

/** Events that are named as Reltio names its own pass through. */
const RELTIO_EVENT = /^(?:ENTITY|ENTITIES|POTENTIAL|NOT_MATCHES)_/;

function typeOf({ event, action }: CompleteRow): string {
  return event !== undefined && RELTIO_EVENT.test(event) ? event : TYPES[action];
}

function urisOf(metadata: string | undefined): Json[] | undefined {
  if (metadata?.includes('"uris"') !== true) return undefined;
  const parsed = parseText(metadata);
  const uris = typeof parsed === 'object' && parsed !== null && 'uris' in parsed ? parsed.uris : undefined;
  return Array.isArray(uris) ? uris : undefined;
}
