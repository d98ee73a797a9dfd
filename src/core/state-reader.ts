// Reads the object that a client sent by what it looked like the last time: a member that is written as it was
// written then is not looked at further.

import { type Json, memberText } from './json.ts';
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
import { scratch } from './scratch.ts';
import { type Source, StateText, startOf } from './state-text.ts';

/**
 * Reads the JSON value that stands in `bytes` from `from` to below `to`; undefined where it is not well formed,
 * or would be altered by reading it.
 */
export type ParseJson = (bytes: Uint8Array, from: number, to: number) => Json | undefined;

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
  const like = known ?? new StateText(EMPTY, { keys: [], ends: [] });
  const members = found(bytes, from, to, like, parse);
  const ordered = members && inOrder(members, like);
  if (members === undefined || ordered === undefined) return undefined;
  // Of a first state everything is fresh, and it has no differences that would use it.
  const state = joined(ordered, like, known === null ? undefined : valuesOf(members));
  state.source = sourceOf(bytes, from, to, members, ordered, like.source);
  return state;
}

const EMPTY = encoder.encode('{}');

/** @param former that of the state before: what is the same is shared */
function sourceOf(
  bytes: Uint8Array,
  from: number,
  to: number,
  members: readonly Found[],
  ordered: readonly Found[],
  former: Source,
): Source {
  for (let place = 0; place < ordered.length; place++) (ordered[place] as Found).place = place;
  const ends: number[] = [];
  const places: number[] = [];
  for (const { end, place } of members) {
    ends.push(end - from);
    places.push(place);
  }
  return {
    bytes: bytes.slice(from, to),
    ends,
    places: isSameOrder(former.places, places) ? former.places : places,
  };
}

function isSameOrder(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((place, index) => place === right[index]);
}

/** A member as a reading finds it. */
interface Found {
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
  const search = new Search(known);
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
      members.push({ end: at, key: keys[place] as string, place, value: undefined, text: undefined });
    } else {
      const colon = bytes[at] === QUOTE ? behindSpace(bytes, endOfString(bytes, at, to)) : to;
      if (colon >= to || bytes[colon] !== COLON) return undefined;
      at = endOfValue(bytes, colon + 1, to);
      const key = parse(bytes, start, colon);
      const value = parse(bytes, colon + 1, at);
      if (typeof key !== 'string' || value === undefined) return undefined;
      const member = search.find(key, next);
      const place = member === -1 ? -1 : (source.places[member] as number);
      members.push({ end: at, key, place, value, text: memberText(key, value) });
      // What follows is most likely what followed it the last time.
      if (member !== -1) next = member + 1;
    }
    if (bytes[at] === CLOSING_BRACE) return at + 1 === to ? members : undefined;
    if (bytes[at] !== COMMA) return undefined;
    at = behindSpace(bytes, at + 1);
  }
}

/** So many keys are looked for one by one; for more, an index pays. */
const FEW = 8;

/** Finds members of the source by their keys. */
class Search {
  readonly #keys: readonly string[];
  readonly #places: readonly number[];
  #looked = 0;
  #index: Map<string, number> | undefined;

  constructor({ source, keys }: StateText) {
    this.#keys = keys;
    this.#places = source.places;
  }

  /** Which member of the source has this key; -1: none. @param likely the one that is looked at first */
  find(key: string, likely: number): number {
    if (this.#keyOf(likely) === key) return likely;
    this.#looked += 1;
    if (this.#looked <= FEW) return this.#places.findIndex((place) => this.#keys[place] === key);
    this.#index ??= new Map(this.#places.map((place, member) => [this.#keys[place] as string, member]));
    return this.#index.get(key) ?? -1;
  }

  #keyOf(member: number): string | undefined {
    const place = this.#places[member];
    return place === undefined ? undefined : this.#keys[place];
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
function joined(
  ordered: readonly Found[],
  known: StateText,
  fresh: Map<string, Json> | undefined,
): StateText {
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
  const members = { keys: isOfSameKeys ? keys : ordered.map(({ key }) => key), ends };
  return new StateText(bytes.slice(0, at), members, fresh);
}
