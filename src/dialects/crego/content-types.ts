// The numbers of resource types, which Crego calls `content_type`: 1, 2, 3, … in the order in which the
// organization's log first saw them. Why, says docs/decisions/crego-content-type.md.

import type { Reader } from '../../query/read.ts';
import type { LogId } from '../../store/store.ts';

/** The numbers of at least these types, all of which the log has. */
export type ContentTypes = (log: LogId, types: readonly string[]) => Promise<ReadonlyMap<string, number>>;

/** Logs whose numbers stay at hand. */
const MOST_LOGS = 1000;

export function makeContentTypes(read: Pick<Reader, 'types'>): ContentTypes {
  const known = new Map<LogId, ReadonlyMap<string, number>>();
  return async (log, types) => {
    const numbers = known.get(log);
    // A number never changes: only a type that is new here makes it necessary to look.
    if (numbers !== undefined && types.every((type) => numbers.has(type))) return numbers;
    const fresh = new Map((await read.types(log)).map((type, index) => [type, index + 1]));
    if (known.size >= MOST_LOGS) known.clear();
    known.set(log, fresh);
    return fresh;
  };
}
