// Patches of a value: JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396). Neither changes what it is
// given, and a patch that fails leaves nothing behind.

import { AnnalsError } from './errors.ts';
import { canonicalize, isEqual, type Json, type JsonObject } from './json.ts';
import { parsePointer } from './pointer.ts';

/** One operation of a JSON Patch; paths are JSON Pointers (RFC 6901). */
export type PatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: Json }
  | { op: 'remove'; path: string }
  | { op: 'move' | 'copy'; from: string; path: string };

/** How many operations a patch from the wire may have. */
export const MAX_OPERATIONS = 1000;

/** How much the `copy` operations of one patch may copy together, in characters of JSON text, roughly. */
export const MAX_COPIED = 4 * 1024 * 1024;

/** How deep a value may become while it is patched; far above what a state may be, far below what recursion bears. */
const MAX_DEPTH = 1000;

/**
 * Reads a JSON Patch from the wire: checks the form of every operation, and drops members that
 * RFC 6902 does not define (section 4). Throws `invalid_field`, with the pointer into the patch.
 */
export function parsePatch(value: Json): PatchOperation[] {
  if (!Array.isArray(value)) throw invalid('', 'an array of operations', kindOf(value));
  if (value.length > MAX_OPERATIONS) {
    const facts = { field: '', limit: MAX_OPERATIONS, got: value.length };
    throw new AnnalsError(
      'invalid_field',
      `a patch has at most ${facts.limit} operations, got ${facts.got}`,
      facts,
    );
  }
  return value.map((item, index) => parseOperation(item, `/${index}`));
}

/**
 * Applies a JSON Patch (RFC 6902), all of it or nothing; removing the whole value leaves null. Throws
 * `patch_failed`, with the pointer to the path or value in the patch that could not be met.
 */
export function applyPatch(state: Json, operations: readonly PatchOperation[]): Json {
  const target: Target = { holder: { whole: cloneOf(state) }, copied: 0 };
  for (const [index, operation] of operations.entries()) apply(target, operation, `/${index}`);
  const patched = target.holder.whole ?? null;
  weightOf(patched); // Refuses what became too deep.
  return patched;
}

/** Applies a JSON Merge Patch (RFC 7396, section 2). The answer shares the parts that it takes from either. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key] as Json;
    if (value === null) delete merged[key];
    else setMember(merged, key, mergePatch(memberOf(merged, key) ?? null, value));
  }
  return merged;
}

function parseOperation(item: Json, field: string): PatchOperation {
  if (!isObject(item)) throw invalid(field, 'an operation, which is an object', kindOf(item));
  const { op } = item;
  switch (op) {
    case 'add':
    case 'replace':
    case 'test':
      return { op, path: pointerIn(item, 'path', field), value: valueIn(item, field) };
    case 'remove':
      return { op, path: pointerIn(item, 'path', field) };
    case 'move':
    case 'copy':
      return { op, from: pointerIn(item, 'from', field), path: pointerIn(item, 'path', field) };
    default:
      throw invalid(
        `${field}/op`,
        'add, remove, replace, move, copy or test',
        typeof op === 'string' ? excerpt(op) : kindOf(op),
      );
  }
}

function pointerIn(item: JsonObject, name: 'path' | 'from', field: string): string {
  const text = item[name];
  if (typeof text !== 'string') throw invalid(`${field}/${name}`, 'a JSON Pointer', kindOf(text));
  if (parsePointer(text) === undefined) throw invalid(`${field}/${name}`, 'a JSON Pointer', excerpt(text));
  return text;
}

function valueIn(item: JsonObject, field: string): Json {
  const { value } = item;
  if (value === undefined) throw invalid(`${field}/value`, 'a value', kindOf(value));
  return value;
}

/** A value being patched. It hangs in a holder, so that the whole of it is a member like any other. */
interface Target {
  holder: JsonObject;
  /** The weight of all that was copied so far. */
  copied: number;
}

/** A location that an operation names, and where in the patch it does so: `/0/path`. */
interface Location {
  pointer: string;
  field: string;
}

/** A location found: the array or object that has it, or would have it. */
interface Place {
  parent: Json[] | JsonObject;
  token: string;
}

function apply(target: Target, operation: PatchOperation, field: string): void {
  const path = { pointer: operation.path, field: `${field}/path` };
  switch (operation.op) {
    case 'add':
      insert(target, path, cloneOf(operation.value));
      break;
    case 'remove':
      take(target, path);
      break;
    case 'replace':
      replace(target, path, cloneOf(operation.value));
      break;
    case 'move':
      if (operation.path.startsWith(`${operation.from}/`)) {
        throw failure(path.field, 'a location outside of the value that is moved', excerpt(operation.path));
      }
      insert(target, path, take(target, { pointer: operation.from, field: `${field}/from` }));
      break;
    case 'copy': {
      const { value } = find(target, { pointer: operation.from, field: `${field}/from` });
      target.copied += weightOf(value);
      if (target.copied > MAX_COPIED) {
        throw failure(`${field}/from`, `at most ${MAX_COPIED} characters copied by one patch`, 'more');
      }
      insert(target, path, cloneOf(value));
      break;
    }
    case 'test': {
      const { value } = find(target, path);
      if (isEqual(value, operation.value)) return;
      // The value itself is not told: who may write it need not be one who may read it.
      throw failure(
        `${field}/value`,
        excerpt(canonicalize(operation.value)),
        `${kindOf(value)} that differs`,
      );
    }
  }
}

function insert(target: Target, location: Location, value: Json): void {
  const { parent, token } = locate(target, location);
  if (!Array.isArray(parent)) {
    setMember(parent, token, value);
    return;
  }
  const index = token === '-' ? parent.length : indexOf(token);
  if (index === undefined || index > parent.length) {
    throw failure(location.field, `an index from 0 to ${parent.length}, or -`, excerpt(location.pointer));
  }
  parent.splice(index, 0, value);
}

function replace(target: Target, location: Location, value: Json): void {
  const { parent, token } = find(target, location);
  if (Array.isArray(parent)) parent[Number(token)] = value;
  else setMember(parent, token, value);
}

function take(target: Target, location: Location): Json {
  const { parent, token, value } = find(target, location);
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else delete parent[token];
  return value;
}

/** The place of a value that must exist, and the value. */
function find(target: Target, location: Location): Place & { value: Json } {
  const place = locate(target, location);
  const value = childOf(place);
  if (value === undefined) throw missing(location);
  return { ...place, value };
}

function locate(target: Target, location: Location): Place {
  const tokens = parsePointer(location.pointer);
  if (tokens === undefined) throw failure(location.field, 'a JSON Pointer', excerpt(location.pointer));
  let place: Place = { parent: target.holder, token: 'whole' };
  for (const token of tokens) {
    const parent = childOf(place);
    if (typeof parent !== 'object' || parent === null) throw missing(location);
    place = { parent, token };
  }
  return place;
}

function childOf({ parent, token }: Place): Json | undefined {
  if (!Array.isArray(parent)) return memberOf(parent, token);
  const index = indexOf(token);
  return index === undefined ? undefined : parent[index];
}

/** An array index as RFC 6901 (section 4) writes it: digits, without a leading zero. */
function indexOf(token: string): number | undefined {
  return /^(?:0|[1-9]\d*)$/.test(token) ? Number(token) : undefined;
}

function memberOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Assigning to `__proto__` would set the prototype, and no member. */
function setMember(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function cloneOf(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(cloneOf);
  const clone = { ...value };
  for (const key of Object.keys(clone)) clone[key] = cloneOf(clone[key] as Json);
  return clone;
}

/** About how many characters of JSON text a value takes. Throws `too_deep` where recursion might not bear it. */
function weightOf(value: Json, depth = MAX_DEPTH): number {
  if (typeof value === 'string') return value.length + 2;
  if (value === null || typeof value !== 'object') return 4;
  if (depth === 0) {
    throw new AnnalsError('too_deep', `the patched value has more than ${MAX_DEPTH} levels`, {
      limit: MAX_DEPTH,
    });
  }
  let weight = 2;
  if (Array.isArray(value)) {
    for (const item of value) weight += 1 + weightOf(item, depth - 1);
  } else {
    for (const key of Object.keys(value)) weight += key.length + 4 + weightOf(value[key] as Json, depth - 1);
  }
  return weight;
}

function missing(location: Location): AnnalsError {
  return failure(location.field, 'an existing location', excerpt(location.pointer));
}

function failure(field: string, wanted: string, got: string): AnnalsError {
  return new AnnalsError('patch_failed', `patch failed at ${field}: wanted ${wanted}, got ${got}`, {
    field,
    limit: wanted,
    got,
  });
}

function invalid(field: string, wanted: string, got: string): AnnalsError {
  return new AnnalsError('invalid_field', `invalid patch at '${field}': wanted ${wanted}, got ${got}`, {
    field,
    limit: wanted,
    got,
  });
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function excerpt(text: string): string {
  return text.length <= 100 ? `'${text}'` : `'${text.slice(0, 100).toWellFormed()}…'`;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
