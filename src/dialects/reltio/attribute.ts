// Attributes as filters name them, and whether a change touched one. A state keeps its attributes under
// `attributes`, as Reltio does, or as its own members.

import type { State } from '../../core/entry.ts';
import { isEqual, type Json } from '../../core/json.ts';
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

function named(entityType: string | undefined, names: string[] = [], isDelta: boolean): Attribute | undefined {
  if (names.some((name) => name === '' || name.includes('/'))) return undefined;
  return { entityType, names, needsBoth: isDelta || names.length === 0 };
}

/** Does its value differ, under `attributes` or among the state's own members? */
export function differs({ names, needsBoth }: Attribute, before: State, after: State): boolean {
  if (needsBoth && (before === null || after === null)) return false;
  if (names.length === 0) return !isEqual(attributesOf(before), attributesOf(after));
  return [names, ['attributes', ...names]].some(
    (path) => !isEqual(valuesAt(before, path), valuesAt(after, path)),
  );
}

/** The state's own `attributes` object if it has one, else the state. */
export function attributesOf<Some extends State>(state: Some): State {
  const attributes = memberOf(state, 'attributes');
  return isObject(attributes) ? attributes : state;
}

/** The values at a path, looked up through arrays and `value` members. */
function valuesAt(value: Json | undefined, path: string[]): Json[] {
  const [name, ...rest] = path;
  if (value === undefined) return [];
  if (name === undefined) return [value];
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  if (!isObject(value)) return [];
  if (Object.hasOwn(value, name)) return valuesAt(value[name], rest);
  return valuesAt(memberOf(value, 'value'), path);
}

function memberOf(value: Json, name: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
