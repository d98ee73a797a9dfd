// Reads the object that a client sent by what it looked like the last time: a member that is written as it was
// written then is not looked at further, and one that is a large object is read in the same way, one level deep.

import { type Json, keyText, memberText } from './json.ts';
import {
  behindSpace,
  CLOSING_BRACE,
  COLON,
  COMMA,
  endOfString,
  endOfValue,
  isSameRange,
  OPENING_BRACE,
  QUOTE,
} from './json-bytes.ts';
import { keptCopy, scratch } from './scratch.ts';
import { type Fresh, isSameKey, type Source, StateText, startOf } from './state-text.ts';

/**
 * Reads the JSON value that stands in `bytes` from `from` to below `to`; undefined where it is not well formed,
 * or would be altered by reading it.
 * @param level how many objects it is in
 */
export type ParseJson = (bytes: Uint8Array, from: number, to: number, level: number) => Json | undefined;

const encoder = new TextEncoder();

/**
 * The state that stands in `bytes` from `from` to below `to`: the known one itself where nothing differs.
 * Undefined where it is not a well-formed object, or has a key twice.
 * @param known the state before, or one that is like it
 */
export function readState(
  bytes: Uint8Array,
  from: number,
  to: number,
  known: StateText | null,
  parse: ParseJson,
): StateText | undefined {
  const like = known ?? new StateText(EMPTY, [], []);
  const read = readObject(bytes, from, to, like, parse, 1);
  if (read === undefined) return undefined;
  const { state, written, ordered } = read;
  const { ends, places, fresh } = written;
  const { source } = like;
  // What nothing differs in and is as long is written the same.
  if (fresh.length > 0 || places !== source.places || to - from !== source.bytes.length) {
    state.source = { bytes: keptCopy(bytes, from, to), ends, places: ordered ? placesIn(ordered) : places };
  }
  return state;
}

const EMPTY = encoder.encode('{}');

/** Below this many bytes of canonical text, an object is parsed as a whole sooner than it is taken apart. */
const SHORTEST_TAKEN_APART = 192;

interface Read {
  state: StateText;
  written: Written;
  /** Its members in canonical order, where they are not those of the known one. */
  ordered: readonly Ordered[] | undefined;
}

function readObject(
  bytes: Uint8Array,
  from: number,
  to: number,
  known: StateText,
  parse: ParseJson,
  level: number,
): Read | undefined {
  const written = found(bytes, from, to, known, parse, level);
  if (written === undefined) return undefined;
  const { places, fresh } = written;
  if (places === known.source.places || isEachOnce(places, known.ends.length)) {
    return { state: withMembers(known, fresh), written, ordered: undefined };
  }
  const ordered = inOrder(places, fresh, known);
  return ordered && { state: joined(ordered, known), written, ordered };
}

/** Where each member stands in the state that they make up. */
function placesIn(ordered: readonly Ordered[]): number[] {
  const places: number[] = Array(ordered.length);
  ordered.forEach(({ member }, place) => {
    places[member] = place;
  });
  return places;
}

/** An object as it is written. */
interface Written {
  ends: number[];
  /** Where each member stands in the known state, -1: nowhere; the places of its source where all are the same. */
  places: readonly number[];
  /** The members that are not written as they are in its source, in the order in which they are written. */
  fresh: FreshMember[];
}

interface FreshMember extends Fresh {
  /** Which of the written members it is. */
  member: number;
}

/** Takes the object in `bytes` apart by what is known; undefined where it is not well formed. */
function found(
  bytes: Uint8Array,
  from: number,
  to: number,
  known: StateText,
  parse: ParseJson,
  level: number,
): Written | undefined {
  if (bytes[from] !== OPENING_BRACE) return undefined;
  const { source } = known;
  const ends: number[] = [];
  const fresh: FreshMember[] = [];
  /** Undefined for as long as the members are those of the source. */
  let places: number[] | undefined;
  let search: Search | undefined;
  let next = 0;
  let at = behindSpace(bytes, from + 1);
  if (bytes[at] === CLOSING_BRACE && at + 1 === to) return { ends, fresh, places: [] };
  for (;;) {
    const member = ends.length;
    const length = next < source.ends.length ? matched(source, next, bytes, at) : 0;
    let likely = next;
    if (length > 0) {
      at += length;
    } else {
      const keyEnd = bytes[at] === QUOTE ? endOfString(bytes, at, to) : to;
      const colon = behindSpace(bytes, keyEnd);
      if (colon >= to || bytes[colon] !== COLON) return undefined;
      const end = endOfValue(bytes, colon + 1, to);
      search ??= new Search(known, parse, level);
      const key = search.find(bytes, at, keyEnd, next);
      if (key === undefined) return undefined;
      likely = key.written;
      const one = freshOf(bytes, colon + 1, end, known, key, parse, level);
      if (one === undefined) return undefined;
      fresh.push({ ...one, member });
      at = end;
    }
    if (places === undefined && likely !== member) places = source.places.slice(0, member);
    places?.push(likely === -1 ? -1 : (source.places[likely] as number));
    // What follows is most likely what followed it the last time.
    if (likely !== -1) next = likely + 1;
    ends.push(at - from);
    if (bytes[at] === CLOSING_BRACE) break;
    if (bytes[at] !== COMMA) return undefined;
    at = behindSpace(bytes, at + 1);
  }
  if (at + 1 !== to) return undefined;
  if (places === undefined && ends.length < source.ends.length) places = source.places.slice(0, ends.length);
  return { ends, fresh, places: places ?? source.places };
}

/** A key, and which member of the source has it; -1: none. */
interface FoundKey {
  key: string;
  written: number;
}

/** Reads the value of a member; undefined where it is not well formed. */
function freshOf(
  bytes: Uint8Array,
  from: number,
  to: number,
  known: StateText,
  { key, written }: FoundKey,
  parse: ParseJson,
  level: number,
): Fresh | undefined {
  const place = written === -1 ? -1 : (known.source.places[written] as number);
  const value = behindSpace(bytes, from);
  if (written !== -1 && level === 1 && bytes[value] === OPENING_BRACE) {
    const before = known.objectAt(written, SHORTEST_TAKEN_APART);
    if (before !== undefined) {
      const end = bytes.lastIndexOf(CLOSING_BRACE, to - 1) + 1;
      if (behindSpace(bytes, end) < to) return undefined;
      const read = readObject(bytes, value, end, before, parse, level + 1);
      if (read === undefined) return undefined;
      return { key, place, text: keyText(key), value: undefined, inside: { before, after: read.state } };
    }
  }
  const parsed = parse(bytes, from, to, level);
  return parsed === undefined
    ? undefined
    : { key, place, text: memberText(key, parsed), value: parsed, inside: undefined };
}

/** So many keys are looked for one by one; for more, an index pays. */
const FEW = 8;

/** Finds members of the source by their keys. */
class Search {
  readonly #known: StateText;
  readonly #source: Source;
  readonly #parse: ParseJson;
  readonly #level: number;
  #looked = 0;
  #index: Map<string, number> | undefined;

  constructor(known: StateText, parse: ParseJson, level: number) {
    this.#known = known;
    this.#source = known.source;
    this.#parse = parse;
    this.#level = level;
  }

  /**
   * Which member of the source has the key that stands in `bytes` from `from` to below `to`; undefined where it is none.
   * @param likely the member that is looked at first
   */
  find(bytes: Uint8Array, from: number, to: number, likely: number): FoundKey | undefined {
    let written = -1;
    if (this.#isWritten(likely, bytes, from, to)) written = likely;
    else if (this.#looked < FEW) {
      this.#looked += 1;
      for (let member = 0; member < this.#source.ends.length && written === -1; member++) {
        if (this.#isWritten(member, bytes, from, to)) written = member;
      }
    }
    if (written !== -1) return { key: this.#known.keyOf(this.#source.places[written] as number), written };
    const key = this.#parse(bytes, from, to, this.#level);
    return typeof key === 'string' ? { key, written: this.#memberOf(key) } : undefined;
  }

  #isWritten(member: number, bytes: Uint8Array, from: number, to: number): boolean {
    const { bytes: known, ends } = this.#source;
    if (member >= ends.length) return false;
    return isSameKey(bytes, from, to - from, known, behindSpace(known, startOf(ends, member)));
  }

  #memberOf(key: string): number {
    const { places } = this.#source;
    const { keys } = this.#known;
    if (this.#looked < FEW) return places.findIndex((place) => keys[place] === key);
    this.#index ??= new Map(places.map((place, member) => [keys[place] as string, member]));
    return this.#index.get(key) ?? -1;
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

/** Is each place below `count` there, and none twice? */
function isEachOnce(places: readonly number[], count: number): boolean {
  if (places.length !== count) return false;
  const isThere = new Uint8Array(count);
  for (const place of places) {
    if (place === -1 || isThere[place] === 1) return false;
    isThere[place] = 1;
  }
  return true;
}

/** The known state with some of its members anew: the known one itself where none differs. */
function withMembers(known: StateText, fresh: FreshMember[]): StateText {
  if (fresh.length === 0) return known;
  const { bytes: was, ends: knownEnds } = known;
  const bytes = scratch(was.length + mostBytesOf(fresh));
  const ends: number[] = Array(knownEnds.length);
  const differing: FreshMember[] = [];
  let copied = 0;
  let at = 0;
  let member = 0;
  const copyTo = (end: number): void => {
    bytes.set(was.subarray(copied, end), at);
    at += end - copied;
  };
  for (const one of fresh.sort((left, right) => left.place - right.place)) {
    const start = startOf(knownEnds, one.place);
    copyTo(start);
    for (; member < one.place; member++) ends[member] = (knownEnds[member] as number) + at - start;
    const from = at;
    at = put(one, bytes, at);
    copied = knownEnds[one.place] as number;
    ends[member++] = at;
    if (!isSameRange(bytes, from, at, was, start, copied)) differing.push(one);
  }
  if (differing.length === 0) return known;
  copyTo(was.length);
  for (; member < ends.length; member++) ends[member] = (knownEnds[member] as number) + at - was.length;
  return known.withSameKeys(keptCopy(bytes, 0, at), ends, differing);
}

/** At least as many bytes as the members take, and a comma for each. */
function mostBytesOf(fresh: readonly Fresh[]): number {
  return fresh.reduce(
    (most, { text, inside }) => most + text.length * 3 + (inside?.after.bytes.length ?? 0) + 1,
    0,
  );
}

/** Writes a member from `at` on; answers where it ends. */
function put({ text, inside }: Fresh, into: Uint8Array, at: number): number {
  const end = at + encoder.encodeInto(text, into.subarray(at)).written;
  if (inside === undefined) return end;
  into.set(inside.after.bytes, end);
  return end + inside.after.bytes.length;
}

/** A member on its way into the canonical order. */
interface Ordered {
  key: string;
  /** Which of the written members it is. */
  member: number;
  /** Where it stands in the known state; -1: nowhere. */
  place: number;
  /** Undefined where it is written as it was. */
  fresh: Fresh | undefined;
}

/** The members in canonical order; undefined where two have one key. */
function inOrder(
  places: readonly number[],
  fresh: readonly FreshMember[],
  { keys }: StateText,
): Ordered[] | undefined {
  let next = 0;
  const ordered = places.map((place, member): Ordered => {
    const one = fresh[next]?.member === member ? fresh[next++] : undefined;
    return { key: one?.key ?? (keys[place] as string), member, place, fresh: one };
  });
  ordered.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  return ordered.some(({ key }, index) => index > 0 && ordered[index - 1]?.key === key) ? undefined : ordered;
}

/** The state that these members make up, which are not those of the known one. */
function joined(ordered: readonly Ordered[], known: StateText): StateText {
  const { ends: knownEnds } = known;
  const fresh = ordered.flatMap(({ fresh }) => fresh ?? []);
  const bytes = scratch(known.bytes.length + mostBytesOf(fresh) + ordered.length + 2);
  const ends: number[] = [];
  let at = 0;
  bytes[at++] = OPENING_BRACE;
  for (let index = 0; index < ordered.length; index++) {
    const one = ordered[index] as Ordered;
    if (index > 0) bytes[at++] = COMMA;
    if (one.fresh === undefined) {
      // Neighbours that stay neighbours are copied together.
      let last = one.place;
      const from = startOf(knownEnds, last);
      const shift = at - from;
      for (let next = ordered[index + 1]; next?.fresh === undefined && next?.place === last + 1; ) {
        ends.push((knownEnds[last] as number) + shift);
        last += 1;
        index += 1;
        next = ordered[index + 1];
      }
      const to = knownEnds[last] as number;
      bytes.set(known.bytes.subarray(from, to), at);
      at += to - from;
    } else {
      at = put(one.fresh, bytes, at);
    }
    ends.push(at);
  }
  bytes[at++] = CLOSING_BRACE;
  const keys = ordered.map(({ key }) => key);
  // Of a first state everything is fresh, and it has no differences that would use it.
  const derivation = knownEnds.length === 0 ? undefined : { from: known, fresh, hasSameKeys: false };
  return new StateText(keptCopy(bytes, 0, at), ends, keys, derivation);
}
