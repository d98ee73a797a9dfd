// How what is written is found again: forms that both appends and reads rely on.

import { createHash } from 'node:crypto';
import type { Instant } from '../../core/instant.ts';
import type { Stream } from '../../core/streams.ts';

/** The year in UTC, by which entries are partitioned. */
export function yearOf(instant: Instant): number {
  return new Date(Math.floor(instant / 1000)).getUTCFullYear();
}

/**
 * A text to look for. PostgreSQL keeps no U+0000, so nothing is found by a text that has one: it reads as
 * one that is longer than any type, id or key.
 */
export function findable(text: string): string {
  return text.includes('\0') ? '\u{1}'.repeat(MOST_CHARACTERS) : text;
}
const MOST_CHARACTERS = 1_000;

/** PostgreSQL indexes keys of up to 2,704 bytes. */
const LONGEST_KEY = 2_000;
const KEPT_OF_LONG = 200;

/** The name under which a stream is kept: its own, or where that is too long for an index, its start and its hash. */
export function streamKey(name: Stream): string {
  if (!name.includes('\0') && Buffer.byteLength(name) <= LONGEST_KEY) return name;
  const hash = createHash('sha256').update(name).digest('hex');
  return `${name.slice(0, KEPT_OF_LONG).replaceAll('\0', '')}…${hash}`;
}
