// Sections: the parts of a record that are hashed one by one, so that one can be erased or withheld
// while every proof still verifies. The byte forms are for ever: docs/reference/hashing.md.

import type { Action, Continuity, Resource, ResourceRef } from './entry.ts';
import { formatInstant, type Instant } from './instant.ts';
import { canonicalize } from './json.ts';
import type { Hash, Sha256 } from './merkle.ts';
import { scratch } from './scratch.ts';

/** In the order in which salts are drawn and kept. */
export const SECTION_NAMES = ['subject', 'actor', 'context', 'metadata', 'before', 'after'] as const;
export type SectionName = (typeof SECTION_NAMES)[number];

export const SALT_BYTES = 16;

/** A section's content as canonical text; a section that a record has not (no context, a null state) is absent. */
export type Sections = Partial<Record<SectionName, string>>;

/** What is hashed beside the leaf: the digest of each section, absent where the section is. */
export type Digests = Partial<Record<SectionName, Hash>>;
export type Salts = Partial<Record<SectionName, Uint8Array>>;

export interface Subject {
  id: string;
  occurredAt: Instant;
  resource: Resource;
  action: Action;
  event?: string;
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

/** SHA-256 over the 16-byte salt and the section's canonical JSON in UTF-8. */
export function sectionDigest(sha256: Sha256, salt: Uint8Array, text: string): Hash {
  const data = scratch(SALT_BYTES + text.length * 3);
  data.set(salt);
  const { written } = encoder.encodeInto(text, data.subarray(SALT_BYTES));
  return sha256(data.subarray(0, SALT_BYTES + written));
}

export interface LeafFacts {
  log: string;
  position: number;
  recordedAt: Instant;
  digests: Digests;
}

/** Members of a leaf's `sections`, in canonical order. */
const SORTED_NAMES = [...SECTION_NAMES].sort();

/** The leaf of an entry, version 1: canonical JSON in UTF-8, digests in base64. */
export function leafBytes(leaf: LeafFacts): Uint8Array {
  let sections = '';
  for (const name of SORTED_NAMES) {
    const digest = leaf.digests[name];
    if (digest === undefined) continue;
    sections += `${sections === '' ? '' : ','}"${name}":"${toBase64(digest)}"`;
  }
  // Written out, because every write pays for it: the same text as `canonicalize` gives, see the test.
  const recordedAt = formatInstant(leaf.recordedAt);
  return encoder.encode(
    `{"log":${JSON.stringify(leaf.log)},"position":${leaf.position},"recordedAt":"${recordedAt}","sections":{${sections}},"v":1}`,
  );
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Two base64 digits for each 12 bits. */
const PAIRS = Array.from({ length: 4096 }, (_, bits) => `${DIGITS[bits >> 6]}${DIGITS[bits & 63]}`);

/** Standard base64 with padding, as everywhere in Annals. Written out: `btoa` takes strings, and is slower. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  const whole = bytes.length - (bytes.length % 3);
  for (let at = 0; at < whole; at += 3) {
    const bits = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    text += (PAIRS[bits >> 12] as string) + (PAIRS[bits & 4095] as string);
  }
  if (bytes.length - whole === 1) text += `${PAIRS[(bytes[whole] as number) << 4]}==`;
  if (bytes.length - whole === 2) {
    const bits = ((bytes[whole] as number) << 16) | ((bytes[whole + 1] as number) << 8);
    text += `${PAIRS[bits >> 12]}${DIGITS[(bits >> 6) & 63]}=`;
  }
  return text;
}
