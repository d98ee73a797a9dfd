// A state as its canonical text in UTF-8, taken apart into its members. What is hashed, compared and stored
// are these bytes; a state that a client sends again with a few changes is read by what differs.

import { type Json, type JsonObject, memberText, sortedKeys } from './json.ts';
import { scratch } from './scratch.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The members of an object in UTF-8: the first begins behind the brace, each other one behind a comma. */
interface Members {
  /** In the order of the text. */
  keys: readonly string[];
  /** Where each ends. */
  ends: readonly number[];
}

/** An object as a client wrote it: its members in the order and with the white space of the client. */
interface Source {
  bytes: Uint8Array;
  ends: readonly number[];
  /** Which member of the canonical text each of them is. */
  places: readonly number[];
}

/**
 * Reads the JSON value that stands in `bytes` from `from` to below `to`; undefined where it is not well formed,
 * or would be altered by reading it.
 */
export type ParseJson = (bytes: Uint8Array, from: number, to: number) => Json | undefined;

/** An attribute that was added, removed or changed. */
export interface Difference {
  key: string;
  /** Undefined where it was not there. */
  before: Value | undefined;
  after: Value | undefined;
}

/** The value of an attribute. */
export interface Value {
  kind: 'object' | 'array' | 'scalar';
  /** Its canonical text. */
  text(): string;
  parsed(): Json;
}

export class StateText {
  /** Canonical JSON of an object, UTF-8. */
  readonly bytes: Uint8Array;
  #members: Members | undefined;
  #source: Source | undefined;
  /** The values that were parsed when it was read, until its differences have been asked for. */
  #fresh: Map<string, Json> | undefined;

  /** @param bytes canonical JSON of an object; not checked, not copied */
  constructor(bytes: Uint8Array, members?: Members) {
    this.bytes = bytes;
    this.#members = members;
  }

  static of(state: JsonObject): StateText {
    return assembled(sortedKeys(state).map((key) => ({ key, text: memberText(key, state[key] as Json) })));
  }

  /** @param text canonical JSON of an object; null for a null state */
  static ofText(text: string): StateText;
  static ofText(text: string | null): StateText | null;
  static ofText(text: string | null): StateText | null {
    return text === null ? null : new StateText(encoder.encode(text));
  }

  get text(): string {
    return decoder.decode(this.bytes);
  }

  /** Parsed anew each time. */
  get value(): JsonObject {
    return JSON.parse(this.text) as JsonObject;
  }

  /** The top-level attributes, sorted by UTF-16 code units. */
  get keys(): readonly string[] {
    return this.#taken().keys;
  }

  /** The bytes that it holds in memory. */
  get weight(): number {
    return this.bytes.length + (this.#source === undefined ? 0 : this.#source.bytes.length);
  }

  isSame(other: StateText | null): boolean {
    if (other === this) return true;
    return (
      other !== null && isSameRange(this.bytes, 0, this.bytes.length, other.bytes, 0, other.bytes.length)
    );
  }

  /** The attributes that differ, sorted by UTF-16 code units. */
  differencesFrom(before: StateText): Difference[] {
    const left = before.#taken();
    const right = this.#taken();
    const fresh = this.#fresh;
    this.#fresh = undefined;
    const differences: Difference[] = [];
    let was = 0;
    let is = 0;
    while (was < left.keys.length || is < right.keys.length) {
      const leftKey = left.keys[was];
      const rightKey = right.keys[is];
      if (leftKey !== undefined && leftKey === rightKey) {
        if (!isSameMember(before.bytes, left.ends, was, this.bytes, right.ends, is)) {
          differences.push({ key: leftKey, before: before.#value(was), after: this.#value(is, fresh) });
        }
        was += 1;
        is += 1;
      } else if (rightKey === undefined || (leftKey !== undefined && leftKey < rightKey)) {
        differences.push({ key: leftKey as string, before: before.#value(was++), after: undefined });
      } else {
        differences.push({ key: rightKey, before: undefined, after: this.#value(is++, fresh) });
      }
    }
    return differences;
  }

  /**
   * Reads the object that a client sent, by what it looked like the last time: a member that is written as it
   * was written then is not looked at further. Undefined where it is not well formed, or has a key twice.
   * @param known the state before, or one that is like it
   */
  static read(
    bytes: Uint8Array,
    from: number,
    to: number,
    known: StateText | null,
    parse: ParseJson,
  ): StateText | undefined {
    const members = found(bytes, from, to, known ?? EMPTY, parse);
    const ordered = members && inOrder(members, known ?? EMPTY);
    if (members === undefined || ordered === undefined) return undefined;
    const state = joined(ordered, known ?? EMPTY);
    if (state === EMPTY) return new StateText(EMPTY.bytes, { keys: [], ends: [] });
    if (state !== known && known !== null) state.#fresh = valuesOf(members);
    const ends: number[] = [];
    const places: number[] = [];
    for (let place = 0; place < ordered.length; place++) (ordered[place] as Found).place = place;
    for (const { end, place } of members) {
      ends.push(end - from);
      places.push(place);
    }
    const former = known === null ? undefined : known.#source?.places;
    state.#source = {
      bytes: bytes.slice(from, to),
      ends,
      places: former !== undefined && isSameOrder(former, places) ? former : places,
    };
    return state;
  }

  /** How it was written the last time that a client sent it; its canonical text where none did. */
  get source(): Source {
    if (this.#source !== undefined) return this.#source;
    const { ends } = this.#taken();
    return { bytes: this.bytes, ends, places: ends.map((_, place) => place) };
  }

  /** Where each member ends in `bytes`. */
  get ends(): readonly number[] {
    return this.#taken().ends;
  }

  #taken(): Members {
    this.#members ??= membersOf(this.bytes);
    return this.#members;
  }

  #value(member: number, fresh?: Map<string, Json>): Value {
    const { keys, ends } = this.#taken();
    // A canonical text has no white space: the value begins right behind the colon.
    const from = endOfString(this.bytes, startOf(ends, member), this.bytes.length) + 1;
    const first = this.bytes[from];
    const text = (): string => decoder.decode(this.bytes.subarray(from, ends[member]));
    return {
      kind: first === OPENING_BRACE ? 'object' : first === OPENING_BRACKET ? 'array' : 'scalar',
      text,
      parsed: () => fresh?.get(keys[member] as string) ?? (JSON.parse(text()) as Json),
    };
  }
}

const EMPTY = new StateText(encoder.encode('{}'), { keys: [], ends: [] });

/** Its members' texts one behind the other; the keys must be sorted. */
function assembled(members: readonly { key: string; text: string }[]): StateText {
  let most = 2;
  for (const { text } of members) most += text.length * 3 + 1;
  const bytes = scratch(most);
  const ends: number[] = [];
  let at = 0;
  bytes[at++] = OPENING_BRACE;
  for (const { text } of members) {
    if (ends.length > 0) bytes[at++] = COMMA;
    at += encoder.encodeInto(text, bytes.subarray(at)).written;
    ends.push(at);
  }
  bytes[at++] = CLOSING_BRACE;
  return new StateText(bytes.slice(0, at), { keys: members.map(({ key }) => key), ends });
}

/** Takes the canonical text of an object apart. */
function membersOf(bytes: Uint8Array): Members {
  const keys: string[] = [];
  const ends: number[] = [];
  for (let at = 1; at < bytes.length && bytes[at] === QUOTE; at++) {
    const colon = endOfString(bytes, at, bytes.length);
    keys.push(JSON.parse(decoder.decode(bytes.subarray(at, colon))) as string);
    at = endOfValue(bytes, colon + 1, bytes.length);
    ends.push(at);
  }
  return { keys, ends };
}

function startOf(ends: readonly number[], member: number): number {
  return member === 0 ? 1 : (ends[member - 1] as number) + 1;
}

function isSameMember(
  left: Uint8Array,
  leftEnds: readonly number[],
  was: number,
  right: Uint8Array,
  rightEnds: readonly number[],
  is: number,
): boolean {
  return isSameRange(
    left,
    startOf(leftEnds, was),
    leftEnds[was] as number,
    right,
    startOf(rightEnds, is),
    rightEnds[is] as number,
  );
}

function isSameOrder(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((place, index) => place === right[index]);
}

function isSameRange(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): boolean {
  if (leftEnd - leftStart !== rightEnd - rightStart) return false;
  const distance = rightStart - leftStart;
  for (let at = leftStart; at < leftEnd; at++) if (left[at] !== right[at + distance]) return false;
  return true;
}

/** Behind the closing quote of the string that begins at `at`; `to` where it does not end. */
export function endOfString(bytes: Uint8Array, at: number, to: number): number {
  for (let end = at + 1; end < to; end++) {
    if (bytes[end] === QUOTE) return end + 1;
    if (bytes[end] === BACKSLASH) end++;
  }
  return to;
}

/** Where the value that begins at `at` ends: at the comma or the closing bracket behind it, or at `to`. */
export function endOfValue(bytes: Uint8Array, at: number, to: number): number {
  let depth = 0;
  for (let end = at; end < to; end++) {
    const byte = bytes[end];
    if (byte === QUOTE) end = endOfString(bytes, end, to) - 1;
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth += 1;
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) {
      if (depth === 0) return end;
      depth -= 1;
    } else if (byte === COMMA && depth === 0) return end;
  }
  return to;
}

/** Behind the white space at `at` (RFC 8259, section 2). */
export function behindSpace(bytes: Uint8Array, at: number): number {
  let behind = at;
  while (bytes[behind] === 0x20 || bytes[behind] === 0x0a || bytes[behind] === 0x0d || bytes[behind] === 0x09)
    behind++;
  return behind;
}

/** A member as a reading finds it. */
interface Found {
  start: number;
  end: number;
  key: string;
  /** Where its key stands in the known state; -1: nowhere. */
  place: number;
  /** Its value and its canonical text; undefined where they are those of the known state. */
  value: Json | undefined;
  text: string | undefined;
}

function valuesOf(members: readonly Found[]): Map<string, Json> {
  const values = new Map<string, Json>();
  for (const { key, value } of members) if (value !== undefined) values.set(key, value);
  return values;
}

/** Takes the object in `bytes` apart by what is known; undefined where it is not well formed. */
function found(
  bytes: Uint8Array,
  from: number,
  to: number,
  known: StateText,
  parse: ParseJson,
): Found[] | undefined {
  const { source, keys } = known;
  const members: Found[] = [];
  if (bytes[from] !== OPENING_BRACE) return undefined;
  let next = 0;
  let at = behindSpace(bytes, from + 1);
  if (bytes[at] === CLOSING_BRACE) return at + 1 === to ? members : undefined;
  for (;;) {
    const start = at;
    const length = next < source.ends.length ? matched(source, next, bytes, at) : 0;
    if (length > 0) {
      const place = source.places[next] as number;
      at += length;
      next += 1;
      members.push({ start, end: at, key: keys[place] as string, place, value: undefined, text: undefined });
    } else {
      const colon = bytes[at] === QUOTE ? behindSpace(bytes, endOfString(bytes, at, to)) : to;
      if (colon >= to || bytes[colon] !== COLON) return undefined;
      at = endOfValue(bytes, colon + 1, to);
      const key = parse(bytes, start, colon);
      const value = parse(bytes, colon + 1, at);
      if (typeof key !== 'string' || value === undefined) return undefined;
      const place = keys.indexOf(key);
      members.push({ start, end: at, key, place, value, text: memberText(key, value) });
      // What follows is most likely what followed it the last time.
      if (place !== -1) next = source.places.indexOf(place) + 1;
    }
    if (bytes[at] === CLOSING_BRACE) return at + 1 === to ? members : undefined;
    if (bytes[at] !== COMMA) return undefined;
    at = behindSpace(bytes, at + 1);
  }
}

/** The length of the member at `at` where it is written as that member of the source was; else 0. */
function matched(source: Source, member: number, bytes: Uint8Array, at: number): number {
  const end = source.ends[member] as number;
  const start = behindSpace(source.bytes, startOf(source.ends, member));
  const length = end - start;
  const behind = bytes[at + length];
  if (behind !== COMMA && behind !== CLOSING_BRACE) return 0;
  return isSameRange(source.bytes, start, end, bytes, at, at + length) ? length : 0;
}

/** The members in canonical order; undefined where two have one key. */
function inOrder(members: readonly Found[], known: StateText): Found[] | undefined {
  const count = known.keys.length;
  if (members.length === count && members.every(({ place }) => place !== -1)) {
    const ordered: Found[] = Array(count);
    let taken = 0;
    for (const member of members) {
      if (ordered[member.place] === undefined) taken += 1;
      ordered[member.place] = member;
    }
    return taken === count ? ordered : undefined;
  }
  const ordered = [...members].sort((left, right) =>
    left.key < right.key ? -1 : left.key > right.key ? 1 : 0,
  );
  return ordered.some(({ key }, index) => index > 0 && ordered[index - 1]?.key === key) ? undefined : ordered;
}

/** The state that these members make up: the known one itself where nothing differs. */
function joined(ordered: readonly Found[], known: StateText): StateText {
  const { ends: knownEnds, keys } = known;
  let most = known.bytes.length + ordered.length + 2;
  for (const { text } of ordered) if (text !== undefined) most += text.length * 3;
  const bytes = scratch(most);
  const ends: number[] = [];
  let differs = ordered.length !== keys.length;
  let at = 0;
  bytes[at++] = OPENING_BRACE;
  for (let index = 0; index < ordered.length; index++) {
    const { place, text } = ordered[index] as Found;
    if (index > 0) bytes[at++] = COMMA;
    const start = at;
    if (text === undefined) {
      // Neighbours that stay neighbours are copied together.
      let last = place;
      const from = startOf(knownEnds, place);
      const shift = at - from;
      for (let next = ordered[index + 1]; next?.text === undefined && next?.place === last + 1; ) {
        ends.push((knownEnds[last] as number) + shift);
        last += 1;
        index += 1;
        next = ordered[index + 1];
      }
      const to = knownEnds[last] as number;
      bytes.set(known.bytes.subarray(from, to), at);
      at += to - from;
    } else {
      at += encoder.encodeInto(text, bytes.subarray(at)).written;
      differs ||=
        place === -1 ||
        !isSameRange(bytes, start, at, known.bytes, startOf(knownEnds, place), knownEnds[place] as number);
    }
    ends.push(at);
  }
  bytes[at++] = CLOSING_BRACE;
  if (!differs) return known;
  const isOfSameKeys = ordered.length === keys.length && ordered.every(({ place }, index) => place === index);
  return new StateText(bytes.slice(0, at), {
    keys: isOfSameKeys ? keys : ordered.map(({ key }) => key),
    ends,
  });
}
