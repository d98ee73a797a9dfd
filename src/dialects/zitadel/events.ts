// The event lists of AdminService: the whole log of an organization, with the wire's filters.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListAggregateTypesResponseSchema,
  ListEventsRequest,
  ListEventsResponseSchema,
  ListEventTypesResponseSchema,
} from '@zitadel/proto/zitadel/admin_pb.js';
import { type Stream, streamOf } from '../../core/streams.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';
import type { Annals } from '../dialect.ts';
import { type Asked, behind, instantAfter, toInstant } from './from-wire.ts';
import { readMerged, type Source } from './merge.ts';
import { EVENT_TYPES } from './texts/texts.ts';
import { toAggregateType, toEvent, toEventType } from './to-wire.ts';
import { aggregateTypeOf, derivedEventTypes, derivedFrom, resourceTypesOf } from './wire.ts';

export async function listEvents(
  { read }: Annals,
  asked: Asked,
  request: ListEventsRequest,
  maxChanges: number,
): Promise<MessageInitShape<typeof ListEventsResponseSchema>> {
  const { id: log } = asked.organization;
  if (request.resourceOwner !== '' && request.resourceOwner !== log) return { events: [] };
  const range: Range = {
    by: 'position',
    order: request.asc ? 'asc' : 'desc',
    limit: Math.min(request.limit || maxChanges, maxChanges),
    behind: behind(request.sequence),
  };
  const types = needsTypes(request) ? await typesInUse(read, log) : [];
  const rows = await readMerged(read, log, sourcesOf(request, types), range);
  return { events: rows.map((row) => toEvent(row, asked)) };
}

/** Streams are named by type and id: an id alone is looked for under every type. */
function needsTypes({ aggregateId, aggregateTypes }: ListEventsRequest): boolean {
  return aggregateId !== '' && aggregateTypes.length === 0;
}

/** One source for each event type and each aggregate that are asked for. */
export function sourcesOf(request: ListEventsRequest, typesInUse: readonly string[]): Source[] {
  const window = windowOf(request);
  const common = request.editorUserId === '' ? [] : [streamOf.actor(request.editorUserId)];
  return eventsOf(request).flatMap((event) =>
    aggregatesOf(request, typesInUse)
      .filter(({ type }) => type === undefined || event.type === undefined || type === event.type)
      .map((aggregate) => ({
        selection: { ...window, streams: [...new Set([...common, ...event.streams, ...aggregate.streams])] },
        accepts: event.isDerived ? (row) => row.event === undefined : undefined,
      })),
  );
}

interface Part {
  streams: Stream[];
  /** The one resource type that its entries have; undefined: any. */
  type?: string;
  isDerived?: boolean;
}

/** Entries that were recorded with the event, and those without one for which it is derived. */
function eventsOf({ eventTypes }: ListEventsRequest): Part[] {
  if (eventTypes.length === 0) return [{ streams: [] }];
  return [...new Set(eventTypes)].flatMap((eventType) => {
    const { types = [], action = 'create' } = derivedFrom(eventType) ?? {};
    const derived = types.map((type): Part => {
      return { streams: [streamOf.type(type), streamOf.action(action)], type, isDerived: true };
    });
    return [{ streams: [streamOf.event(eventType)] }, ...derived];
  });
}

function aggregatesOf(
  { aggregateId, aggregateTypes }: ListEventsRequest,
  typesInUse: readonly string[],
): Part[] {
  if (aggregateId === '' && aggregateTypes.length === 0) return [{ streams: [] }];
  const types =
    aggregateTypes.length === 0 ? typesInUse : [...new Set(aggregateTypes)].flatMap(resourceTypesOf);
  return types.map((type) => ({
    type,
    streams: [aggregateId === '' ? streamOf.type(type) : streamOf.resource({ type, id: aggregateId })],
  }));
}

/** A range overrides `from`, and `from` the deprecated date that means the same. */
function windowOf({ asc, creationDate, creationDateFilter }: ListEventsRequest): Omit<Selection, 'streams'> {
  if (creationDateFilter.case === 'range') {
    const { since, until } = creationDateFilter.value;
    return { since: since && toInstant(since), until: until && toInstant(until) };
  }
  const from = creationDateFilter.case === 'from' ? creationDateFilter.value : creationDate;
  if (from === undefined) return {};
  return asc ? { since: instantAfter(from) } : { until: toInstant(from) };
}

export async function listEventTypes(
  { read }: Annals,
  { organization, language }: Asked,
): Promise<MessageInitShape<typeof ListEventTypesResponseSchema>> {
  const derived = (await typesInUse(read, organization.id)).flatMap(derivedEventTypes);
  const types = [...new Set([...EVENT_TYPES, ...derived])].sort();
  return { eventTypes: types.map((type) => toEventType(type, language)) };
}

export async function listAggregateTypes(
  { read }: Annals,
  { organization, language }: Asked,
): Promise<MessageInitShape<typeof ListAggregateTypesResponseSchema>> {
  const types = [...new Set((await typesInUse(read, organization.id)).map(aggregateTypeOf))].sort();
  return { aggregateTypes: types.map((type) => toAggregateType(type, language)) };
}

/** Types that are known without looking. */
const KNOWN_TYPES = ['organizations', 'projects', 'apps', 'project_grants', 'users'];
const MAX_TYPES = 500;

/** The wire's own types, and those that have a resource now: one look-up each, whatever the log's size. */
async function typesInUse(read: Annals['read'], log: LogId): Promise<string[]> {
  const types = new Set(KNOWN_TYPES);
  let behindType = '';
  for (let count = 0; count < MAX_TYPES; count++) {
    // No type sorts between a type and itself with U+0001 behind it.
    const [state] = await read.resources(log, undefined, { type: behindType, id: '' }, 1);
    if (state === undefined) break;
    types.add(state.resource.type);
    behindType = `${state.resource.type}\u0001`;
  }
  return [...types];
}
