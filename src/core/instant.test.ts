import { describe, expect, test } from 'vitest';
import { formatInstant, MAX_INSTANT, MIN_INSTANT, parseInstant } from './instant.ts';

describe('parseInstant', () => {
  test.each([
    ['1970-01-01T00:00:00Z', 0],
    ['1970-01-01T00:00:01Z', 1_000_000],
    ['1969-12-31T23:59:59Z', -1_000_000],
    ['2000-02-29T00:00:00Z', 951_782_400_000_000],
    ['2024-02-29T12:30:45Z', 1_709_209_845_000_000],
    ['1900-03-01T00:00:00Z', -2_203_891_200_000_000],
  ])('reads %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  test('reads a lower-case t and z', () => {
    expect(parseInstant('1970-01-01t00:00:01z')).toBe(1_000_000);
  });

  test.each([
    ['1970-01-01T01:00:00+01:00', 0],
    ['1969-12-31T18:30:00-05:30', 0],
    ['1970-01-01T00:00:00-00:00', 0],
    ['1970-01-01T23:59:00+23:59', 0],
    ['1969-12-31T00:01:00-23:59', 0],
    ['2024-03-01T00:30:00+01:00', 1_709_249_400_000_000],
  ])('takes the offset of %s away', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  test.each([
    ['.1', 100_000],
    ['.12', 120_000],
    ['.123', 123_000],
    ['.1234', 123_400],
    ['.12345', 123_450],
    ['.123456', 123_456],
    ['.1234567', 123_456],
    ['.12345678', 123_456],
    ['.123456789', 123_456],
    ['.999999999', 999_999],
    ['.000001', 1],
    ['.0000009', 0],
  ])('reads the fraction %s, cut off at microseconds', (fraction, micros) => {
    expect(parseInstant(`1970-01-01T00:00:00${fraction}Z`)).toBe(micros);
    expect(parseInstant(`1969-12-31T23:59:59${fraction}Z`)).toBe(micros - 1_000_000);
  });

  test('reads a leap second as the second after it', () => {
    expect(parseInstant('2016-12-31T23:59:60Z')).toBe(parseInstant('2017-01-01T00:00:00Z'));
    expect(parseInstant('2016-12-31T15:59:60.25-08:00')).toBe(parseInstant('2017-01-01T00:00:00.25Z'));
  });

  test.each([
    ['February 29 of a common year', '2023-02-29T00:00:00Z'],
    ['February 29 of a century that is no leap year', '1900-02-29T00:00:00Z'],
    ['February 30', '2024-02-30T00:00:00Z'],
    ['April 31', '2024-04-31T00:00:00Z'],
    ['day 0', '2024-01-00T00:00:00Z'],
    ['day 32', '2024-01-32T00:00:00Z'],
    ['month 0', '2024-00-01T00:00:00Z'],
    ['month 13', '2024-13-01T00:00:00Z'],
    ['hour 24', '2024-01-01T24:00:00Z'],
    ['minute 60', '2024-01-01T00:60:00Z'],
    ['second 61', '2024-01-01T00:00:61Z'],
    ['an offset of 24 hours', '2024-01-01T00:00:00+24:00'],
    ['an offset of 60 minutes', '2024-01-01T00:00:00+00:60'],
    ['no offset', '2024-01-01T00:00:00'],
    ['an offset without a colon', '2024-01-01T00:00:00+0100'],
    ['an offset of hours only', '2024-01-01T00:00:00+01'],
    ['a space for the T', '2024-01-01 00:00:00Z'],
    ['a date only', '2024-01-01'],
    ['no seconds', '2024-01-01T00:00Z'],
    ['a point without digits', '2024-01-01T00:00:00.Z'],
    ['a comma for the point', '2024-01-01T00:00:00,5Z'],
    ['a year of two digits', '24-01-01T00:00:00Z'],
    ['a year of six digits', '+002024-01-01T00:00:00Z'],
    ['digits of another script', '２０２４-01-01T00:00:00Z'],
    ['white space around it', ' 2024-01-01T00:00:00Z'],
    ['a line end after it', '2024-01-01T00:00:00Z\n'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test.each([
    ['1684-07-28T00:12:25.259009Z', MIN_INSTANT],
    ['1684-07-28T00:12:25.259008Z', undefined],
    ['2255-06-05T23:47:34.740991Z', MAX_INSTANT],
    ['2255-06-05T23:47:34.740992Z', undefined],
    ['2255-06-06T00:47:34.740991+01:00', MAX_INSTANT],
    ['0000-01-01T00:00:00Z', undefined],
    ['0099-12-31T00:00:00Z', undefined],
    ['9999-12-31T23:59:59Z', undefined],
  ])('knows where safe integers end: %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });
});

describe('formatInstant', () => {
  test.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [1_000, '1970-01-01T00:00:00.001Z'],
    [1, '1970-01-01T00:00:00.000001Z'],
    [123_450, '1970-01-01T00:00:00.123450Z'],
    [-1, '1969-12-31T23:59:59.999999Z'],
    [-1_000, '1969-12-31T23:59:59.999Z'],
    [-1_000_001, '1969-12-31T23:59:58.999999Z'],
    [MIN_INSTANT, '1684-07-28T00:12:25.259009Z'],
    [MAX_INSTANT, '2255-06-05T23:47:34.740991Z'],
  ])('writes %d as %s', (instant, text) => {
    expect(formatInstant(instant)).toBe(text);
  });

  test('writes what parseInstant reads back, over the whole range', () => {
    for (let step = -2000; step <= 2000; step++) {
      const instant = Math.trunc((MAX_INSTANT / 2000) * step) - Math.sign(step) * (Math.abs(step) % 1000);
      expect(parseInstant(formatInstant(instant)), String(instant)).toBe(instant);
    }
  });

  test('writes texts that sort as their instants do, as long as they have the same digits', () => {
    const texts = [-5_000_000, -1_000, 0, 1_000, 1_709_209_845_000_000].map(formatInstant);
    expect(texts.toSorted()).toEqual(texts);
  });
});
