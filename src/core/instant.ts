// Instants: whole microseconds since 1970-01-01T00:00:00Z, as a safe integer. Microseconds are what
// PostgreSQL keeps, so both stores keep the same.

/** Microseconds since the Unix epoch. */
export type Instant = number;

/** The earliest and the latest instant that a safe integer of microseconds can name. */
export const MIN_INSTANT: Instant = -Number.MAX_SAFE_INTEGER; // 1684-07-28T00:12:25.259009Z
export const MAX_INSTANT: Instant = Number.MAX_SAFE_INTEGER; // 2255-06-05T23:47:34.740991Z

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Reads an RFC 3339 instant; digits beyond microseconds are cut off. Answers undefined where the
 * text is no such instant, names a day that does not exist, or lies outside MIN_INSTANT..MAX_INSTANT.
 * A leap second reads as the second after it.
 */
export function parseInstant(text: string): Instant | undefined {
  // Checked first and read then, and the same in many changes one after the other.
  if (text !== lastRead.text) lastRead = { text, instant: readInstant(text) };
  return lastRead.instant;
}

let lastRead: { text: string; instant: Instant | undefined } = { text: '', instant: undefined };

function readInstant(text: string): Instant | undefined {
  if (!RFC3339.test(text)) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  const isUtc = text.endsWith('Z') || text.endsWith('z');
  const fractionEnd = isUtc ? text.length - 1 : text.length - 6;
  const offsetHour = isUtc ? 0 : digits(text, fractionEnd + 1, fractionEnd + 3);
  const offsetMinute = isUtc ? 0 : digits(text, fractionEnd + 4, fractionEnd + 6);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (text[fractionEnd] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000;
  let micros = 0;
  for (let at = 20; at < 26; at++) micros = micros * 10 + (at < fractionEnd ? digits(text, at, at + 1) : 0);
  const instant = (millisOf(year, month, day, hour, minute, second) - offset) * 1000 + micros;
  return Number.isSafeInteger(instant) ? instant : undefined;
}

/** The number that the digits of a text make up. */
function digits(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at++) number = number * 10 + text.charCodeAt(at) - 48;
  return number;
}

function millisOf(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  const millis = Date.UTC(year, month - 1, day, hour, minute, second);
  if (year >= 100) return millis;
  // Date.UTC takes the first hundred years for those of the twentieth century.
  return new Date(millis).setUTCFullYear(year, month - 1, day);
}

const SLOTS = 64;
/** Neighbouring entries are often of the same second: a few that are written out up to their fraction, each in a slot of its own. */
const seconds: { second: number; text: string }[] = [];

/** RFC 3339 in UTC: three fraction digits, or six where the instant is no whole millisecond. */
export function formatInstant(instant: Instant): string {
  const micros = ((instant % 1_000_000) + 1_000_000) % 1_000_000;
  const text = secondText((instant - micros) / 1_000_000);
  // The digit before the fraction keeps its zeros.
  const fraction = micros % 1000 === 0 ? String(1000 + micros / 1000) : String(1_000_000 + micros);
  return `${text}${fraction.slice(1)}Z`;
}

/** `2026-03-01T09:30:00.` */
function secondText(second: number): string {
  const slot = Math.abs(second) % SLOTS;
  let known = seconds[slot];
  if (known?.second !== second) {
    known = { second, text: new Date(second * 1000).toISOString().slice(0, -'000Z'.length) };
    seconds[slot] = known;
  }
  return known.text;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
