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
import { scratch } from './scratch.ts';
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
  const written = found(bytes, from, to, like, parse, 1);
  const read = written && madeOf(written, like);
  if (written === undefined || read === undefined) return undefined;
  const { state, places } = read;
  const { source } = like;
  // What nothing differs in and is as long is written the same.
  if (written.fresh.length > 0 || places !== source.places || to - from !== source.bytes.length) {
    state.source = { bytes: bytes.slice(from, to), ends: written.ends, places };
  }
  return state;
}

const EMPTY = encoder.encode('{}');

/** Below this many bytes of canonical text, an object is parsed as a whole sooner than it is taken apart. */
const SHORTEST_TAKEN_APART = 192;

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
  /** The member of the known state whose place it takes, or before which it is added. */
  slot: number;
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
  const count = source.ends.length;
  const ends: number[] = Array(count);
  const fresh: FreshMember[] = [];
  /** Undefined for as long as the members are those of the source. */
  let places: number[] | undefined;
  let search: Search | undefined;
  let member = 0;
  let next = 0;
  let at = behindSpace(bytes, from + 1);
  if (bytes[at] === CLOSING_BRACE && at + 1 === to) return { ends: [], fresh, places: [] };
  for (;;) {
    const first = member;
    const same = next < count ? alike(source, next, bytes, at, to) : 0;
    const shift = same === 0 ? 0 : at - startAt(source, next);
    for (; next < count && (source.ends[next] as number) < same; next++) {
      if (places === undefined && next !== member) places = source.places.slice(0, member);
      places?.push(source.places[next] as number);
      at = (source.ends[next] as number) + shift;
      ends[member++] = at - from;
    }
    if (member === first) {
      const keyEnd = bytes[at] === QUOTE ? endOfString(bytes, at, to) : to;
      const colon = behindSpace(bytes, keyEnd);
      if (colon >= to || bytes[colon] !== COLON) return undefined;
      search ??= new Search(known, parse, level);
      const key = search.find(bytes, at, keyEnd, next);
      if (key === undefined) return undefined;
      at = endOfValue(bytes, colon + 1, to);
      const one = freshOf(bytes, colon + 1, at, known, key, parse, level, member);
      if (one === undefined) return undefined;
      fresh.push(one);
      if (places === undefined && key.written !== member) places = source.places.slice(0, member);
      places?.push(one.place);
      // What follows is most likely what followed it the last time.
      if (key.written !== -1) next = key.written + 1;
      ends[member++] = at - from;
    }
    if (bytes[at] === CLOSING_BRACE) break;
    if (bytes[at] !== COMMA) return undefined;
    at = behindSpace(bytes, at + 1);
  }
  if (at + 1 !== to) return undefined;
  if (places === undefined && member < count) places = source.places.slice(0, member);
  ends.length = member;
  return { ends, fresh, places: places ?? source.places };
}

/** Where a member of the source begins. */
function startAt({ bytes, ends }: Source, member: number): number {
  return behindSpace(bytes, startOf(ends, member));
}

/** As far as here, what is written at `at` goes on as that member of the source and those behind it. */
function alike(source: Source, member: number, bytes: Uint8Array, at: number, to: number): number {
  const { bytes: known } = source;
  let same = startAt(source, member);
  const shift = at - same;
  const most = Math.min(known.length, to - shift);
  while (same < most && known[same] === bytes[same + shift]) same++;
  return same;
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
  member: number,
): FreshMember | undefined {
  const place = written === -1 ? -1 : (known.source.places[written] as number);
  const slot = place === -1 ? slotOf(key, known.keys) : place;
  const value = behindSpace(bytes, from);
  if (written !== -1 && level === 1 && bytes[value] === OPENING_BRACE) {
    const before = known.objectAt(written, SHORTEST_TAKEN_APART);
    if (before !== undefined) {
      const end = bytes.lastIndexOf(CLOSING_BRACE, to - 1) + 1;
      if (behindSpace(bytes, end) < to) return undefined;
      const read = found(bytes, value, end, before, parse, level + 1);
      const after = read && madeOf(read, before)?.state;
      if (after === undefined) return undefined;
      const inside = { before, after };
      return { key, place, now: -1, text: keyText(key), value: undefined, inside, member, slot };
    }
  }
  const parsed = parse(bytes, from, to, level);
  if (parsed === undefined) return undefined;
  const text = memberText(key, parsed);
  return { key, place, now: -1, text, value: parsed, inside: undefined, member, slot };
}

/** How many of the keys come before this one. */
function slotOf(key: string, keys: readonly string[]): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
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

/** A state that was made, and where each of the written members stands in it. */
interface Made {
  state: StateText;
  places: readonly number[];
}

/** The known state with the members that are written: the known one itself where none differs. Undefined where two have one key. */
function madeOf({ places, fresh }: Written, known: StateText): Made | undefined {
  const { bytes: was, ends: knownEnds } = known;
  const gone = places === known.source.places ? NONE : goneFrom(places, knownEnds.length);
  if (gone === undefined || !order(fresh)) return undefined;
  const bytes = scratch(was.length + mostBytesOf(fresh));
  const ends: number[] = Array(places.length);
  const differing: Fresh[] = [];
  let at = 0;
  /** Members that are written out, members of the known state that are dealt with, and those of them that are gone. */
  let [now, place, passed] = [0, 0, 0];
  /** What neither differs nor is gone is copied, neighbours together. */
  const copyTo = (stop: number): void => {
    while (place < stop) {
      if (gone[passed] === place) {
        passed += 1;
        place += 1;
        continue;
      }
      const last = Math.min(stop, gone[passed] ?? stop) - 1;
      const start = startOf(knownEnds, place);
      bytes[at++] = now === 0 ? OPENING_BRACE : COMMA;
      bytes.set(was.subarray(start, knownEnds[last]), at);
      const shift = at - start;
      for (; place <= last; place++) ends[now++] = at = (knownEnds[place] as number) + shift;
    }
  };
  for (const one of fresh) {
    copyTo(one.slot);
    bytes[at++] = now === 0 ? OPENING_BRACE : COMMA;
    const start = at;
    at = put(one, bytes, at);
    one.now = now;
    ends[now++] = at;
    if (one.place !== -1) place += 1;
    if (
      one.place === -1 ||
      !isSameRange(bytes, start, at, was, startOf(knownEnds, one.place), knownEnds[one.place] as number)
    )
      differing.push(one);
  }
  copyTo(knownEnds.length);
  if (differing.length === 0 && gone.length === 0) return { state: known, places };
  if (now === 0) bytes[at++] = OPENING_BRACE;
  bytes[at++] = CLOSING_BRACE;
  const derivation = { from: known, differing, gone };
  if (gone.length === 0 && places.length === knownEnds.length)
    return { state: known.withSameKeys(bytes.slice(0, at), ends, derivation), places };
  const { keys, places: moved } = movedTo(known.keys, places, fresh, gone);
  return { state: new StateText(bytes.slice(0, at), ends, keys, derivation), places: moved };
}

const NONE: readonly number[] = [];

/** The places below `count` that are not there; undefined where one is there twice. */
function goneFrom(places: readonly number[], count: number): readonly number[] | undefined {
  const isThere = new Uint8Array(count);
  let there = 0;
  for (const place of places) {
    if (place === -1) continue;
    if (isThere[place] === 1) return undefined;
    isThere[place] = 1;
    there += 1;
  }
  if (there === count) return NONE;
  const gone: number[] = [];
  for (let place = 0; place < count; place++) if (isThere[place] === 0) gone.push(place);
  return gone;
}

/** So few are sorted by insertion, which is three times as fast. */
const FEW_SORTED = 40;

/** Brings members into canonical order; false where two have one key. */
function order(fresh: FreshMember[]): boolean {
  if (fresh.length > FEW_SORTED) fresh.sort(compare);
  else {
    for (let index = 1; index < fresh.length; index++) {
      const one = fresh[index] as FreshMember;
      let at = index;
      for (; at > 0 && compare(fresh[at - 1] as FreshMember, one) > 0; at--)
        fresh[at] = fresh[at - 1] as FreshMember;
      fresh[at] = one;
    }
  }
  for (let index = 1; index < fresh.length; index++)
    if (compare(fresh[index - 1] as FreshMember, fresh[index] as FreshMember) === 0) return false;
  return true;
}

function compare(left: FreshMember, right: FreshMember): number {
  if (left.slot !== right.slot) return left.slot - right.slot;
  if (left.place !== right.place) return left.place - right.place;
  return left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
}

/** The keys of a state with other keys than the known one, and where each of the written members stands in it. */
function movedTo(
  known: readonly string[],
  places: readonly number[],
  fresh: readonly FreshMember[],
  gone: readonly number[],
): { keys: string[]; places: number[] } {
  const keys: string[] = Array(places.length);
  for (const { key, now } of fresh) keys[now] = key;
  const moved: number[] = Array(known.length);
  let [now, passed] = [0, 0];
  for (let place = 0; place < known.length; place++) {
    if (gone[passed] === place) {
      passed += 1;
      continue;
    }
    while (keys[now] !== undefined && keys[now] !== known[place]) now += 1;
    keys[now] = known[place] as string;
    moved[place] = now++;
  }
  const written = places.map((place) => (place === -1 ? -1 : (moved[place] as number)));
  for (const { member, now: placeNow } of fresh) written[member] = placeNow;
  return { keys, places: written };
}

/** At least as many bytes as the members take, and a comma for each. */
function mostBytesOf(fresh: readonly Fresh[]): number {
  let most = 0;
  for (const { text, inside } of fresh) most += text.length * 3 + (inside?.after.bytes.length ?? 0) + 1;
  return most;
}

/** Writes a member from `at` on; answers where it ends. */
function put({ text, inside }: Fresh, into: Uint8Array, at: number): number {
  const end = at + encoder.encodeInto(text, into.subarray(at)).written;
  if (inside === undefined) return end;
  into.set(inside.after.bytes, end);
  return end + inside.after.bytes.length;
}
