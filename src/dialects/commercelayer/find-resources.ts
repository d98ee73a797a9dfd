// Finds a page of the directory's resources, with the exact number of all that match. They are in memory:
// a filter looks at each, and a sort at those that match.

import { parseInstant } from '../../core/instant.ts';
import type { Json } from '../../core/json.ts';
import type { Relationship } from '../../directory/declaration.ts';
import { declarationOf } from '../../directory/declarations.ts';
import { type Shown, shownBy } from '../../directory/values.ts';
import type { DirectoryResource, DirectoryView } from '../../directory/view.ts';
import { type Condition, isMet } from './filter.ts';
import type { ListQuery } from './from-wire.ts';
import type { Seen } from './resource-objects.ts';
import { compareValues } from './sort.ts';
import type { FilterPath } from './wire.ts';

export interface FoundResources {
  /** Of all that match, on every page. */
  count: number;
  page: Seen[];
}

/** @param sources the resources of each directory, in the order in which they are listed */
export function findResources(
  type: string,
  sources: readonly { view: DirectoryView; resources: readonly DirectoryResource[] }[],
  { conditions, sort, page }: Pick<ListQuery, 'conditions' | 'sort' | 'page'>,
): FoundResources {
  const skip = (page.number - 1) * page.size;
  if (conditions.length === 0 && sort.length === 0) return pageOf(sources, skip, page.size);
  const meets = conditions.map((condition) => testOf(type, condition));
  const matching: Seen[] = [];
  for (const { view, resources } of sources) {
    for (const resource of resources) {
      if (meets.every((isIt) => isIt(view, resource))) matching.push({ view, resource });
    }
  }
  const sorted = sort.length === 0 ? matching : sortedBy(type, matching, sort);
  return { count: matching.length, page: sorted.slice(skip, skip + page.size) };
}

/** Nothing to look at: only what stands before the page is counted. */
function pageOf(sources: Parameters<typeof findResources>[1], skip: number, size: number): FoundResources {
  const page: Seen[] = [];
  let count = 0;
  for (const { view, resources } of sources) {
    const from = Math.max(0, skip - count);
    for (const resource of resources.slice(from, from + size - page.length)) page.push({ view, resource });
    count += resources.length;
  }
  return { count, page };
}

type IsIt = (view: DirectoryView, resource: DirectoryResource) => boolean;

function testOf(type: string, condition: Condition): IsIt {
  const readers = new Map(condition.paths.map((path) => [path, readerOf(type, path)]));
  return (view, resource) =>
    isMet(condition, (path) => (readers.get(path) as ReturnType<typeof readerOf>)(view, resource));
}

/** Reads the values at a path. A related resource that is not there has null, as a join in SQL has it. */
function readerOf(
  type: string,
  { kind, attribute, relationship }: FilterPath,
): (view: DirectoryView, resource: DirectoryResource) => readonly Json[] {
  const declared = relationship === undefined ? undefined : relationshipOf(type, relationship);
  const shown = shownBy(declared?.to ?? type, attribute);
  const read: Shown = kind === 'instant' ? (view, resource) => instantOf(shown(view, resource)) : shown;
  if (relationship === undefined || declared === undefined) return (view, resource) => [read(view, resource)];
  const look = (view: DirectoryView, resource: DirectoryResource): readonly Json[] => {
    const related = view.related(resource, relationship);
    return related.length === 0 ? NOTHING : related.map((one) => read(view, one));
  };
  if (declared.isMany) return look;
  // Many resources name few others: each of those is read once.
  const known = new Map<Json | DirectoryView | undefined, readonly Json[]>();
  return (view, resource) => {
    const target = declared.key === undefined ? view : resource.state[declared.key];
    let values = known.get(target);
    if (values === undefined) {
      values = look(view, resource);
      known.set(target, values);
    }
    return values;
  };
}

const NOTHING: readonly Json[] = [null];

function relationshipOf(type: string, name: string): Relationship {
  return declarationOf(type).relationships[name] as Relationship;
}

function instantOf(value: Json): Json {
  return typeof value === 'string' ? (parseInstant(value) ?? null) : null;
}

/** Where the keys are equal, in the order of the list, in the direction of the last key. */
function sortedBy(type: string, matching: readonly Seen[], sort: ListQuery['sort']): Seen[] {
  const readers = sort.map(({ name }) => shownBy(type, name));
  const isLastDescending = sort.at(-1)?.isDescending === true;
  return matching
    .map((seen, index) => ({
      seen,
      index,
      values: readers.map((read) => read(seen.view, seen.resource)),
    }))
    .sort((left, right) => {
      for (const [key, { isDescending }] of sort.entries()) {
        const order = compareValues(left.values[key] as Json, right.values[key] as Json);
        if (order !== 0) return isDescending ? -order : order;
      }
      return isLastDescending ? right.index - left.index : left.index - right.index;
    })
    .map(({ seen }) => seen);
}
