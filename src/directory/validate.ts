// What was sent against what a type's declaration says: the state that follows, or all that is wrong.

import { AnnalsError, type Fault } from '../core/errors.ts';
import { parseInstant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { normaliseState } from '../ingest/normalise.ts';
import type { Attribute, Declaration, Relationship } from './declaration.ts';
import type { DirectoryView } from './view.ts';

/** What a caller wants a resource to be. */
export interface Input {
  attributes: Readonly<Record<string, Json>>;
  /** Ids by the name of the relationship: one or null, or a list. */
  relationships: Readonly<Record<string, string | null | readonly string[]>>;
}

export type Use = 'create' | 'update';

/** The most characters of a text, in Unicode code points. */
const MOST_TEXT = 1_000;

/** @throws AnnalsError `unknown_field` where a name is not one that may be given */
export function checkNames(declaration: Declaration, input: Input, use: Use): void {
  const isGiven = ({ isCreatable, isUpdatable }: Attribute | Relationship): boolean =>
    use === 'create' ? isCreatable : isUpdatable;
  for (const at of ['attributes', 'relationships'] as const) {
    const declared: Readonly<Record<string, Attribute | Relationship>> = declaration[at];
    for (const name of Object.keys(input[at])) {
      const known = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (known !== undefined && isGiven(known)) continue;
      const why = known === undefined ? 'is unknown' : `cannot be given on ${use}`;
      throw new AnnalsError('unknown_field', `${name} ${why}: ${declaration.type} has no such field there`, {
        field: `/data/${at}/${name}`,
        got: name,
      });
    }
  }
}

/** What is wrong with the attributes that were given, and with those that are missing. */
export function attributeFaults(declaration: Declaration, input: Input, use: Use): Fault[] {
  return Object.entries(declaration.attributes).flatMap(([name, attribute]) => {
    const isGiven = Object.hasOwn(input.attributes, name);
    if (!isGiven && !(use === 'create' && attribute.isRequired)) return [];
    const fault = faultOf(attribute, input.attributes[name] ?? null);
    return fault === undefined ? [] : [{ at: 'attributes' as const, name, ...fault }];
  });
}

type Wrong = Omit<Fault, 'at' | 'name'>;

function faultOf(attribute: Attribute, value: Json): Wrong | undefined {
  const { isRequired, isNullable, kind, values } = attribute;
  if (value === null || (isRequired && typeof value === 'string' && value.trim() === '')) {
    return isRequired || !(isNullable || attribute.isTrigger)
      ? { error: 'blank', message: "can't be blank" }
      : undefined;
  }
  if (!isOfKind(kind, value)) return { error: 'invalid', message: `must be ${WANTED[kind]}` };
  if (values !== undefined && !values.includes(value as string)) {
    return {
      error: 'inclusion',
      message: `is not included in the list: ${values.join(', ')}`,
      value: value as string,
    };
  }
  if (typeof value === 'number') return rangeFault(attribute, value);
  if (typeof value !== 'string' || [...value].length <= MOST_TEXT) return undefined;
  return {
    error: 'too_long',
    message: `is too long (maximum is ${MOST_TEXT} characters, got ${[...value].length})`,
    count: MOST_TEXT,
  };
}

function rangeFault({ min, max }: Attribute, value: number): Wrong | undefined {
  if (min !== undefined && value < min) {
    return {
      error: 'greater_than_or_equal_to',
      message: `must be greater than or equal to ${min}`,
      count: min,
      value,
    };
  }
  if (max !== undefined && value > max) {
    return {
      error: 'less_than_or_equal_to',
      message: `must be less than or equal to ${max}`,
      count: max,
      value,
    };
  }
  return undefined;
}

const WANTED: Record<Attribute['kind'], string> = {
  string: 'a string',
  integer: 'an integer',
  float: 'a number',
  boolean: 'true or false',
  object: 'an object',
  datetime: 'an RFC 3339 instant',
};

function isOfKind(kind: Attribute['kind'], value: Json): boolean {
  switch (kind) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'float':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'object':
      return typeof value === 'object' && !Array.isArray(value);
    case 'datetime':
      return typeof value === 'string' && parseInstant(value) !== undefined;
  }
}

/** What is wrong with the relationships: a target that is missing, or is not there. */
export function relationshipFaults(
  declaration: Declaration,
  view: DirectoryView,
  input: Input,
  use: Use,
): Fault[] {
  const faults: Fault[] = [];
  for (const [name, relationship] of Object.entries(declaration.relationships)) {
    const isGiven = Object.hasOwn(input.relationships, name);
    const given = input.relationships[name] ?? null;
    const fault = (error: string, message: string): Fault => ({ at: 'relationships', name, error, message });
    if (!isGiven && !(use === 'create' && relationship.isRequired && relationship.isCreatable)) continue;
    if (given === null) {
      if (relationship.isRequired) faults.push(fault('blank', "can't be blank"));
    } else if (Array.isArray(given) !== relationship.isMany) {
      faults.push(
        fault('invalid', `must be ${relationship.isMany ? 'a list of resources' : 'one resource'}`),
      );
    } else if (relationship.key !== undefined || relationship.isMany) {
      const ids: readonly string[] = typeof given === 'string' ? [given] : given;
      if (!ids.every((id) => view.get(relationship.to, id) !== undefined)) {
        faults.push(fault('required', 'must exist'));
      }
    }
  }
  return faults;
}

/** @throws AnnalsError `invalid_resource` where there are faults */
export function refuseFaults(type: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const sentences = faults.map(({ name, message }) => `${name} ${message}`);
  throw new AnnalsError('invalid_resource', `${type}: ${sentences.join('; ')}`, {
    field: `/data/${faults[0]?.at}/${faults[0]?.name}`,
    faults: [...faults],
  });
}

/** A state with what was given put in; null takes a member out, and triggers are kept nowhere. */
export function withInput(declaration: Declaration, state: JsonObject, input: Input): JsonObject {
  const next: JsonObject = { ...state };
  const put = (member: string, value: Json): void => {
    if (value === null) delete next[member];
    else next[member] = value;
  };
  for (const [name, value] of Object.entries(input.attributes)) {
    if (declaration.attributes[name]?.isTrigger === false) put(name, value);
  }
  for (const [name, value] of Object.entries(input.relationships)) {
    const key = declaration.relationships[name]?.key;
    if (key !== undefined) put(key, value as string | null);
  }
  return normaliseState(next, '/data/attributes') as JsonObject;
}
