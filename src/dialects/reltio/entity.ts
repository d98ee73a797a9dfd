// Entities: the resources that Reltio's `entities/{id}` names, by id alone.

import type { Actor, ResourceRef } from '../../core/entry.ts';
import type { JsonObject } from '../../core/json.ts';
import { isDirectoryType, streamOf } from '../../core/streams.ts';
import type { CompleteRow, Reader, StateAt } from '../../query/read.ts';
import type { LogId } from '../../store/store.ts';
import type { Creation } from './to-wire.ts';

/** Entries looked at together, once the first was of no use. */
const CHUNK = 200;

/**
 * The resource with this id, directory types aside, that has or had a state; of several types the one
 * whose entries began first, so that later appends do not make another entity of the same id. It looks
 * at one entry, except where several types share the id.
 */
export async function findEntity(read: Reader, log: LogId, id: string): Promise<ResourceRef | undefined> {
  const everyType = { streams: [streamOf.id(id)] };
  const tried = new Set<string>();
  let seen = 0;
  let behind: CompleteRow | undefined;
  for (let limit = 1; ; limit = CHUNK) {
    const rows = await read.rows(log, everyType, { by: 'position', order: 'asc', limit, behind });
    for (const { resource } of rows) {
      const ref = { type: resource.type, id };
      if (tried.has(ref.type)) continue;
      tried.add(ref.type);
      if (!isDirectoryType(ref.type) && (await read.latest(log, ref)) !== undefined) return ref;
      seen += await read.count(log, { streams: [streamOf.resource(ref)] });
    }
    // Counted afterwards, so that it is only reached where no other type is left.
    if (rows.length < limit || seen === (await read.count(log, everyType))) return undefined;
    behind = rows.at(-1);
  }
}

/** @param at as it was at this instant, in microseconds; undefined: now. Undefined where it does not exist then */
export async function readState(
  read: Reader,
  log: LogId,
  entity: ResourceRef,
  at: number | undefined,
): Promise<(StateAt & { state: JsonObject }) | undefined> {
  const found = at === undefined ? await read.latest(log, entity) : await read.asOf(log, entity, at);
  return found === undefined || found.state === null ? undefined : { ...found, state: found.state };
}

/** The first creation; where none was recorded, the first entry that left a state. */
export async function creationOf(read: Reader, log: LogId, entity: ResourceRef): Promise<Creation> {
  const streams = [streamOf.resource(entity)];
  const range = { by: 'position', order: 'asc' } as const;
  const [created] = await read.rows(
    log,
    { streams: [...streams, streamOf.action('create')] },
    { ...range, limit: 1 },
  );
  if (created !== undefined) return toCreation(created);
  for await (const rows of read.walk(log, { streams }, range)) {
    const first = rows.find(({ action }) => action !== 'access');
    if (first !== undefined) return toCreation(first);
  }
  throw new Error(`${entity.type}/${entity.id} has a state that no entry left`);
}

function toCreation({ actor, occurredAt }: CompleteRow): Creation {
  return { by: JSON.parse(actor) as Actor, at: occurredAt };
}
