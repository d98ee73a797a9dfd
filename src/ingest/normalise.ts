// From the wire to a change: checked, and in the one form in which Annals keeps it. What passes the
// compiled check pays for nothing else; only what fails is looked at again for the reason.

import { isIP } from 'node:net';
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import Format from 'typebox/format';
import type { Actor, Change, ResourceRef } from '../core/entry.ts';
import { AnnalsError } from '../core/errors.ts';
import { type Instant, parseInstant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { joinPointer } from '../core/pointer.ts';
import { ActorWire, ChangeWire, ContextWire, ResourceRefWire, StateWire } from './change-schema.ts';
import { CHANGE_BYTES, STATE_LEVELS, shorten } from './limits.ts';
import { reasonOf, refused } from './refusal.ts';

// What a schema calls an instant is what is read as one. TypeBox's own reading takes others, and is slower.
Format.Set('date-time', (text) => parseInstant(text) !== undefined);

/** What a change takes where the caller says nothing. */
export interface Given {
  /** A fresh id, in lower case. */
  id(): string;
  actor: Actor;
}

/**
 * A change from the wire. Its parts are those of `value`, not copies. The caller has measured it before:
 * by the bytes of its line or body, or with `checkChangeSize`.
 * @throws AnnalsError `invalid_field`, `unknown_field` or `too_deep`
 */
export function normaliseChange(value: Json, given: Given): Change {
  const wire = normaliseBody(ChangeWire, value, '', 'the change');
  checkStates(wire);
  const { resource, action, context, metadata } = wire;
  const change: Change = {
    id: wire.id?.toLowerCase() ?? given.id(),
    resource,
    action,
    actor: wire.actor ?? given.actor,
  };
  if (wire.occurredAt !== undefined) change.occurredAt = parseInstant(wire.occurredAt) as Instant;
  if (wire.event !== undefined) change.event = wire.event;
  const related = wire.related === undefined ? [] : relatedOf(resource, wire.related);
  if (related.length > 0) change.related = related;
  // Null says that there was no state; absent, that the caller leaves it to the log.
  if (wire.before !== undefined && action !== 'access') change.before = wire.before;
  if (wire.after !== undefined && wire.after !== null) change.after = wire.after;
  if (context !== undefined) change.context = canonicalContext(context as JsonObject, '/context');
  if (metadata !== undefined) change.metadata = metadata;
  return change;
}

/**
 * A whole state, such as the body of a PUT or the outcome of a patch.
 * @param pointer where it stands, for errors: a JSON Pointer, or the name of a header or parameter
 */
export function normaliseState(value: Json, pointer: string): JsonObject {
  const state = normaliseBody(StateWire, value, pointer, 'the state');
  checkLevels(state, pointer);
  return state;
}

export function normaliseActor(value: Json, pointer: string): Actor {
  return normaliseBody(ActorWire, value, pointer, 'the actor');
}

export function normaliseRef(value: Json, pointer: string): ResourceRef {
  return normaliseBody(ResourceRefWire, value, pointer, 'the resource');
}

export function normaliseContext(value: Json, pointer: string): JsonObject {
  return canonicalContext(normaliseBody(ContextWire, value, pointer, 'the context') as JsonObject, pointer);
}

/**
 * The address as Annals keeps it and looks for it: IPv6 in canonical form (RFC 5952), an IPv4-mapped one
 * as IPv4, without a zone, which means something on one host only. Undefined where it is no address.
 */
export function normaliseIp(text: string): string | undefined {
  const family = isIP(text);
  if (family !== 6) return family === 4 ? text : undefined;
  const address = text.split('%', 1)[0];
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  return mapped
    .slice(1)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
    .join('.');
}

/**
 * Measures a change that came in an array, or a state that a patch made: not needed where the whole body
 * is no larger than a change may be. The JSON text has as many bytes as the canonical text.
 * @throws AnnalsError `too_large`
 */
export function checkChangeSize(value: Json): void {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > CHANGE_BYTES) throw changeTooLarge(bytes);
}

/** @param bytes as far as they were counted */
export function changeTooLarge(bytes: number): AnnalsError {
  const facts = { field: '', limit: CHANGE_BYTES, got: bytes };
  return new AnnalsError(
    'too_large',
    `the change must have at most ${CHANGE_BYTES} bytes; got ${bytes}`,
    facts,
  );
}

const validators = new WeakMap<TSchema, Validator>();

/**
 * Checks a value against a closed schema, and words what is wrong with it.
 * @param whole how to call the value itself where the pointer is empty
 * @throws AnnalsError `invalid_field` or `unknown_field`
 */
export function normaliseBody<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  pointer = '',
  whole = 'the body',
): Static<Schema> {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(schema) as unknown as Validator;
    validators.set(schema, validator);
  }
  if (validator.Check(value)) return value as Static<Schema>;
  throw reasonOf(schema, validator.Errors(value), value, { pointer, whole });
}

function checkStates({ action, before, after }: ChangeWire): void {
  if (action === 'create' || action === 'update') {
    if (after === undefined || after === null) throw refused('/after', `an object on ${action}`, after);
  } else if (after !== undefined && after !== null) {
    throw refused('/after', `absent or null on ${action}`, after);
  }
  if (action === 'access' && before !== undefined && before !== null) {
    throw refused('/before', 'absent or null on access', before);
  }
  if (before !== undefined) checkLevels(before, '/before');
  if (after !== undefined) checkLevels(after, '/after');
}

function checkLevels(state: Json, pointer: string): void {
  if (!isDeeper(state, STATE_LEVELS)) return;
  const field = shorten(pointer);
  const message = `${field || 'the state'} must be at most ${STATE_LEVELS} levels deep; got ${levelsOf(state)}`;
  throw new AnnalsError('too_deep', message, { field, limit: STATE_LEVELS, got: levelsOf(state) });
}

/** Has it more levels of objects and arrays? Never goes deeper than the limit itself. */
export function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++)
      if (isDeeper(value[index] as Json, levels - 1)) return true;
  } else {
    for (const key in value) if (isDeeper(value[key] as Json, levels - 1)) return true;
  }
  return false;
}

/** Level by level, because the value may be of any depth. */
function levelsOf(value: Json): number {
  let levels = 0;
  for (let level = [value].filter(isContainer); level.length > 0; levels++) {
    level = level.flatMap((container) => Object.values(container)).filter(isContainer);
  }
  return levels;
}

function isContainer(value: Json): value is Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

function relatedOf(resource: ResourceRef, refs: ResourceRef[]): ResourceRef[] {
  // A type has no slash, so that the keys of two resources are never the same.
  const seen = new Set([`${resource.type}/${resource.id}`]);
  return refs.filter(({ type, id }) => seen.size < seen.add(`${type}/${id}`).size);
}

function canonicalContext(context: JsonObject, pointer: string): JsonObject {
  const { ip: given } = context;
  if (given === undefined) return context;
  const ip = normaliseIp(given as string);
  if (ip === undefined) throw refused(joinPointer(pointer, 'ip'), 'an IPv4 or IPv6 address', given);
  return ip === given ? context : { ...context, ip };
}
