// Lines as they are sent. A line without an id gets one that follows from its number and its content,
// so that the same file sent again adds nothing. The form of these ids is for ever.

import { createHash } from 'node:crypto';
import { parseText } from '../../core/json-parse.ts';
import { CHANGE_BYTES } from '../../ingest/limits.ts';

/** Whole lines, ready to send, and the number of the last of them. */
export interface Lines {
  bytes: Buffer;
  /** How many of them the server answers; it passes over blank lines. */
  answered: number;
  last: number;
}

const NEWLINE = 10;
const NEWLINE_BYTES = Buffer.from('\n');
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/**
 * Cuts text into lines and gives each an id. Of a line longer than a change may be, one byte more
 * than that is kept, for the server to refuse; so one line never fills the memory.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Lines> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 0;
  let answered = 0;
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, end));
      lines.push(take(), NEWLINE_BYTES);
      from = end + 1;
    }
    keep(chunk.subarray(from));
    if (lines.length > 0) yield sent(lines);
  }
  if (length > 0) yield sent([take(), NEWLINE_BYTES]);

  function keep(part: Buffer): void {
    const room = CHANGE_BYTES + 1 - length;
    if (room <= 0 || part.length === 0) return;
    parts.push(part.subarray(0, room));
    length += Math.min(part.length, room);
  }

  function take(): Buffer {
    const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
    parts = [];
    length = 0;
    number += 1;
    const text = number === 1 && line.subarray(0, 3).equals(BYTE_ORDER_MARK) ? line.subarray(3) : line;
    if (!isBlank(text)) answered += 1;
    return withId(text, number);
  }

  function sent(lines: Buffer[]): Lines {
    const bytes = Buffer.concat(lines);
    const count = answered;
    answered = 0;
    return { bytes, answered: count, last: number };
  }
}

/** The line with an id; the line as it is where it has one, or is no object: then the server says why. */
export function withId(line: Buffer, number: number): Buffer {
  const brace = line.indexOf('{');
  if (brace === -1) return line;
  const value = objectOf(line);
  if (value === undefined || Object.hasOwn(value, 'id')) return line;
  const comma = Object.keys(value).length === 0 ? '' : ',';
  const member = Buffer.from(`"id":"${lineId(line, number)}"${comma}`);
  return Buffer.concat([line.subarray(0, brace + 1), member, line.subarray(brace + 1)]);
}

/**
 * A UUIDv8 (RFC 9562, section 5.8): 48 bits of the line's number, so that ids grow with the file, then
 * 74 bits of SHA-256 over the number in decimal, a new line, and the line without white space at its ends.
 */
export function lineId(line: Buffer, number: number): string {
  const digest = createHash('sha256').update(`${number}\n`).update(trimmed(line)).digest();
  const id = Buffer.alloc(16);
  id.writeUIntBE(number, 0, 6);
  digest.copy(id, 6, 0, 10);
  id[6] = 0x80 | ((id[6] as number) & 0x0f);
  id[8] = 0x80 | ((id[8] as number) & 0x3f);
  const hex = id.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function objectOf(line: Buffer): object | undefined {
  try {
    const value: unknown = parseText(line.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function trimmed(line: Buffer): Buffer {
  let [from, to] = [0, line.length];
  while (from < to && isSpace(line[from] as number)) from++;
  while (to > from && isSpace(line[to - 1] as number)) to--;
  return line.subarray(from, to);
}

function isBlank(line: Buffer): boolean {
  return line.every(isSpace);
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 13;
}
