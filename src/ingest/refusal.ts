// Why a value from the wire was refused, in words: the field, what was wanted, what was got.

import type { TSchema } from 'typebox';
import type { TLocalizedValidationError } from 'typebox/error';
import { AnnalsError } from '../core/errors.ts';
import { joinPointer, parsePointer } from '../core/pointer.ts';
import { NO_SLASH } from './change-schema.ts';
import { abbreviate, shorten } from './limits.ts';

export const INSTANT = 'an RFC 3339 instant between 1684 and 2255';

/** What is read of a schema to word an error. */
interface Facet {
  type?: string;
  enum?: string[];
  anyOf?: Facet[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Facet>;
}

/** The first error, unless a field is unknown: then another may well be missing because of a typo. */
export function reasonOf(
  schema: TSchema,
  errors: TLocalizedValidationError[],
  value: unknown,
  { pointer, whole }: { pointer: string; whole: string },
): AnnalsError {
  const unknown = errors.find((error) => error.schemaPath.endsWith('/additionalProperties'));
  if (unknown !== undefined) {
    const parent = facetAt(schema, unknown.schemaPath.replace(/\/additionalProperties$/, ''));
    return unknownField(
      pointer,
      parsePointer(unknown.instancePath) ?? [],
      Object.keys(parent.properties ?? {}),
    );
  }
  const error = errors[0] as TLocalizedValidationError;
  const missing = error.keyword === 'required' ? error.params.requiredProperties.slice(0, 1) : [];
  // One alternative failed, so all did: the message names them all.
  const path = [error.schemaPath.replace(/\/anyOf\/.*$/, ''), ...missing.map((name) => `properties/${name}`)];
  const wanted = wantedBy(facetAt(schema, path.join('/'))) ?? error.message.replace(/^must (?:be )?/, '');
  const tokens = [...(parsePointer(error.instancePath) ?? []), ...missing];
  const got = tokens.reduce(memberOf, value);
  return refused(tokens.reduce(joinPointer, pointer), wanted, got, { whole, ...measured(error, got) });
}

function facetAt(schema: TSchema, schemaPath: string): Facet {
  return schemaPath.split('/').slice(1).reduce(memberOf, schema) as Facet;
}

function memberOf(value: unknown, token: string): unknown {
  return (value as Record<string, unknown>)[token];
}

/** Where a count was wrong, the count and its unit. */
function measured(error: TLocalizedValidationError, got: unknown): Partial<Measure> {
  if (error.keyword === 'minLength' || error.keyword === 'maxLength') {
    return { limit: error.params.limit, count: [...(got as string)].length, unit: 'character' };
  }
  if (error.keyword === 'minItems' || error.keyword === 'maxItems') {
    return { limit: error.params.limit, count: (got as unknown[]).length, unit: 'item' };
  }
  return {};
}

function wantedBy(facet: Facet): string | undefined {
  if (facet.enum !== undefined) return listed(facet.enum);
  if (facet.anyOf !== undefined) return listed(facet.anyOf.map((one) => wantedBy(one) ?? 'another value'));
  switch (facet.type) {
    case 'string':
      return wantedText(facet);
    case 'array':
      return `an array${countOf(facet.minItems, facet.maxItems, 'item')}`;
    case 'object':
      return 'an object';
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    default:
      return undefined;
  }
}

function wantedText({ format, minLength, maxLength, pattern }: Facet): string {
  if (format === 'uuid') return 'a UUID';
  if (format === 'date-time') return INSTANT;
  const length = countOf(minLength, maxLength, 'character');
  const form =
    pattern === undefined ? '' : pattern === NO_SLASH ? ' without a slash' : ` that matches ${pattern}`;
  return `a string${length && `${length} (Unicode code points)`}${form}`;
}

/** ` of 1 to 200 characters` */
function countOf(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === undefined) return most === undefined ? '' : ` of at most ${most} ${unit}s`;
  return most === undefined ? ` of at least ${counted(least, unit)}` : ` of ${least} to ${most} ${unit}s`;
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** `a, b or c` */
function listed(words: string[]): string {
  return words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

interface Measure {
  limit: number;
  count: number;
  unit: string;
  whole: string;
}

export function refused(
  pointer: string,
  wanted: string,
  got: unknown,
  measure: Partial<Measure> = {},
): AnnalsError {
  const { limit = wanted, count, unit = '', whole = 'the value' } = measure;
  const field = shorten(pointer);
  const said = count === undefined ? described(got) : counted(count, unit);
  const fact = typeof got === 'string' ? abbreviate(got) : typeof got === 'number' ? got : described(got);
  const message = `${field || whole} must be ${wanted}; got ${said}`;
  return new AnnalsError('invalid_field', message, { field, limit, got: count ?? fact });
}

/** A value as a message may repeat it: never a whole object or array. */
export function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(abbreviate(value));
  if (Array.isArray(value)) return `an array of ${counted(value.length, 'item')}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function unknownField(pointer: string, tokens: string[], known: string[]): AnnalsError {
  const name = abbreviate(tokens.at(-1) ?? '');
  const field = shorten([...tokens.slice(0, -1), name].reduce(joinPointer, pointer));
  const nearest = nearestOf(name, known);
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
  return new AnnalsError('unknown_field', `unknown field ${field}; ${hint}`, {
    field,
    limit: known.join(', '),
    got: name,
  });
}

/** The known name that was likely meant: at most one letter in three differs, case and separators aside. */
function nearestOf(name: string, known: string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z\d]/g, '');
  const near = known
    .map((candidate) => ({ candidate, distance: distanceOf(plain(name), plain(candidate)) }))
    .filter(({ candidate, distance }) => distance * 3 <= Math.max(plain(name).length, candidate.length))
    .sort((left, right) => left.distance - right.distance);
  return near[0]?.candidate;
}

/** How many letters must be inserted, left out, replaced or swapped with the next (optimal string alignment). */
function distanceOf(left: string, right: string): number {
  let [above, row]: [number[], number[]] = [
    [],
    Array.from({ length: right.length + 1 }, (_, index) => index),
  ];
  for (let from = 1; from <= left.length; from++) {
    const next = [from];
    for (let to = 1; to <= right.length; to++) {
      const replaced = at(row, to - 1) + (left[from - 1] === right[to - 1] ? 0 : 1);
      const isSwapped = left[from - 2] === right[to - 1] && left[from - 1] === right[to - 2];
      const swapped = from > 1 && to > 1 && isSwapped ? at(above, to - 2) + 1 : replaced;
      next.push(Math.min(at(row, to) + 1, at(next, to - 1) + 1, replaced, swapped));
    }
    [above, row] = [row, next];
  }
  return at(row, right.length);
}

function at(row: number[], index: number): number {
  return row[index] as number;
}
