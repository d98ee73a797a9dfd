// What a version is made of: the attributes by which it filters and sorts, and those that it shows.

import { changedAttributes } from '../../core/diff.ts';
import type { Actor, Entry, Resource } from '../../core/entry.ts';
import { formatInstant, type Instant } from '../../core/instant.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { parseText } from '../../core/json-parse.ts';
import { KEPT } from '../../directory/declarations.ts';
import type { LogId, StoredEntry } from '../../store/store.ts';

/** What is looked at to filter and to sort. */
export interface Version {
  log: LogId;
  /** The place of its log among those that are read. */
  rank: number;
  id: string;
  position: number;
  occurredAt: Instant;
  resource: Resource;
  /** Parsed when it is first looked at. */
  metadata(): Json;
}

export function versionOf(log: LogId, rank: number, row: Pick<StoredEntry, RowMember>): Version {
  const { id, position, occurredAt, resource } = row;
  let metadata: Json | undefined;
  return {
    log,
    rank,
    id,
    position,
    occurredAt,
    resource,
    metadata() {
      metadata ??= row.metadata === undefined ? null : parseText(row.metadata);
      return metadata;
    },
  };
}

type RowMember = 'id' | 'position' | 'occurredAt' | 'resource' | 'metadata';

/** An attribute as filters and sorts take it: null where it is absent, instants as numbers. */
export function valueIn(version: Version, attribute: string): Json {
  switch (attribute) {
    case 'id':
      return version.id;
    case 'resource_type':
      return version.resource.type;
    case 'resource_id':
      return version.resource.id;
    case 'created_at':
    case 'updated_at':
      return inMilliseconds(version.occurredAt);
    case 'reference':
    case 'reference_origin':
      return referenceOf(version.metadata(), attribute);
    case 'metadata':
      return version.metadata();
    default:
      return null;
  }
}

/** The attributes of a version, from an entry with its states. */
export function attributesOf(entry: Entry): Record<string, Json> {
  const at = formatInstant(inMilliseconds(entry.occurredAt));
  const metadata = entry.metadata ?? null;
  return {
    resource_type: entry.resource.type,
    resource_id: entry.resource.id,
    event: entry.action === 'delete' ? 'destroy' : entry.action,
    changes: changesOf(entry),
    who: whoOf(entry.actor),
    created_at: at,
    updated_at: at,
    reference: referenceOf(metadata, 'reference'),
    reference_origin: referenceOf(metadata, 'reference_origin'),
    metadata,
  };
}

/** The wire has milliseconds; filters compare what the wire shows. */
function inMilliseconds(instant: Instant): Instant {
  return Math.floor(instant / 1000) * 1000;
}

function referenceOf(metadata: Json, member: string): string | null {
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata)) return null;
  const value = Object.hasOwn(metadata, member) ? metadata[member] : null;
  return typeof value === 'string' ? value : null;
}

const BOOKKEEPING: readonly string[] = ['created_at', 'updated_at'];

/** Attributes of Annals' own types that the API never shows. A change of one makes a version all the same. */
const HIDDEN: ReadonlyMap<string, readonly string[]> = new Map(
  KEPT.map(({ type, hidden, attributes }) => [
    type,
    [...hidden, ...Object.keys(attributes).filter((name) => attributes[name]?.isFetchable === false)],
  ]),
);

function changesOf({ resource, before = null, after = null }: Entry): JsonObject {
  const hidden = HIDDEN.get(resource.type) ?? [];
  const shown = changedAttributes(before, after).filter(
    (attribute) => !BOOKKEEPING.includes(attribute) && !hidden.includes(attribute),
  );
  return Object.fromEntries(
    shown.map((attribute) => [attribute, [memberOf(before, attribute), memberOf(after, attribute)]]),
  );
}

function memberOf(state: JsonObject | null, attribute: string): Json {
  return state !== null && Object.hasOwn(state, attribute) ? (state[attribute] as Json) : null;
}

/** Who did it, as far as is known; the system itself is nobody. */
function whoOf({ type, id, application }: Actor): JsonObject {
  switch (type) {
    case 'user':
      return {
        user: { id },
        ...(application === undefined ? {} : { application: shownApplication(application) }),
      };
    case 'application':
      return { application: shownApplication({ ...application, id }) };
    case 'worker':
      return { worker: { id } };
    default:
      return {};
  }
}

function shownApplication({ id, kind, public: isPublic }: NonNullable<Actor['application']>): JsonObject {
  return {
    id,
    ...(kind === undefined ? {} : { kind }),
    ...(isPublic === undefined ? {} : { public: isPublic }),
  };
}
