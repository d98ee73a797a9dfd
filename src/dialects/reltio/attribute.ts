// Attributes as filters name them, and whether a change touched one. A state keeps its attributes under
// `attributes`, as Reltio does, or as its own members.

import type { State } from '../../core/entry.ts';
import { isEqual, type Json, type JsonObject } from '../../core/json.ts';
import { TYPE_URI } from './wire.ts';

export interface Attribute {
  /** The resource type; undefined: any. */
  entityType: string | undefined;
  /** From the outermost attribute to the one that is meant; none: all attributes. */
  names: string[];
  /** Only where there were a state before and a state after. */
  needsBoth: boolean;
}

/**
 * Reads `configuration/entityTypes/{Type}/attributes/{Name}`, where a nested attribute repeats
 * `/attributes/{Name}`; `attributes.{Name}`, of any type; and either without a name. As for Reltio, the
 * forms without a name, and those that begin with `delta.`, leave out creations and removals.
 */
export function attributeOf(text: string): Attribute | undefined {
  const byUri = text.startsWith(TYPE_URI)
    ? /^([^/]+)\/attributes(?:\/(.+))?$/s.exec(text.slice(TYPE_URI.length))
    : null;
  if (byUri !== null) return named(byUri[1], byUri[2]?.split('/attributes/'), false);
  const dotted = /^(delta\.)?attributes(?:\.(.+))?$/s.exec(text);
  return dotted === null ? undefined : named(undefined, dotted[2]?.split('.'), dotted[1] !== undefined);
}

function named(
  entityType: string | undefined,
  names: string[] = [],
  isDelta: boolean,
): Attribute | undefined {
  if (names.some((name) => name === '' || name.includes('/'))) return undefined;
  return { entityType, names, needsBoth: isDelta || names.length === 0 };
}

/** Does its value differ, under `attributes` or among the state's own members? */
export function differs({ names, needsBoth }: Attribute, before: State, after: State): boolean {
  if (needsBoth && (before === null || after === null)) return false;
  const [name, ...nested] = names;
  if (name === undefined) return !isEqual(attributesOf(before), attributesOf(after));
  const valuesIn = (holder: Json | undefined): Json[] => valuesAt(memberOf(holder, name), nested);
  return (
    !isEqual(valuesIn(before), valuesIn(after)) ||
    !isEqual(valuesIn(memberOf(before, 'attributes')), valuesIn(memberOf(after, 'attributes')))
  );
}

/** The state's own `attributes` object if it has one, else the state. */
export function attributesOf<Some extends State>(state: Some): Some | JsonObject {
  const attributes = memberOf(state, 'attributes');
  return isObject(attributes) ? attributes : state;
}

/** The values of a nested attribute, looked up through arrays and `value` members. */
function valuesAt(value: Json | undefined, names: string[]): Json[] {
  const [name, ...nested] = names;
  if (value === undefined) return [];
  if (name === undefined) return [value];
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, names));
  const member = memberOf(value, name);
  return member === undefined ? valuesAt(memberOf(value, 'value'), names) : valuesAt(member, nested);
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
