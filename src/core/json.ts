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
  if (typeof value === 'string') return quote(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    let text = `[${canonicalize(value[0] as Json)}`;
    for (let index = 1; index < value.length; index++) text += `,${canonicalize(value[index] as Json)}`;
    return `${text}]`;
  }
  const keys = sortedKeys(value);
  if (keys.length === 0) return '{}';
  let text = `{${keyText(keys[0] as string)}${canonicalize(value[keys[0] as string] as Json)}`;
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index] as string;
    text += `,${keyText(key)}${canonicalize(value[key] as Json)}`;
  }
  return `${text}}`;
}

/** A member of an object as it stands in the object's canonical text. */
export function memberText(key: string, value: Json): string {
  return keyText(key) + canonicalize(value);
}

/** What JSON.stringify escapes, and surrogates, which it looks at twice. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** JSON.stringify of a string; most strings need no escape, and a look is cheaper than the call. */
function quote(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const MOST_REMEMBERED_KEYS = 4096;
const quotedKeys = new Map<string, string>();

/** A key with its quotes and colon. An application has few different keys, which are remembered. */
export function keyText(key: string): string {
  let quoted = quotedKeys.get(key);
  if (quoted === undefined) {
    quoted = `${quote(key)}:`;
    if (quotedKeys.size >= MOST_REMEMBERED_KEYS) quotedKeys.clear();
    if (key.length <= 100) quotedKeys.set(key, quoted);
  }
  return quoted;
}

/** Below this many keys, sorting by insertion is three times as fast as Array.prototype.sort. */
const FEW_KEYS = 40;

/** The keys of an object by UTF-16 code units. */
export function sortedKeys(value: JsonObject): string[] {
  const keys = Object.keys(value);
  if (keys.length > FEW_KEYS) return keys.sort();
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index] as string;
    let at = index - 1;
    for (; at >= 0 && (keys[at] as string) > key; at--) keys[at + 1] = keys[at] as string;
    keys[at + 1] = key;
  }
  return keys;
}

/** True where two JSON values have the same canonical text: key order and `-0` make no difference. */
export function isEqual(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return false;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    for (let index = 0; index < left.length; index++) {
      if (!isEqual(left[index] as Json, right[index] as Json)) return false;
    }
    return true;
  }
  if (Array.isArray(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(right, key) || !isEqual(left[key] as Json, right[key] as Json)) return false;
  }
  return true;
}
