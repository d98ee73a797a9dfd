// What the store has of the directory: the latest states of a type, of those that the directory itself wrote.

import type { Instant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { parseText } from '../core/json-parse.ts';
import type { LogId, Store } from '../store/store.ts';
import { ID_PREFIX } from './ids.ts';

export interface Row {
  id: string;
  state: JsonObject;
  changedAt: Instant;
  /** The version that left the state. */
  version: number;
}

const CHUNK = 500;

/** States come by id, and the directory's ids begin alike: those of other writers are not read. */
export async function* rowsOf(
  store: Pick<Store, 'resources'>,
  log: LogId,
  type: string,
): AsyncGenerator<Row, void> {
  let behind = { type, id: ID_PREFIX };
  for (;;) {
    const rows = await store.resources(log, type, behind, CHUNK);
    for (const { resource, state, changedAt, version } of rows) {
      if (!resource.id.startsWith(ID_PREFIX)) return;
      if (state !== null)
        yield { id: resource.id, state: parseText(state) as JsonObject, changedAt, version };
    }
    const last = rows.at(-1)?.resource;
    if (rows.length < CHUNK || last === undefined) return;
    behind = { type, id: last.id };
  }
}
