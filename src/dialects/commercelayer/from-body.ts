// From a document to what a caller wants a resource to be (JSON:API 1.0, section 7).

import type { Json, JsonObject } from '../../core/json.ts';
import type { Declaration } from '../../directory/declaration.ts';
import type { Input } from '../../directory/validate.ts';
import { WireError } from './errors.ts';

const MEMBERS = ['type', 'id', 'attributes', 'relationships', 'links', 'meta'];

/**
 * @param id of the resource in the path; undefined where it is to be made, or is the caller's own
 * @throws WireError
 */
export function inputOf(declaration: Declaration, body: unknown, id: string | undefined): Input {
  const data = objectAt(objectAt(body, '')?.data, '/data');
  if (data === undefined)
    throw new WireError('BAD_REQUEST', 'The body must be an object with the member data.');
  const unknown = Object.keys(data).find((member) => !MEMBERS.includes(member));
  if (unknown !== undefined)
    throw new WireError('BAD_REQUEST', `data has no member ${unknown.slice(0, 80)}.`, { pointer: `/data` });
  checkType(declaration, data.type ?? null);
  checkId(declaration, data.id ?? null, id);
  return {
    attributes: objectAt(data.attributes, '/data/attributes') ?? {},
    relationships: relationshipsOf(declaration, data.relationships),
  };
}

function checkType({ type }: Declaration, got: Json): void {
  if (got === type) return;
  const shown = typeof got === 'string' ? got.slice(0, 80) : JSON.stringify(got).slice(0, 80);
  throw new WireError(
    'TYPE_MISMATCH',
    `${shown} is not a valid type for this operation: it must be ${type}.`,
    {
      pointer: '/data/type',
    },
  );
}

function checkId({ isSingleton }: Declaration, got: Json, id: string | undefined): void {
  if (got === null || isSingleton || got === id) return;
  if (id === undefined)
    throw new WireError('PARAM_NOT_ALLOWED', 'id is not allowed: Annals gives it.', { pointer: '/data/id' });
  throw new WireError(
    'KEY_NOT_INCLUDED_IN_URL',
    `The URL does not support the key ${String(got).slice(0, 80)}`,
    { pointer: '/data/id' },
  );
}

function relationshipsOf(declaration: Declaration, given: Json | undefined): Input['relationships'] {
  const relationships: Record<string, string | null | readonly string[]> = {};
  for (const [name, value] of Object.entries(objectAt(given, '/data/relationships') ?? {})) {
    const pointer = `/data/relationships/${name}`;
    const declared = Object.hasOwn(declaration.relationships, name)
      ? declaration.relationships[name]
      : undefined;
    if (declared === undefined)
      throw new WireError('PARAM_NOT_ALLOWED', `${name.slice(0, 80)} is not allowed.`, { pointer });
    const data = objectAt(value, pointer)?.data;
    if (data === undefined)
      throw new WireError('BAD_REQUEST', `${name} must have the member data.`, { pointer });
    const idAt = (item: Json): string => identified(item, declared.to, `${pointer}/data`);
    relationships[name] = data === null ? null : Array.isArray(data) ? data.map(idAt) : idAt(data);
  }
  return relationships;
}

/** The id of a resource identifier. */
function identified(item: Json, type: string, pointer: string): string {
  const identifier = objectAt(item, pointer) ?? {};
  if (identifier.type !== type) {
    const got = String(identifier.type).slice(0, 80);
    throw new WireError('TYPE_MISMATCH', `${got} is not a valid type here: it must be ${type}.`, { pointer });
  }
  if (typeof identifier.id === 'string') return identifier.id;
  throw new WireError('BAD_REQUEST', 'A resource identifier must have an id, a string.', { pointer });
}

/** The object at a place of the body; undefined where there is nothing. */
function objectAt(value: unknown, pointer: string): JsonObject | undefined {
  if (value === undefined) return undefined;
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as JsonObject;
  throw new WireError('BAD_REQUEST', `${pointer === '' ? 'The body' : pointer.slice(1)} must be an object.`, {
    pointer,
  });
}
