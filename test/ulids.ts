// ULIDs read back, for tests.

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The UUID with the same 128 bits. */
export function uuidOfUlid(ulid: string): string {
  const bits = [...ulid].reduce((sum, letter) => sum * 32n + BigInt(CROCKFORD.indexOf(letter)), 0n);
  const hex = bits.toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
