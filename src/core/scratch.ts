// Where bytes are laid out to be hashed: one buffer, used again and again, because every write would
// else allocate a dozen.

const KEPT = 4 * 1024 * 1024;
let buffer = new Uint8Array(64 * 1024);

/** At least `length` bytes with any content, until the next call. */
export function scratch(length: number): Uint8Array {
  if (length <= buffer.length) return buffer;
  const larger = new Uint8Array(length);
  if (length <= KEPT) buffer = larger;
  return larger;
}
