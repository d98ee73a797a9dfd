// JSON in UTF-8, byte by byte: where strings and values end. What stands between is for `JSON.parse`.

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPENING_BRACKET = 0x5b;
export const CLOSING_BRACKET = 0x5d;
export const OPENING_BRACE = 0x7b;
export const CLOSING_BRACE = 0x7d;

/** Behind the closing quote of the string that begins at `at`; `to` where it does not end. */
export function endOfString(bytes: Uint8Array, at: number, to: number): number {
  for (let end = at + 1; end < to; end++) {
    if (bytes[end] === QUOTE) return end + 1;
    if (bytes[end] === BACKSLASH) end++;
  }
  return to;
}

/** Where the value that begins at `at` ends: at the comma or the closing bracket behind it, or at `to`. */
export function endOfValue(bytes: Uint8Array, at: number, to: number): number {
  let depth = 0;
  for (let end = at; end < to; end++) {
    const byte = bytes[end];
    if (byte === QUOTE) end = endOfString(bytes, end, to) - 1;
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth += 1;
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) {
      if (depth === 0) return end;
      depth -= 1;
    } else if (byte === COMMA && depth === 0) return end;
  }
  return to;
}

/** Behind the white space at `at` (RFC 8259, section 2). */
export function behindSpace(bytes: Uint8Array, at: number): number {
  let behind = at;
  while (bytes[behind] === 0x20 || bytes[behind] === 0x0a || bytes[behind] === 0x0d || bytes[behind] === 0x09)
    behind++;
  return behind;
}

export function isSameRange(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): boolean {
  if (leftEnd - leftStart !== rightEnd - rightStart) return false;
  const distance = rightStart - leftStart;
  for (let at = leftStart; at < leftEnd; at++) if (left[at] !== right[at + distance]) return false;
  return true;
}
