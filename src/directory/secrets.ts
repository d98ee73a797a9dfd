// Secrets of credentials: random, shown once, kept as their SHA-256. A secret says which log it belongs
// to, so that no table over all organizations is needed to find whose it is.

import type { Sha256 } from '../core/merkle.ts';
import type { LogId } from '../store/store.ts';

/** Marks a secret as one of Annals' own, for people and for scanners that look for leaked secrets. */
const PREFIX = 'annals_';
const LOG_BYTES = 16;
const SECRET_BYTES = 32;
const FORM = /^annals_[\w-]{64}$/;

export function makeSecret(log: LogId, randomBytes: (length: number) => Uint8Array): string {
  const bytes = Buffer.concat([Buffer.from(log.replaceAll('-', ''), 'hex'), randomBytes(SECRET_BYTES)]);
  return PREFIX + bytes.toString('base64url');
}

/** The log that a secret names; undefined where the text has not the form of a secret. */
export function logOfSecret(secret: string): LogId | undefined {
  if (!FORM.test(secret)) return undefined;
  const hex = Buffer.from(secret.slice(PREFIX.length), 'base64url').subarray(0, LOG_BYTES).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What is kept of a secret: SHA-256, base64. With 256 random bits in it nobody guesses it from that. */
export function secretHash(sha256: Sha256, secret: string): string {
  return Buffer.from(sha256(new TextEncoder().encode(secret))).toString('base64');
}

/** What is kept of a secret that others chose: salted, so that equal ones do not look equal. */
export function saltedHash(
  sha256: Sha256,
  secret: string,
  randomBytes: (length: number) => Uint8Array,
): string {
  const salt = Buffer.from(randomBytes(LOG_BYTES)).toString('base64');
  return `${salt}:${secretHash(sha256, salt + secret)}`;
}
