// Finds a page of versions, with the exact number of all that match, in one log or in several, one after
// the other. What streams can answer is looked up; only what they cannot is walked, a chunk at a time.

import type { Entry, ResourceRef } from '../../core/entry.ts';
import { isVersion } from '../../core/streams.ts';
import type { Reader } from '../../query/read.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';
import { isMet } from './filter.ts';
import type { ListQuery, SortKey } from './from-wire.ts';
import { type Narrowed, narrow } from './narrow.ts';
import { Gathered } from './sort.ts';
import { type Version, valueIn, versionOf } from './versions.ts';

export interface FoundPage {
  /** Of all that match, on every page. */
  count: number;
  /** The page, with states. */
  entries: Entry[];
}

type Order = Pick<Range, 'by' | 'order'>;
type Asked = Pick<ListQuery, 'conditions' | 'sort' | 'page'>;

/** @param resource whose versions are wanted; undefined: everybody's */
export async function findPage(
  read: Reader,
  logs: readonly LogId[],
  { conditions, sort, page }: Asked,
  resource?: ResourceRef,
): Promise<FoundPage> {
  const narrowed = narrow(conditions, resource);
  const [skip, limit] = [(page.number - 1) * page.size, page.size];
  const order = orderOf(sort);
  const isLookedUp = narrowed.rest.length === 0 && narrowed.ids === undefined;
  const counts = isLookedUp
    ? await Promise.all(logs.map((log) => read.count(log, narrowed.selection)))
    : undefined;
  if (counts !== undefined && order !== undefined) {
    const filled = counts.filter((count) => count > 0).length;
    if (order.by === 'position' || filled <= 1) {
      return lookUp(read, logs, counts, narrowed.selection, { ...order, skip, limit });
    }
  }

  // In the order of a log that needs no checks, nothing behind the page can matter.
  const most = counts !== undefined && order !== undefined ? skip + limit : Number.POSITIVE_INFINITY;
  const gathered = new Gathered(sort, skip, limit);
  for (const [rank, log] of logs.entries()) {
    let seen = 0;
    for await (const chunk of candidates(read, log, rank, narrowed, order, resource)) {
      for (const version of chunk) {
        if (narrowed.rest.every((condition) => isMet(condition, (name) => valueIn(version, name)))) {
          gathered.add(version);
        }
      }
      seen += chunk.length;
      if (seen >= most) break;
    }
  }
  const found = await Promise.all(gathered.page().map(({ log, id }) => read.entry(log, id)));
  const count = counts?.reduce((sum, each) => sum + each, 0) ?? gathered.count;
  return { count, entries: found.filter((entry) => entry !== undefined) };
}

/** The order in which a log can be read; undefined where the sort is another. */
function orderOf(sort: readonly SortKey[]): Order | undefined {
  const [key, ...more] = sort;
  if (key === undefined) return { by: 'position', order: 'asc' };
  if (more.length > 0 || (key.name !== 'created_at' && key.name !== 'updated_at')) return undefined;
  return { by: 'occurredAt', order: key.isDescending ? 'desc' : 'asc' };
}

/** The page of logs that stand one after the other, from each its part. */
async function lookUp(
  read: Reader,
  logs: readonly LogId[],
  counts: readonly number[],
  selection: Selection,
  { by, order, limit, skip }: Order & { limit: number; skip: number },
): Promise<FoundPage> {
  const entries: Entry[] = [];
  let before = 0;
  for (const [index, log] of logs.entries()) {
    const count = counts[index] as number;
    const from = skip + entries.length - before;
    const wanted = Math.min(limit - entries.length, count - from);
    if (wanted > 0) {
      const range: Range = { by, order, limit: wanted, skip: from };
      entries.push(...(await read.list(log, selection, range, { states: true })));
    }
    before += count;
  }
  return { count: before, entries };
}

async function* candidates(
  read: Reader,
  log: LogId,
  rank: number,
  { selection, ids }: Narrowed,
  order: Order | undefined,
  resource: ResourceRef | undefined,
): AsyncGenerator<Version[]> {
  if (ids !== undefined) {
    yield await withIds(read, log, rank, ids, resource);
    return;
  }
  for await (const rows of read.scan(log, selection, order ?? { by: 'position', order: 'asc' })) {
    yield rows.map((row) => versionOf(log, rank, row));
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The version with this id, in the log; undefined where there is none. */
export async function findVersion(read: Reader, log: LogId, id: string): Promise<Entry | undefined> {
  const entry = UUID.test(id) ? await read.entry(log, id) : undefined;
  return entry !== undefined && isVersion(entry) ? entry : undefined;
}

async function withIds(
  read: Reader,
  log: LogId,
  rank: number,
  ids: readonly string[],
  resource: ResourceRef | undefined,
): Promise<Version[]> {
  const found = await Promise.all(ids.map((id) => findVersion(read, log, id)));
  return found
    .filter((entry) => entry !== undefined)
    .filter(
      ({ resource: { type, id } }) =>
        resource === undefined || (type === resource.type && id === resource.id),
    )
    .sort((left, right) => left.position - right.position)
    .map((entry) => ({
      ...versionOf(log, rank, { ...entry, metadata: undefined }),
      metadata: () => entry.metadata ?? null,
    }));
}
