// What of a filter the log's streams and its timeline can answer, so that it need not be walked.

import type { ResourceRef } from '../../core/entry.ts';
import { MAX_INSTANT } from '../../core/instant.ts';
import { type Stream, streamOf, VERSIONS } from '../../core/streams.ts';
import type { Selection } from '../../store/store.ts';
import type { Condition } from './filter.ts';
import { instantOf } from './predicates.ts';

export interface Narrowed {
  selection: Selection;
  /** The conditions that remain to be checked on each version. */
  rest: Condition[];
  /** The only ids that can match; then nothing is walked, and every condition is in `rest`. */
  ids: readonly string[] | undefined;
}

/** @param resource whose versions are wanted; undefined: everybody's */
export function narrow(conditions: readonly Condition[], resource: ResourceRef | undefined): Narrowed {
  const streams: Stream[] = resource === undefined ? [VERSIONS] : [VERSIONS, streamOf.resource(resource)];
  const selection: Selection = { streams };
  const ids = conditions.map(idsOf).find((found) => found !== undefined);
  if (ids !== undefined) return { selection, rest: [...conditions], ids };

  const answered = new Set<Condition>();
  const type = conditions.find((condition) => equalTo(condition, 'resource_type') !== undefined);
  if (type !== undefined) {
    const name = equalTo(type, 'resource_type') as string;
    // A type has no slash; in a stream's name one would end it early.
    const id = name.includes('/')
      ? undefined
      : conditions.find((condition) => equalTo(condition, 'resource_id') !== undefined);
    streams.push(
      id === undefined
        ? streamOf.type(name)
        : streamOf.resource({ type: name, id: equalTo(id, 'resource_id') as string }),
    );
    answered.add(type);
    if (id !== undefined) answered.add(id);
  }
  for (const condition of conditions) {
    if (limitWindow(selection, condition)) answered.add(condition);
  }
  return { selection, rest: conditions.filter((condition) => !answered.has(condition)), ids };
}

function idsOf({ attributes, predicate, operand }: Condition): readonly string[] | undefined {
  if (attributes.length !== 1 || attributes[0] !== 'id') return undefined;
  if (predicate === 'eq') return [operand];
  return predicate === 'in' ? [...new Set(operand.split(','))] : undefined;
}

/** The one value that a condition wants of an attribute; undefined where it wants another thing. */
function equalTo({ attributes, predicate, operand }: Condition, attribute: string): string | undefined {
  if (attributes.length !== 1 || attributes[0] !== attribute) return undefined;
  const isOne = predicate === 'eq' || (predicate === 'in' && !operand.includes(','));
  return isOne ? operand : undefined;
}

const MILLISECOND = 1000;

/** Narrows the window of a selection to a comparison of instants; false where the condition is no such thing. */
function limitWindow(selection: Selection, { attributes, predicate, operand }: Condition): boolean {
  // Both attributes are the same instant, cut to the millisecond that the wire shows.
  if (!attributes.every((attribute) => attribute === 'created_at' || attribute === 'updated_at'))
    return false;
  const instant = instantOf(operand);
  if (instant === undefined) return false;
  const from = Math.ceil(instant / MILLISECOND) * MILLISECOND;
  const behind = (Math.floor(instant / MILLISECOND) + 1) * MILLISECOND;
  if (behind > MAX_INSTANT) return false;
  switch (predicate) {
    case 'gteq':
      raise(selection, from);
      return true;
    case 'gt':
      raise(selection, behind);
      return true;
    case 'lt':
      lower(selection, from);
      return true;
    case 'lteq':
      lower(selection, behind);
      return true;
    default:
      return false;
  }
}

function raise(selection: Selection, since: number): void {
  selection.since = Math.max(selection.since ?? since, since);
}

function lower(selection: Selection, until: number): void {
  selection.until = Math.min(selection.until ?? until, until);
}
