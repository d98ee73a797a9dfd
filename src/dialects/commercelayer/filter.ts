// The grammar of filters: `filter[q][<attributes>_<predicate>]`, attributes joined by `_or_`, and the
// short forms `filter[<attribute>]`, `filter[<relationship>_id]`, `filter[ids]`, `filter[<instant>_from]` and `_to`.

import { WireError } from './errors.ts';
import { PREDICATE_NAMES, predicateTest, type Test } from './predicates.ts';
import { type FilterPath, filterKind, filterPath, type ResourceType } from './wire.ts';

/** One condition of a filter: one of its attributes must satisfy the predicate. */
export interface Condition {
  attributes: readonly string[];
  predicate: string;
  operand: string;
  /** One for each attribute: where it is. */
  paths: readonly FilterPath[];
  /** One for each attribute, whose kinds may differ. */
  tests: readonly Test[];
}

/** Gives a resource's own attribute as a predicate takes it. */
type ValueIn = (attribute: string) => Parameters<Test>[0];

export function isMet({ attributes, tests }: Condition, valueIn: ValueIn): boolean {
  return tests.some((test, index) => test(valueIn(attributes[index] as string)));
}

/**
 * The condition of a `filter[…]` parameter.
 * @throws WireError `FILTER_NOT_ALLOWED`, `INVALID_FILTER_VALUE`
 */
export function conditionOf(type: ResourceType, parameter: string, operand: string): Condition {
  const key = /^filter\[q\]\[([^[\]]*)\]$/.exec(parameter)?.[1];
  const parsed = key === undefined ? shortForm(type, parameter) : longForm(type, key);
  if (parsed === undefined) {
    throw new WireError('FILTER_NOT_ALLOWED', `${key ?? parameter} is not allowed.`, parameter);
  }
  const { attributes, predicate } = parsed;
  const paths = attributes.map((attribute) => filterPath(type, attribute) as FilterPath);
  const tests = paths.map(({ kind }, index) => {
    const test = predicateTest(predicate, kind, operand);
    if (test !== undefined) return test;
    const message = `${operand.slice(0, 80)} is not a valid value for ${attributes[index]}_${predicate}.`;
    throw new WireError('INVALID_FILTER_VALUE', message, parameter);
  });
  return { attributes, predicate, operand, paths, tests };
}

type Parsed = Pick<Condition, 'attributes' | 'predicate'>;

function longForm(type: ResourceType, key: string): Parsed | undefined {
  for (const predicate of PREDICATE_NAMES) {
    if (!key.endsWith(`_${predicate}`)) continue;
    const attributes = key.slice(0, -predicate.length - 1).split('_or_');
    if (attributes.every((attribute) => filterPath(type, attribute) !== undefined))
      return { attributes, predicate };
  }
  return undefined;
}

function shortForm(type: ResourceType, parameter: string): Parsed | undefined {
  const name = /^filter\[([^[\]]*)\]$/.exec(parameter)?.[1];
  if (name === undefined) return undefined;
  if (name === 'ids') return { attributes: ['id'], predicate: 'in' };
  const [, instant, bound] = /^(.+)_(from|to)$/.exec(name) ?? [];
  if (instant !== undefined && filterKind(type, instant) === 'instant') {
    return { attributes: [instant], predicate: bound === 'from' ? 'gteq' : 'lteq' };
  }
  const path = filterPath(type, name);
  // Of what is related only the id has a short form.
  if (path === undefined || (path.relationship !== undefined && path.attribute !== 'id')) return undefined;
  // JSON has commas of its own.
  return { attributes: [name], predicate: path.kind === 'json' ? 'eq' : 'in' };
}
