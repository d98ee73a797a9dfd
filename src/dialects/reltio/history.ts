// Which entries are entity history, and which of them a request means.

import type { ResourceRef, State } from '../../core/entry.ts';
import { parseText } from '../../core/json-parse.ts';
import { streamOf } from '../../core/streams.ts';
import type { CompleteRow, Reader } from '../../query/read.ts';
import type { LogId, Range } from '../../store/store.ts';
import { boundsOf } from './bounds.ts';
import { type Candidate, meets } from './evaluate.ts';
import { type Condition, readsStates } from './filter.ts';
import { toEvent } from './to-wire.ts';
import type { ReltioEvent } from './wire.ts';

/** Paging reaches this many events, the newest that match. */
export const WINDOW = 1000;

/** Which events of an entity. */
export interface Wanted {
  /** Those without a difference too; there is no filter then. */
  showAll: boolean;
  /** Creations, merges and splits only. */
  majorOnly: boolean;
  filter: Condition | undefined;
}

/** The newest events that match, WINDOW at most, newest first by when they occurred. */
export async function newest(
  read: Reader,
  log: LogId,
  entity: ResourceRef,
  wanted: Wanted,
): Promise<ReltioEvent[]> {
  const events: ReltioEvent[] = [];
  for await (const event of matching(read, log, entity, wanted, 'occurredAt')) {
    events.push(event);
    if (events.length === WINDOW) break;
  }
  return events;
}

/** All events that match, beyond the window too. */
export async function total(read: Reader, log: LogId, entity: ResourceRef, wanted: Wanted): Promise<number> {
  let count = 0;
  for await (const _ of matching(read, log, entity, wanted, 'position')) count += 1;
  return count;
}

async function* matching(
  read: Reader,
  log: LogId,
  entity: ResourceRef,
  wanted: Wanted,
  by: Range['by'],
): AsyncGenerator<ReltioEvent> {
  const { filter } = wanted;
  const states = filter !== undefined && readsStates(filter);
  const bounds = filter === undefined ? {} : boundsOf(filter);
  const selection = { streams: [streamOf.resource(entity)], ...bounds };
  for await (const rows of read.walk(log, selection, { by, order: 'desc' }, { states })) {
    for (const row of rows) {
      if (row.action === 'access') continue;
      const candidate = candidateOf(row);
      if (isWanted(row, candidate, wanted)) yield candidate.event;
    }
  }
}

const MAJOR = [
  'ENTITY_CREATED',
  'ENTITIES_MERGED',
  'ENTITIES_MERGED_MANUALLY',
  'ENTITIES_MERGED_ON_THE_FLY',
  'ENTITIES_SPLITTED',
];
/** Listed even without a difference. */
const ALWAYS_LISTED = [...MAJOR, 'ENTITY_REMOVED', 'ENTITY_LOST_MERGE'];

function isWanted(row: CompleteRow, candidate: Candidate, wanted: Wanted): boolean {
  const { type } = candidate.event;
  if (wanted.majorOnly && !MAJOR.includes(type)) return false;
  const isListed = row.changed || row.action !== 'update' || ALWAYS_LISTED.includes(type);
  if (!isListed && !wanted.showAll) return false;
  return wanted.filter === undefined || meets(candidate, wanted.filter);
}

function candidateOf(row: CompleteRow): Candidate {
  let states: ReturnType<Candidate['states']> | undefined;
  return {
    event: toEvent(row),
    entityType: row.resource.type,
    changed: row.changed,
    states() {
      states ??= { before: parseState(row.before), after: parseState(row.after) };
      return states;
    },
  };
}

function parseState(text: string | null | undefined): State {
  return text === null || text === undefined ? null : (parseText(text) as State);
}
