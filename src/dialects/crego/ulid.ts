// ULIDs: 128 bits as 26 characters of Crockford's base 32 (github.com/ulid/spec).

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 26;

/** The 128 bits of a UUID as a ULID. */
export function toUlid(uuid: string): string {
  const digits = BigInt(`0x${uuid.replaceAll('-', '')}`)
    .toString(32)
    .padStart(LENGTH, '0');
  return digits.replace(/./g, (digit) => CROCKFORD.charAt(Number.parseInt(digit, 32)));
}
