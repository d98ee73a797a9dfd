// JSON values, and their one canonical text (RFC 8785). The canonical text is what Annals hashes,
// compares and stores, so its form is for ever.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/**
 * The canonical text of a JSON value (RFC 8785, JSON Canonicalization Scheme): members sorted by
 * UTF-16 code units, numbers as ECMAScript prints them, no white space. The value must be I-JSON:
 * finite numbers and well-formed strings, which `ingest` has checked.
 */
export function canonicalize(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) {
    let text = '[';
    for (let index = 0; index < value.length; index++) {
      if (index > 0) text += ',';
      text += canonicalize(value[index] as Json);
    }
    return `${text}]`;
  }
  const keys = Object.keys(value);
  if (!isSorted(keys)) keys.sort();
  let text = '{';
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    if (index > 0) text += ',';
    text += `${JSON.stringify(key)}:${canonicalize(value[key] as Json)}`;
  }
  return `${text}}`;
}

function isSorted(keys: string[]): boolean {
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) return false;
  }
  return true;
}

/** True where two JSON values have the same canonical text: key order and `-0` make no difference. */
export function isEqual(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return false;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => isEqual(item, right[index] as Json));
  }
  if (Array.isArray(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key] as Json, right[key] as Json));
}
