// Strict reading of JSON text: what JSON.parse would alter silently, or what some store cannot keep, is
// refused. Every write passes here, so the fast path only looks for doubts; where it has one, the text is
// inspected again, slowly, for the exact place and reason.

import { isUtf8 } from 'node:buffer';
import { AnnalsError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { parseText } from '../core/json-parse.ts';
import { joinPointer } from '../core/pointer.ts';
import { abbreviate, GOT_CHARACTERS, JSON_LEVELS, shorten } from './limits.ts';

/** Skips a byte order mark. */
const decoder = new TextDecoder();

/** A shorter text is parsed before its depth is known: JSON.parse takes milliseconds for the deepest, seconds for a body. */
const UNSCANNED_BYTES = 64 * 1024;

/**
 * Reads a request body or a line. A byte order mark at the start is skipped (RFC 8259, section 8.1), of
 * members with the same name the last is kept, and fractions are rounded to the nearest double.
 * @throws AnnalsError `invalid_text`, `malformed_json`, `number_out_of_range` or `too_deep`
 */
export function parseJson(bytes: Uint8Array): Json {
  if (!isUtf8(bytes)) throw invalidUtf8(bytes);
  const text = decoder.decode(bytes);
  if (bytes.length > UNSCANNED_BYTES && isDeep(bytes)) inspect(text);
  let value: Json;
  try {
    value = parseText(text);
  } catch (cause) {
    inspect(text);
    throw new AnnalsError('malformed_json', 'the text must be JSON', { limit: 'JSON' }, cause);
  }
  if (isDoubtful(text, doubtsIn(value, 0))) inspect(text);
  return value;
}

/** Reads a text if it is short, well formed and kept as it is by reading; else undefined, and `parseJson` says why. */
export function parseCertain(text: string): Json | undefined {
  if (text.length > UNSCANNED_BYTES) return undefined;
  let value: Json;
  try {
    value = parseText(text);
  } catch {
    return undefined;
  }
  return isDoubtful(text, doubtsIn(value, 0)) ? undefined : value;
}

/** A number that may have been altered, or a depth beyond the limit. */
const UNSURE = 1;
/** A zero: what was written may have been tiny instead. */
const ZERO = 2;

/** Only such a text has a number that is not zero but reads as zero. */
const TINY_NUMBER = /\d[eE]-\d{3}|\.0{200}/;
/** U+0000, or a surrogate that may be lone: JSON has the one, and valid UTF-8 the other, as escapes only. */
const SPECIAL_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;

function isDoubtful(text: string, doubts: number): boolean {
  if ((doubts & UNSURE) !== 0) return true;
  if ((doubts & ZERO) !== 0 && TINY_NUMBER.test(text)) return true;
  return text.includes('\\u') && SPECIAL_ESCAPE.test(text);
}

/** A set of UNSURE and ZERO. */
function doubtsIn(value: Json, level: number): number {
  if (typeof value === 'number') {
    if (value === 0) return ZERO;
    return value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER ? 0 : UNSURE;
  }
  if (typeof value !== 'object' || value === null) return 0;
  if (level === JSON_LEVELS) return UNSURE;
  let doubts = 0;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) doubts |= doubtsIn(value[index] as Json, level + 1);
  } else {
    // The objects of JSON.parse inherit nothing that could be enumerated.
    for (const key in value) doubts |= doubtsIn(value[key] as Json, level + 1);
  }
  return doubts;
}

/** Are more brackets open anywhere, outside strings, than there may be levels? */
function isDeep(bytes: Uint8Array): boolean {
  let level = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) {
      for (at++; at < bytes.length && bytes[at] !== 0x22; at++) if (bytes[at] === 0x5c) at++;
    } else if (byte === 0x5b || byte === 0x7b) {
      level++;
      if (level > JSON_LEVELS) return true;
    } else if (byte === 0x5d || byte === 0x7d) level--;
  }
  return false;
}

function invalidUtf8(bytes: Uint8Array): AnnalsError {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // What was replaced in reading differs from its source at the first byte that is wrong or missing.
  const read = Buffer.from(source.toString('utf8'));
  let at = 0;
  while (at < source.length && source[at] === read[at]) at++;
  const byte = source[at];
  const got = `${byte === undefined ? 'the end' : `0x${byte.toString(16).padStart(2, '0')}`} at byte ${at}`;
  return new AnnalsError('invalid_text', `the text must be UTF-8; got ${got}`, {
    field: '',
    limit: 'UTF-8',
    got,
  });
}

/**
 * Throws what is wrong with a text. Malformed JSON and too much depth come before what is wrong with
 * the strings and numbers of well-formed JSON; among these the first comes first.
 */
function inspect(text: string): void {
  const inspection = new Inspection(text);
  inspection.run();
  if (inspection.problem !== undefined) throw inspection.problem;
}

/** Below it canonical text writes what is beyond a safe integer as an integer (RFC 8785, section 3.2.2.3). */
const FIRST_WITH_EXPONENT = 1e21;

/** One recursive descent through a text (RFC 8259, sections 2 to 7), never deeper than JSON_LEVELS. */
class Inspection {
  problem: AnnalsError | undefined;
  readonly #text: string;
  /** In UTF-16 units. */
  #at = 0;
  /** Where the text is at: item indexes, and member names as they are written, in quotes. */
  readonly #path: (number | string)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    this.#value();
    if (this.#at < this.#text.length) throw this.#malformed('the end of the text');
  }

  /** White space, a value, white space. */
  #value(): void {
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{' || char === '[') {
      if (this.#path.length === JSON_LEVELS) throw this.#tooDeep();
      this.#at++;
      if (char === '{') this.#members();
      else this.#items();
    } else if (char === '"') {
      this.#string('value');
    } else if (char === '-' || isDigit(char)) {
      this.#number();
    } else if (!this.#skipWord('true') && !this.#skipWord('false') && !this.#skipWord('null')) {
      throw this.#malformed('a value');
    }
    this.#space();
  }

  #members(): void {
    this.#space();
    if (this.#skip('}')) return;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#malformed('a member name in double quotes');
      this.#path.push(this.#string('name'));
      this.#space();
      if (!this.#skip(':')) throw this.#malformed("':'");
      this.#value();
      this.#path.pop();
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#malformed("',' or '}'");
  }

  #items(): void {
    this.#space();
    if (this.#skip(']')) return;
    const depth = this.#path.push(0);
    do {
      this.#value();
      (this.#path[depth - 1] as number)++;
    } while (this.#skip(','));
    this.#path.pop();
    if (!this.#skip(']')) throw this.#malformed("',' or ']'");
  }

  /** Answers the string as it is written, in quotes. */
  #string(role: 'name' | 'value'): string {
    const start = this.#at++;
    let hasUnicodeEscape = false;
    for (let char = this.#text[this.#at]; char !== '"'; char = this.#text[this.#at]) {
      if (char === undefined || char < ' ')
        throw this.#malformed('a character, or a double quote at the end');
      this.#at++;
      if (char !== '\\') continue;
      if (this.#text[this.#at] === 'u') hasUnicodeEscape = true;
      this.#escape();
    }
    this.#at++;
    const written = this.#text.slice(start, this.#at);
    if (hasUnicodeEscape && this.problem === undefined) this.problem = this.#special(written, role);
    return written;
  }

  #escape(): void {
    const char = this.#text[this.#at];
    if (char === undefined || !'"\\/bfnrtu'.includes(char))
      throw this.#malformed('an escape: " \\ / b f n r t or u');
    this.#at++;
    if (char !== 'u') return;
    for (const end = this.#at + 4; this.#at < end; this.#at++) {
      if (!/^[\da-f]$/i.test(this.#text[this.#at] ?? '')) throw this.#malformed('a hexadecimal digit');
    }
  }

  #number(): void {
    const start = this.#at;
    let isInteger = true;
    this.#skip('-');
    if (!this.#skip('0')) this.#digits();
    if (this.#skip('.')) {
      isInteger = false;
      this.#digits();
    }
    if (this.#skip('e') || this.#skip('E')) {
      isInteger = false;
      if (!this.#skip('-')) this.#skip('+');
      this.#digits();
    }
    if (this.problem === undefined)
      this.problem = this.#altered(this.#text.slice(start, this.#at), isInteger);
  }

  /** One digit or more. */
  #digits(): void {
    if (!isDigit(this.#text[this.#at])) throw this.#malformed('a digit');
    while (isDigit(this.#text[this.#at])) this.#at++;
  }

  #space(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char !== ' ' && char !== '\n' && char !== '\r' && char !== '\t') return;
      this.#at++;
    }
  }

  #skip(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skipWord(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #pointer(): string {
    return this.#path.reduce<string>((pointer, token) => joinPointer(pointer, shown(token)), '');
  }

  /** A string with a character that PostgreSQL, or UTF-8 itself, cannot keep. */
  #special(written: string, role: 'name' | 'value'): AnnalsError | undefined {
    const character = specialCharacter(JSON.parse(written) as string);
    if (character === undefined) return undefined;
    const field = shorten(role === 'name' ? joinPointer(this.#pointer(), shown(written)) : this.#pointer());
    const limit = 'no lone surrogate and no U+0000';
    const got = `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    const what = role === 'name' ? `the name of the member ${field}` : field || 'the value';
    return new AnnalsError('invalid_text', `${what} must have ${limit}; got ${got}`, { field, limit, got });
  }

  /** A number that would not be read as it is written, or that its canonical text would not say again. */
  #altered(written: string, isInteger: boolean): AnnalsError | undefined {
    const value = Number(written);
    const size = Math.abs(value);
    if (isInteger && size > Number.MAX_SAFE_INTEGER)
      return this.#outOfRange('an integer within ±', Number.MAX_SAFE_INTEGER, written);
    if (size > Number.MAX_SAFE_INTEGER && size < FIRST_WITH_EXPONENT)
      return this.#outOfRange('from ±1e21 on or within ±', Number.MAX_SAFE_INTEGER, written);
    if (!Number.isFinite(value)) return this.#outOfRange('a number within ±', Number.MAX_VALUE, written);
    if (value !== 0 || /^[-0.]*(?:[eE]|$)/.test(written)) return undefined;
    return this.#outOfRange('zero or a number beyond ±', Number.MIN_VALUE, written);
  }

  #outOfRange(wanted: string, limit: number, written: string): AnnalsError {
    const field = shorten(this.#pointer());
    const got = abbreviate(written);
    const message = `${field || 'the value'} must be ${wanted}${limit}, or a string; got ${got}`;
    return new AnnalsError('number_out_of_range', message, { field, limit, got });
  }

  #tooDeep(): AnnalsError {
    const field = shorten(this.#pointer(), GOT_CHARACTERS);
    const message = `${field} must not take the JSON deeper than ${JSON_LEVELS} levels; got more`;
    return new AnnalsError('too_deep', message, {
      field,
      limit: JSON_LEVELS,
      got: `more than ${JSON_LEVELS}`,
    });
  }

  #malformed(limit: string): AnnalsError {
    const field = shorten(this.#pointer());
    const point = this.#text.codePointAt(this.#at);
    const got = point === undefined ? 'the end of the text' : JSON.stringify(String.fromCodePoint(point));
    const before = this.#text.slice(0, this.#at);
    const place = `line ${before.split('\n').length}, column ${this.#at - before.lastIndexOf('\n')}`;
    return new AnnalsError(
      'malformed_json',
      `malformed JSON at position ${this.#at} (${place}): wanted ${limit}${field && ` in ${field}`}; got ${got}`,
      { field, limit, got },
    );
  }
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}

function specialCharacter(value: string): string | undefined {
  for (const character of value) if (character === '\0' || !character.isWellFormed()) return character;
  return undefined;
}

/** A token of a pointer as an error may show it: cut, and with what no store can keep replaced. */
function shown(token: number | string): string {
  if (typeof token === 'number') return String(token);
  return abbreviate(JSON.parse(token) as string)
    .toWellFormed()
    .replaceAll('\0', '\ufffd');
}
