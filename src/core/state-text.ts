// A state as its canonical text in UTF-8, taken apart into its members. What is hashed, compared and stored
// are these bytes; a state that a client sends again with a few changes is read by what differs.

import { type Json, type JsonObject, keyText, memberText, sortedKeys } from './json.ts';
import {
  behindSpace,
  CLOSING_BRACE,
  COMMA,
  endOfString,
  endOfValue,
  isSameRange,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
} from './json-bytes.ts';
import { parseText } from './json-parse.ts';
import { scratch } from './scratch.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** An object as a client wrote it: its members in the order and with the white space of the client. */
export interface Source {
  bytes: Uint8Array;
  /** The first member begins behind the brace, each other one behind a comma; this is where each ends. */
  ends: readonly number[];
  /** Which member of the canonical text each of them is. */
  places: readonly number[];
}

/** A member that was added, removed or changed. */
export interface Difference {
  key: string;
  /** Undefined where it was not there. */
  before: Value | undefined;
  after: Value | undefined;
  /** What differs within two objects, where that is known. */
  inside?: readonly Difference[];
}

/** The value of a member. */
export interface Value {
  kind: 'object' | 'array' | 'scalar';
  /** Its canonical text. */
  text(): string;
  parsed(): Json;
}

/** A member that was read, because it is not written as it was in the state beside which it was read. */
export interface Fresh {
  key: string;
  /** Where it stands in that state; -1: nowhere. */
  place: number;
  /** Where it stands in the state that was read. */
  now: number;
  /** Its canonical text, as far as before what is inside. */
  text: string;
  /** What it was parsed to; undefined where it was read by what differs inside. */
  value: Json | undefined;
  /** An object that was read beside the one that it was. */
  inside: { before: StateText; after: StateText } | undefined;
}

/** How a state came of another one. */
export interface Derivation {
  from: StateText;
  /** The members that are new or changed, in the order of the canonical text. */
  differing: readonly Fresh[];
  /** The members of `from` that are not there any more. */
  gone: readonly number[];
}

export class StateText {
  /** Canonical JSON of an object, UTF-8. */
  readonly bytes: Uint8Array;
  #ends: readonly number[] | undefined;
  #keys: readonly string[] | undefined;
  #source: Source | undefined;
  #derivation: Derivation | undefined;

  /**
   * @param bytes canonical JSON of an object; not checked, not copied
   * @param ends where each member ends
   * @param keys in the order of the text
   */
  constructor(
    bytes: Uint8Array,
    ends?: readonly number[],
    keys?: readonly string[],
    derivation?: Derivation,
  ) {
    this.bytes = bytes;
    this.#ends = ends;
    this.#keys = keys;
    this.#derivation = derivation;
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
    return parseText(this.text) as JsonObject;
  }

  /** The top-level attributes, sorted by UTF-16 code units. */
  get keys(): readonly string[] {
    this.#keys ??= this.ends.map((_, member) => this.keyOf(member));
    return this.#keys;
  }

  /** The key of one member. */
  keyOf(member: number): string {
    return this.#keys?.[member] ?? keyAt(this.bytes, startOf(this.ends, member));
  }

  /** The bytes that it holds in memory. */
  get weight(): number {
    const { bytes } = this.#source ?? this;
    return this.bytes.length + (bytes === this.bytes ? 0 : bytes.length);
  }

  isSame(other: StateText | null): boolean {
    if (other === this) return true;
    return (
      other !== null && isSameRange(this.bytes, 0, this.bytes.length, other.bytes, 0, other.bytes.length)
    );
  }

  /** The attributes that differ, sorted by UTF-16 code units. */
  differencesFrom(before: StateText): Difference[] {
    if (this.#derivation?.from === before) return this.#derived(this.#derivation);
    const [left, right] = [before.keys, this.keys];
    const differences: Difference[] = [];
    let was = 0;
    let is = 0;
    while (was < left.length || is < right.length) {
      const leftKey = left[was];
      const rightKey = right[is];
      if (leftKey !== undefined && leftKey === rightKey) {
        if (!isSameMember(before, was, this, is))
          differences.push({ key: leftKey, before: before.#value(was), after: this.#value(is) });
        was += 1;
        is += 1;
      } else if (rightKey === undefined || (leftKey !== undefined && leftKey < rightKey)) {
        differences.push({ key: leftKey as string, before: before.#value(was++), after: undefined });
      } else {
        differences.push({ key: rightKey, before: undefined, after: this.#value(is++) });
      }
    }
    return differences;
  }

  #derived({ from, differing, gone }: Derivation): Difference[] {
    const differences: Difference[] = [];
    let passed = 0;
    const passTo = (next: string | undefined): void => {
      for (; passed < gone.length; passed++) {
        const place = gone[passed] as number;
        const key = from.keyOf(place);
        if (next !== undefined && key > next) return;
        differences.push({ key, before: from.#value(place), after: undefined });
      }
    };
    for (const fresh of differing) {
      const { key, place, inside } = fresh;
      passTo(key);
      const before = place === -1 ? undefined : from.#value(place);
      const after = this.#value(fresh.now, fresh);
      differences.push(
        inside === undefined
          ? { key, before, after }
          : { key, before, after, inside: inside.after.differencesFrom(inside.before) },
      );
    }
    passTo(undefined);
    return differences;
  }

  /** One with the same keys. */
  withSameKeys(bytes: Uint8Array, ends: readonly number[], derivation: Derivation): StateText {
    return new StateText(bytes, ends, this.#keys, derivation);
  }

  /** Forgets how it came of another state, which would else stay in memory with it. */
  forgetOrigin(): void {
    this.#derivation = undefined;
  }

  /** How it was written the last time that a client sent it; its canonical text where none did. */
  get source(): Source {
    this.#source ??= { bytes: this.bytes, ends: this.ends, places: this.ends.map((_, place) => place) };
    return this.#source;
  }

  set source(source: Source) {
    this.#source = source;
  }

  /** Where each member ends in `bytes`. */
  get ends(): readonly number[] {
    this.#ends ??= endsOf(this.bytes, 0, this.bytes.length);
    return this.#ends;
  }

  /**
   * The value of a member, with how it was written last; undefined where it is no object, or a short one.
   * @param written which member of the source it is
   */
  objectAt(written: number, shortest: number): StateText | undefined {
    const { source } = this;
    const from = valueAt(this.bytes, startOf(this.ends, source.places[written] as number));
    const to = this.ends[source.places[written] as number] as number;
    if (to - from < shortest || this.bytes[from] !== OPENING_BRACE) return undefined;
    const object = new StateText(this.bytes.subarray(from, to));
    const start = behindSpace(source.bytes, startOf(source.ends, written));
    const writtenFrom = behindSpace(source.bytes, valueAt(source.bytes, start));
    const bytes = source.bytes.subarray(writtenFrom, source.ends[written]);
    const ends = endsOf(bytes, 0, bytes.length);
    const places = placesOf(bytes, ends, object);
    if (places === undefined) return undefined;
    object.source = { bytes, ends, places };
    return object;
  }

  #value(member: number, fresh?: Fresh): Value {
    const { ends } = this;
    return new MemberValue(
      this.bytes,
      valueAt(this.bytes, startOf(ends, member)),
      ends[member] as number,
      fresh,
    );
  }
}

/** The value of a member, which is looked at when it is asked for. */
class MemberValue implements Value {
  readonly #bytes: Uint8Array;
  readonly #from: number;
  readonly #to: number;
  readonly #fresh: Fresh | undefined;

  constructor(bytes: Uint8Array, from: number, to: number, fresh: Fresh | undefined) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#fresh = fresh;
  }

  get kind(): Value['kind'] {
    const first = this.#bytes[this.#from];
    return first === OPENING_BRACE ? 'object' : first === OPENING_BRACKET ? 'array' : 'scalar';
  }

  text(): string {
    const fresh = this.#fresh;
    if (fresh !== undefined && fresh.inside === undefined) return fresh.text.slice(keyText(fresh.key).length);
    return decoder.decode(this.#bytes.subarray(this.#from, this.#to));
  }

  parsed(): Json {
    return this.#fresh?.value ?? parseText(this.text());
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
  return new StateText(
    bytes.slice(0, at),
    ends,
    members.map(({ key }) => key),
  );
}

/** Where each member of the object that begins at `from` ends; it must be well formed. */
function endsOf(bytes: Uint8Array, from: number, to: number): number[] {
  const ends: number[] = [];
  for (let at = behindSpace(bytes, from + 1); bytes[at] === QUOTE; at = behindSpace(bytes, at + 1)) {
    at = endOfValue(bytes, valueAt(bytes, at), to);
    ends.push(at);
  }
  return ends;
}

/** So many keys are looked for one by one. */
const FEW = 32;

/**
 * Which member of the canonical text each member is, by how their keys are written.
 * @returns undefined where some are written otherwise, or there are many
 */
function placesOf(bytes: Uint8Array, ends: readonly number[], canonical: StateText): number[] | undefined {
  if (ends.length > FEW || ends.length !== canonical.ends.length) return undefined;
  const places: number[] = [];
  for (let member = 0; member < ends.length; member++) {
    const from = behindSpace(bytes, startOf(ends, member));
    const length = endOfString(bytes, from, bytes.length) - from;
    // Most are written in the order of the one before.
    let place = ((places[member - 1] ?? -1) + 1) % ends.length;
    for (let looked = 0; !isSameKey(bytes, from, length, canonical.bytes, startOf(canonical.ends, place)); ) {
      looked += 1;
      if (looked === ends.length) return undefined;
      place = (place + 1) % ends.length;
    }
    places.push(place);
  }
  return places;
}

/** Is the key at `from`, `length` long with its quotes, written the same as the one at `at`? */
export function isSameKey(
  bytes: Uint8Array,
  from: number,
  length: number,
  others: Uint8Array,
  at: number,
): boolean {
  return isSameRange(bytes, from, from + length, others, at, at + length);
}

/** Behind the colon of the member whose key begins at `at`. */
function valueAt(bytes: Uint8Array, at: number): number {
  return behindSpace(bytes, endOfString(bytes, at, bytes.length)) + 1;
}

function keyAt(bytes: Uint8Array, at: number): string {
  const written = decoder.decode(bytes.subarray(at + 1, endOfString(bytes, at, bytes.length) - 1));
  return written.includes('\\') ? (JSON.parse(`"${written}"`) as string) : written;
}

/** Where a member begins, with the white space before it. */
export function startOf(ends: readonly number[], member: number): number {
  return member === 0 ? 1 : (ends[member - 1] as number) + 1;
}

function isSameMember(before: StateText, was: number, after: StateText, is: number): boolean {
  return isSameRange(
    before.bytes,
    startOf(before.ends, was),
    before.ends[was] as number,
    after.bytes,
    startOf(after.ends, is),
    after.ends[is] as number,
  );
}
