// Ids of the directory's resources. Their form is theirs alone: no other writer may use it for a type of
// the directory, so what has it was written by the directory, and nothing else needs to be kept to know.

import type { ResourceRef } from '../core/entry.ts';
import type { Sha256 } from '../core/merkle.ts';
import { isDirectoryType } from '../core/streams.ts';

export const ID_PREFIX = 'dir_';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 10;

/**
 * The id that follows from these parts: where they name what may be there once (a member's address, a
 * role's subject), its creation finds it taken, whichever server it came to first.
 */
export function directoryId(sha256: Sha256, ...parts: string[]): string {
  const digest = sha256(new TextEncoder().encode(JSON.stringify(parts)));
  let number = digest.subarray(0, 8).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let id = ID_PREFIX;
  for (let index = 0; index < LENGTH; index++) {
    id += LETTERS[Number(number % 52n)];
    number /= 52n;
  }
  return id;
}

/** A place behind all ids of the directory's resources of a type, none of which has this character. */
export function behindDirectory(type: string): ResourceRef {
  return { type, id: `${ID_PREFIX}~` };
}

/** Is this a resource that the directory alone may write? */
export function isKeptByDirectory({ type, id }: ResourceRef): boolean {
  return id.startsWith(ID_PREFIX) && isDirectoryType(type);
}
