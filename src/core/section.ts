// Sections: the parts of a record that are hashed one by one, so that one can be erased or withheld
// while every proof still verifies. The byte forms are for ever: docs/reference/hashing.md.

import type { Action, Continuity, Resource, ResourceRef } from './entry.ts';
import { formatInstant, type Instant } from './instant.ts';
import { canonicalize } from './json.ts';
import { COMMA, QUOTE } from './json-bytes.ts';
import type { Hash, Sha256 } from './merkle.ts';
import { scratch } from './scratch.ts';

/** In the order in which salts are drawn and kept. */
export const SECTION_NAMES = ['subject', 'actor', 'context', 'metadata', 'before', 'after'] as const;
export type SectionName = (typeof SECTION_NAMES)[number];

export const SALT_BYTES = 16;

/** What is hashed beside the leaf: the digest of each section, absent where the section is. */
export type Digests = Partial<Record<SectionName, Hash>>;
export type Salts = Partial<Record<SectionName, Uint8Array>>;

export interface Subject {
  id: string;
  occurredAt: Instant;
  resource: Resource;
  action: Action;
  event?: string | undefined;
  related: readonly ResourceRef[];
  version: number;
  continuity: Continuity;
}

/** The canonical text of the `subject` section. `event` and an empty `related` are left out where absent. */
export function subjectText(subject: Subject): string {
  const { id, occurredAt, resource, action, event, related, version, continuity } = subject;
  // Written out in canonical order, because every write pays for it: the test holds it against `canonicalize`.
  const ofEvent = event === undefined ? '' : `,"event":${canonicalize(event)}`;
  const ofRelated =
    related.length === 0
      ? ''
      : `,"related":[${related.map(({ type, id }) => refText({ type, id })).join(',')}]`;
  return `{"action":"${action}","continuity":"${continuity}"${ofEvent},"id":"${id}","occurredAt":"${formatInstant(occurredAt)}"${ofRelated},"resource":${refText(resource)},"version":${version}}`;
}

function refText({ id, name, type }: Resource): string {
  const ofName = name === undefined ? '' : `,"name":${canonicalize(name)}`;
  return `{"id":${canonicalize(id)}${ofName},"type":${canonicalize(type)}}`;
}

const encoder = new TextEncoder();

/**
 * SHA-256 over the 16-byte salt and the section's canonical JSON in UTF-8.
 * @param content the text, or its bytes
 */
export function sectionDigest(sha256: Sha256, salt: Uint8Array, content: string | Uint8Array): Hash {
  const isText = typeof content === 'string';
  const data = scratch(SALT_BYTES + (isText ? content.length * 3 : content.length));
  data.set(salt);
  let { length } = content;
  if (isText) length = encoder.encodeInto(content, data.subarray(SALT_BYTES)).written;
  else data.set(content, SALT_BYTES);
  return sha256(data.subarray(0, SALT_BYTES + length));
}

export interface LeafFacts {
  log: string;
  position: number;
  recordedAt: Instant;
  digests: Digests;
}

/** Members of a leaf's `sections`, in canonical order, with their names as they are written. */
const MEMBERS = [...SECTION_NAMES].sort().map((name) => ({ name, label: encoder.encode(`"${name}":"`) }));
const LEAF_END = encoder.encode('},"v":1}');

/** The leaf of an entry, version 1: canonical JSON in UTF-8, digests in base64. */
export function leafBytes(leaf: LeafFacts): Uint8Array {
  const data = scratch(mostLeafBytes(leaf));
  return data.slice(0, putLeaf(leaf, data, 0));
}

/** `leafHash` of `leafBytes`, laid out to be hashed where it is written. */
export function leafHashOf(sha256: Sha256, leaf: LeafFacts): Hash {
  const data = scratch(mostLeafBytes(leaf));
  data[0] = 0;
  return sha256(data.subarray(0, putLeaf(leaf, data, 1)));
}

function mostLeafBytes({ log }: LeafFacts): number {
  return 1024 + log.length * 6;
}

/** Writes the leaf from `at` on; answers where it ends. */
function putLeaf({ log, position, recordedAt, digests }: LeafFacts, into: Uint8Array, at: number): number {
  // Written out, because every write pays for it: the same text as `canonicalize` gives, see the test.
  const head = `{"log":${JSON.stringify(log)},"position":${position},"recordedAt":"${formatInstant(recordedAt)}","sections":{`;
  let end = at + encoder.encodeInto(head, into.subarray(at)).written;
  const start = end;
  for (const { name, label } of MEMBERS) {
    const digest = digests[name];
    if (digest === undefined) continue;
    if (end > start) into[end++] = COMMA;
    end = putBytes(label, into, end);
    end = putBase64(digest, into, end);
    into[end++] = QUOTE;
  }
  return putBytes(LEAF_END, into, end);
}

/** Written out: for so few bytes the call of `set` costs more. */
function putBytes(bytes: Uint8Array, into: Uint8Array, at: number): number {
  for (let index = 0; index < bytes.length; index++) into[at + index] = bytes[index] as number;
  return at + bytes.length;
}

const DIGITS = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (digit) =>
  digit.charCodeAt(0),
);
const PADDING = 0x3d;

function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/** Answers where it ends. */
function putBase64(bytes: Uint8Array, into: Uint8Array, from: number): number {
  let to = from;
  for (let at = 0; at < bytes.length; at += 3) {
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    const third = bytes[at + 2] ?? 0;
    into[to++] = DIGITS[first >> 2] as number;
    into[to++] = DIGITS[((first & 3) << 4) | (second >> 4)] as number;
    into[to++] = DIGITS[((second & 15) << 2) | (third >> 6)] as number;
    into[to++] = DIGITS[third & 63] as number;
  }
  if (bytes.length % 3 > 0) into[to - 1] = PADDING;
  if (bytes.length % 3 === 1) into[to - 2] = PADDING;
  return to;
}

const decoder = new TextDecoder();

/** Standard base64 with padding, as everywhere in Annals. Written out: `btoa` takes strings, and is slower. */
export function toBase64(bytes: Uint8Array): string {
  const digits = scratch(base64Length(bytes.length)).subarray(0, base64Length(bytes.length));
  putBase64(bytes, digits, 0);
  return decoder.decode(digits);
}
