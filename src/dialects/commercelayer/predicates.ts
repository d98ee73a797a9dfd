// The predicates of a filter, as Ransack has them over SQL: an absent value satisfies none of them, not
// even a negation, where the predicate does not name null. Lists are separated by commas.

import { formatInstant, parseInstant } from '../../core/instant.ts';
import { canonicalize, isEqual, type Json } from '../../core/json.ts';
import { parseJson } from '../../ingest/json-text.ts';
import { likeTest } from './like.ts';
import type { Kind } from './wire.ts';

/** Characters of a pattern: what it costs to try one grows with its length. */
const MAX_PATTERN = 500;

/** Does a value, null where it is absent, satisfy a predicate? Instants come as numbers. */
export type Test = (value: Json) => boolean;

/** Makes the test of one operand; undefined where that cannot be read. */
type Operator = (kind: Kind, operand: string) => Test | undefined;

const OPERATORS: Record<string, Operator> = {
  eq: comparing((order) => order === 0),
  not_eq: comparing((order) => order !== 0),
  lt: comparing((order) => order < 0),
  lteq: comparing((order) => order <= 0),
  gt: comparing((order) => order > 0),
  gteq: comparing((order) => order >= 0),
  matches: matching((pattern) => likeTest(pattern), MAX_PATTERN),
  start: matching((part) => (text) => text.startsWith(part)),
  end: matching((part) => (text) => text.endsWith(part)),
  cont: matching((part) => (text) => text.includes(part)),
  does_not_match: negated('matches'),
  not_start: negated('start'),
  not_end: negated('end'),
  not_cont: negated('cont'),
  null: asking((value) => value === null),
  not_null: asking((value) => value !== null),
  blank: asking((value) => value === null || value === ''),
  present: asking((value) => value !== null && value !== ''),
  true: equalling('true'),
  false: equalling('false'),
  jcont: containing,
};

/** `any`: one of the operands must do; `all`: each. A predicate of a list, `in`, stands for another with `any`. */
type Quantity = 'one' | 'any' | 'all';

interface Predicate {
  operator: Operator;
  quantity: Quantity;
  /** Does an absent value do as well? */
  orNull: boolean;
}

const QUANTIFIED: Record<string, readonly Quantity[]> = {
  not_eq: ['all'],
  not_cont: ['all'],
  ...Object.fromEntries(
    [
      'matches',
      'does_not_match',
      'lt',
      'lteq',
      'gt',
      'gteq',
      'start',
      'not_start',
      'end',
      'not_end',
      'cont',
    ].map((name) => [name, ['any', 'all']] as const),
  ),
};

const PREDICATES: ReadonlyMap<string, Predicate> = new Map([
  ...Object.keys(OPERATORS).flatMap((name) => [
    named(name, name, 'one'),
    ...(QUANTIFIED[name] ?? []).map((quantity) => named(`${name}_${quantity}`, name, quantity)),
  ]),
  named('in', 'eq', 'any'),
  named('not_in', 'not_eq', 'all'),
  named('eq_or_null', 'eq', 'one', true),
  named('not_eq_or_null', 'not_eq', 'one', true),
  named('in_or_null', 'eq', 'any', true),
  named('not_in_or_null', 'not_eq', 'all', true),
]);

function named(name: string, operator: string, quantity: Quantity, orNull = false): [string, Predicate] {
  return [name, { operator: OPERATORS[operator] as Operator, quantity, orNull }];
}

/** Every predicate by name, the longest first: the name at the end of a filter's key is the first that fits. */
export const PREDICATE_NAMES: readonly string[] = [...PREDICATES.keys()].sort(
  (left, right) => right.length - left.length,
);

/** Makes the test of a predicate; undefined where the operand cannot be read as the attribute's kind. */
export function predicateTest(name: string, kind: Kind, operand: string): Test | undefined {
  const { operator, quantity, orNull } = PREDICATES.get(name) as Predicate;
  const operands = quantity === 'one' ? [operand] : operand.split(',');
  const tests: Test[] = [];
  for (const item of operands) {
    const test = operator(kind, item);
    if (test === undefined) return undefined;
    tests.push(test);
  }
  const isMet: Test =
    quantity === 'all'
      ? (value) => tests.every((test) => test(value))
      : (value) => tests.some((test) => test(value));
  return orNull ? (value) => value === null || isMet(value) : isMet;
}

/** Compares by the attribute's kind: instants in time, the rest by the code units of their text. */
function comparing(isWanted: (order: number) => boolean): Operator {
  return (kind, operand) => {
    const wanted = READ[kind](operand);
    if (wanted === undefined) return undefined;
    return (value) => {
      if (value === null) return false;
      const got = kind === 'json' ? canonicalize(value) : (value as string | number | boolean);
      return isWanted(got < wanted ? -1 : got > wanted ? 1 : 0);
    };
  };
}

/** An operand as values of a kind compare with it; undefined where it cannot be read. */
const READ: Record<Kind, (operand: string) => string | number | boolean | undefined> = {
  text: (operand) => operand,
  instant: instantOf,
  json: canonicalOf,
  number: (operand) => (/^-?\d+(\.\d+)?$/.test(operand) ? Number(operand) : undefined),
  boolean: booleanOf,
};

/** Looks at the text of a value; case makes no difference. */
function matching(
  make: (operand: string) => (text: string) => boolean,
  maxLength = Number.POSITIVE_INFINITY,
): Operator {
  return (kind, operand) => {
    if (operand.length > maxLength) return undefined;
    const isMet = make(operand.toLowerCase());
    return (value) => value !== null && isMet(textOf(kind, value).toLowerCase());
  };
}

function negated(name: string): Operator {
  return (kind, operand) => {
    const test = (OPERATORS[name] as Operator)(kind, operand);
    return test && ((value) => value !== null && !test(value));
  };
}

/** The operand says whether the answer is to be yes or no. */
function asking(isIt: Test): Operator {
  return (_kind, operand) => {
    const wanted = booleanOf(operand);
    return wanted === undefined ? undefined : (value) => isIt(value) === wanted;
  };
}

/** `true` and `false` compare, so that an absent value is neither equal nor unequal. */
function equalling(text: string): Operator {
  return (kind, operand) => {
    const wanted = booleanOf(operand);
    if (wanted === undefined) return undefined;
    return (value) => value !== null && (textOf(kind, value) === text) === wanted;
  };
}

function containing(kind: Kind, operand: string): Test | undefined {
  const part = jsonOf(operand);
  if (part === undefined) return undefined;
  return (value) => value !== null && contains(kind === 'json' ? value : textOf(kind, value), part);
}

/** Containment as PostgreSQL's `@>` has it. */
function contains(whole: Json, part: Json): boolean {
  if (Array.isArray(whole)) {
    if (Array.isArray(part))
      return part.every((item) => whole.some((candidate) => isWithin(candidate, item)));
    return whole.some((item) => typeof part !== 'object' && isEqual(item, part));
  }
  return isWithin(whole, part);
}

function isWithin(whole: Json, part: Json): boolean {
  if (whole === null || part === null || typeof whole !== 'object' || typeof part !== 'object')
    return whole === part;
  if (Array.isArray(whole) || Array.isArray(part)) {
    return Array.isArray(whole) && Array.isArray(part) && contains(whole, part);
  }
  return Object.keys(part).every(
    (key) => Object.hasOwn(whole, key) && isWithin(whole[key] as Json, part[key] as Json),
  );
}

function textOf(kind: Kind, value: Json): string {
  if (kind === 'instant') return formatInstant(value as number);
  return kind === 'json' ? canonicalize(value) : String(value);
}

/** An instant, or a day, which begins at midnight UTC; undefined where the text is neither. */
export function instantOf(text: string): number | undefined {
  return parseInstant(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
}

/** JSON in its canonical form; what is no JSON compares as it is. */
function canonicalOf(text: string): string {
  const value = jsonOf(text);
  return value === undefined ? text : canonicalize(value);
}

function jsonOf(text: string): Json | undefined {
  try {
    return parseJson(Buffer.from(text));
  } catch {
    return undefined;
  }
}

const BOOLEANS: Record<string, boolean> = { true: true, t: true, 1: true, false: false, f: false, 0: false };

function booleanOf(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return Object.hasOwn(BOOLEANS, lower) ? BOOLEANS[lower] : undefined;
}
