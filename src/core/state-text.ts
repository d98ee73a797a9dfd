// A state as its canonical text in UTF-8, taken apart into its members. What is hashed, compared and stored
// are these bytes; a state that a client sends again with a few changes is read by what differs.

import { type Json, type JsonObject, memberText, sortedKeys } from './json.ts';
import {
  CLOSING_BRACE,
  COMMA,
  endOfString,
  endOfValue,
  isSameRange,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
} from './json-bytes.ts';
import { scratch } from './scratch.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The members of an object in UTF-8: the first begins behind the brace, each other one behind a comma. */
export interface Members {
  /** In the order of the text. */
  keys: readonly string[];
  /** Where each ends. */
  ends: readonly number[];
}

/** An object as a client wrote it: its members in the order and with the white space of the client. */
export interface Source {
  bytes: Uint8Array;
  ends: readonly number[];
  /** Which member of the canonical text each of them is. */
  places: readonly number[];
}

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

  /**
   * @param bytes canonical JSON of an object; not checked, not copied
   * @param fresh values of some members that are at hand
   */
  constructor(bytes: Uint8Array, members?: Members, fresh?: Map<string, Json>) {
    this.bytes = bytes;
    this.#members = members;
    this.#fresh = fresh;
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

  /** How it was written the last time that a client sent it; its canonical text where none did. */
  get source(): Source {
    if (this.#source !== undefined) return this.#source;
    const { ends } = this.#taken();
    return { bytes: this.bytes, ends, places: ends.map((_, place) => place) };
  }

  set source(source: Source) {
    this.#source = source;
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

/** Where a member begins, with the white space before it. */
export function startOf(ends: readonly number[], member: number): number {
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
