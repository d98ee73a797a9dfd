// Where bytes are laid out: to be hashed, in one buffer that is used again and again, and to be kept, many in one
// piece of memory. Every write would else allocate two dozen, each of which the garbage collector has to free.

const KEPT = 4 * 1024 * 1024;
let buffer = new Uint8Array(64 * 1024);

/** At least `length` bytes with any content, until the next call. */
export function scratch(length: number): Uint8Array {
  if (length <= buffer.length) return buffer;
  const larger = new Uint8Array(length);
  if (length <= KEPT) buffer = larger;
  return larger;
}

/** A piece of memory stays for as long as anything in it is used. */
const PIECE = 64 * 1024;
const LONGEST_IN_PIECE = PIECE / 8;
let piece = new Uint8Array(0);
let used = 0;

/** A copy of the bytes from `from` to below `to`, to be kept for as long as its neighbours: what was copied just before and after. */
export function keptCopy(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const length = to - from;
  if (length > LONGEST_IN_PIECE) return bytes.slice(from, to);
  if (used + length > piece.length) {
    piece = new Uint8Array(PIECE);
    used = 0;
  }
  piece.set(bytes.subarray(from, to), used);
  used += length;
  return piece.subarray(used - length, used);
}
