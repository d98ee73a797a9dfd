// Arrays of values in PostgreSQL's binary form: what an append sends. Binary, because it needs no
// escapes, no text of every number, and keeps instants and bytes exactly.

import type { Instant } from '../../core/instant.ts';

/** Object ids of the element types, which PostgreSQL never changes. */
const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  timestamptz: 1184,
  uuid: 2950,
  jsonb: 3802,
} as const;

/** 2000-01-01T00:00:00Z, from which PostgreSQL counts, in microseconds since 1970. */
const EPOCH_MICROS = 946_684_800_000_000;

const HEADER_BYTES = 20;
/** Where the header says how many items there are. */
const LENGTH_AT = 12;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;
const JSONB_VERSION = 1;

type Maybe<Value> = Value | null | undefined;

export const smallintArray = (values: readonly number[]): Buffer =>
  fixed(OID.int2, 2, values, (buffer, value, at) => buffer.writeInt16BE(value, at));

export const integerArray = (values: readonly number[]): Buffer =>
  fixed(OID.int4, 4, values, (buffer, value, at) => buffer.writeInt32BE(value, at));

/** Safe integers. */
export const bigintArray = (values: readonly Maybe<number>[]): Buffer =>
  fixed(OID.int8, 8, values, writeBigint);

export const booleanArray = (values: readonly boolean[]): Buffer =>
  fixed(OID.bool, 1, values, (buffer, value, at) => buffer.writeUInt8(value ? 1 : 0, at));

export const instantArray = (values: readonly Instant[]): Buffer =>
  fixed(OID.timestamptz, 8, values, (buffer, value, at) => writeInstant(buffer, value, at));

export const uuidArray = (values: readonly string[]): Buffer =>
  fixed(OID.uuid, 16, values, (buffer, value, at) => buffer.write(value.replaceAll('-', ''), at, 'hex'));

export const textArray = (values: readonly Maybe<string>[]): Buffer => texts(OID.text, values);

export const jsonArray = (values: readonly Maybe<string>[]): Buffer => texts(OID.json, values);

export const jsonbArray = (values: readonly Maybe<string>[]): Buffer =>
  texts(OID.jsonb, values, JSONB_VERSION);

export function bytesArray(values: readonly Uint8Array[]): Buffer {
  const bytes = values.reduce((sum, value) => sum + LENGTH_BYTES + value.length, 0);
  const buffer = header(OID.bytea, values.length, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = buffer.writeInt32BE(value.length, at);
    buffer.set(value, at);
    at += value.length;
  }
  return buffer;
}

/** One array of all items of arrays of one type. */
export function joinArrays(arrays: readonly Buffer[]): Buffer {
  const [first, ...others] = arrays as [Buffer, ...Buffer[]];
  if (others.length === 0) return first;
  const joined = Buffer.concat([first, ...others.map((array) => array.subarray(HEADER_BYTES))]);
  joined.writeInt32BE(
    arrays.reduce((length, array) => length + array.readInt32BE(LENGTH_AT), 0),
    LENGTH_AT,
  );
  return joined;
}

/** One instant in binary form; infinities become PostgreSQL's own. */
export function instantValue(instant: Instant): Buffer | string {
  if (!Number.isFinite(instant)) return instant < 0 ? '-infinity' : 'infinity';
  const buffer = Buffer.allocUnsafe(8);
  writeInstant(buffer, instant, 0);
  return buffer;
}

function fixed<Value>(
  oid: number,
  width: number,
  values: readonly Maybe<Value>[],
  write: (buffer: Buffer, value: Value, at: number) => unknown,
): Buffer {
  const buffer = header(oid, values.length, values.length * (LENGTH_BYTES + width));
  let at = HEADER_BYTES;
  for (const value of values) {
    const isNull = value === null || value === undefined;
    at = buffer.writeInt32BE(isNull ? NULL_LENGTH : width, at);
    if (isNull) continue;
    write(buffer, value, at);
    at += width;
  }
  return buffer.subarray(0, at);
}

function texts(oid: number, values: readonly Maybe<string>[], version?: number): Buffer {
  const prefix = version === undefined ? 0 : 1;
  const bytes = values.reduce(
    (sum, value) => sum + LENGTH_BYTES + prefix + Buffer.byteLength(value ?? ''),
    0,
  );
  const buffer = header(oid, values.length, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    if (value === null || value === undefined) {
      at = buffer.writeInt32BE(NULL_LENGTH, at);
      continue;
    }
    if (version !== undefined) buffer[at + LENGTH_BYTES] = version;
    const length = prefix + buffer.write(value, at + LENGTH_BYTES + prefix);
    at = buffer.writeInt32BE(length, at) + length;
  }
  return buffer.subarray(0, at);
}

/** One dimension that counts from 1; an empty array has none. */
function header(oid: number, length: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(1, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(length, LENGTH_AT);
  buffer.writeInt32BE(1, 16);
  return buffer;
}

function writeInstant(buffer: Buffer, instant: Instant, at: number): void {
  const micros = instant - EPOCH_MICROS;
  if (Number.isSafeInteger(micros)) writeBigint(buffer, micros, at);
  else buffer.writeBigInt64BE(BigInt(instant) - BigInt(EPOCH_MICROS), at);
}

function writeBigint(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 2 ** 32);
  buffer.writeInt32BE(high, at);
  buffer.writeUInt32BE(value - high * 2 ** 32, at + 4);
}
