// Finds a page of the directory's resources, with the exact number of all that match. They are in memory:
// a filter looks at each, and a sort at those that match.

import { parseInstant } from '../../core/instant.ts';
import type { Json } from '../../core/json.ts';
import type { Relationship } from '../../directory/declaration.ts';
import { declarationOf } from '../../directory/declarations.ts';
import { type Shown, shownBy } from '../../directory/values.ts';
import type { DirectoryResource, DirectoryView } from '../../directory/view.ts';
import type { Condition } from './filter.ts';
import type { ListQuery } from './from-wire.ts';
import type { Test } from './predicates.ts';
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
  const isWanted: IsIt = (view, resource) => meets.every((isIt) => isIt(view, resource));
  if (sort.length === 0) return pageOfMatching(sources, isWanted, skip, page.size);
  const matching: Seen[] = [];
  for (const { view, resources } of sources) {
    for (const resource of resources) if (isWanted(view, resource)) matching.push({ view, resource });
  }
  return { count: matching.length, page: sortedBy(type, matching, sort).slice(skip, skip + page.size) };
}

/** In the order of the list: those that are not on the page are counted, and not kept. */
function pageOfMatching(
  sources: Parameters<typeof findResources>[1],
  isWanted: IsIt,
  skip: number,
  size: number,
): FoundResources {
  const page: Seen[] = [];
  let count = 0;
  for (const { view, resources } of sources) {
    for (const resource of resources) {
      if (!isWanted(view, resource)) continue;
      if (count >= skip && page.length < size) page.push({ view, resource });
      count += 1;
    }
  }
  return { count, page };
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

/** One of the condition's attributes must do. */
function testOf(type: string, { paths, tests }: Condition): IsIt {
  const each = paths.map((path, index) => testAt(type, path, tests[index] as Test));
  const [first, ...others] = each as [IsIt, ...IsIt[]];
  return others.length === 0 ? first : (view, resource) => each.some((isIt) => isIt(view, resource));
}

/** Tests the values at a path. A related resource that is not there has null, as a join in SQL has it. */
function testAt(type: string, { kind, attribute, relationship }: FilterPath, test: Test): IsIt {
  const declared = relationship === undefined ? undefined : relationshipOf(type, relationship);
  const shown = shownBy(declared?.to ?? type, attribute);
  const read: Shown = kind === 'instant' ? (view, resource) => instantOf(shown(view, resource)) : shown;
  if (relationship === undefined || declared === undefined)
    return (view, resource) => test(read(view, resource));
  const look: IsIt = (view, resource) => {
    const related = view.related(resource, relationship);
    return related.length === 0 ? test(null) : related.some((one) => test(read(view, one)));
  };
  if (declared.isMany) return look;
  // Many resources name few others: each of those is looked at once.
  const known = new Map<Json | DirectoryView | undefined, boolean>();
  return (view, resource) => {
    const target = declared.key === undefined ? view : resource.state[declared.key];
    let isMet = known.get(target);
    if (isMet === undefined) {
      isMet = look(view, resource);
      known.set(target, isMet);
    }
    return isMet;
  };
}

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
