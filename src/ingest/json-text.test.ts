import { describe, expect, test, vi } from 'vitest';
import { AnnalsError, type ErrorFacts } from '../core/errors.ts';
import { canonicalize, isEqual, type Json } from '../core/json.ts';
import { parseCertain, parseJson } from './json-text.ts';
import { BODY_BYTES, GOT_CHARACTERS, JSON_LEVELS, POINTER_CHARACTERS } from './limits.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string): Json => parseJson(bytesOf(text));

/** What the reading of a text, or of bytes, is refused with. */
function refusalOf(input: string | Uint8Array): { code: string; message: string } & ErrorFacts {
  try {
    parseJson(typeof input === 'string' ? bytesOf(input) : input);
  } catch (error) {
    if (error instanceof AnnalsError) return { code: error.code, message: error.message, ...error.facts };
    throw error;
  }
  return { code: 'none', message: '' };
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('reading', () => {
  test('reads what JSON.parse reads', () => {
    const text = ' {"a":[1,-2.5,"\\u00e9\\ud83d\\ude00\\n/",true,false,null,{}],"b":{"":[]}}\r\n';
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test('takes large and small numbers that a double can hold', () => {
    expect(parse('[1e21,5e-324,48.66666666666666666,1.7976931348623157e308,0e999,0.0e-999]')).toEqual([
      1e21,
      5e-324,
      48.666666666666664,
      Number.MAX_VALUE,
      0,
      0,
    ]);
  });

  test('takes integers up to 2^53 - 1, however they are written', () => {
    expect(
      parse('[9007199254740991,-9007199254740991,9007199254740991.0,9.007199254740991e15,1e15]'),
    ).toEqual([
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
      1e15,
    ]);
  });

  test('keeps the sign of a negative zero', () => {
    expect(Object.is(parse('-0'), -0)).toBe(true);
  });

  test('keeps a member named __proto__ as a member', () => {
    const value = parse('{"__proto__":{"isAdmin":true},"a":1}') as object;
    expect(Object.keys(value)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('isAdmin' in value).toBe(false);
  });

  test('keeps the last of members with the same name', () => {
    expect(parse('{"a":1,"a":2}')).toEqual({ a: 2 });
  });

  test('skips one byte order mark at the start', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
    expect(refusalOf('\ufeff\ufeff{"a":1}').code).toBe('malformed_json');
  });

  test('reads a view into a larger buffer', () => {
    expect(parseJson(bytesOf('xx{"a":1}xx').subarray(2, 9))).toEqual({ a: 1 });
  });

  test('takes escaped backslashes before what looks like an escape of U+0000', () => {
    expect(parse('"\\\\u0000\\\\ud800"')).toBe('\\u0000\\ud800');
  });
});

describe('refused text', () => {
  test.each([
    ['a byte that UTF-8 has not', [0x22, 0x61, 0xff, 0x22], '0xff at byte 2'],
    ['a surrogate in bytes', [0x22, 0xed, 0xa0, 0x80, 0x22], '0xed at byte 1'],
    ['a character cut in the middle', [0x22, 0xe2, 0x82], '0xe2 at byte 1'],
    ['an end that looks like the start of a replacement character', [0x22, 0xef, 0xbf], 'the end at byte 3'],
    ['an overlong form', [0x22, 0xc0, 0x80, 0x22], '0xc0 at byte 1'],
  ])('refuses %s, and says where it stands', (_, bytes, got) => {
    expect(refusalOf(Uint8Array.from(bytes))).toEqual({
      code: 'invalid_text',
      message: `the text must be UTF-8; got ${got}`,
      field: '',
      limit: 'UTF-8',
      got,
    });
  });

  test.each([
    ['a lone high surrogate', '{"a":["x","\\ud800y"]}', '/a/1', 'U+D800'],
    ['a lone low surrogate', '{"a":"\\uDC00"}', '/a', 'U+DC00'],
    ['surrogates in the wrong order', '{"a":"\\ude00\\ud83d"}', '/a', 'U+DE00'],
    ['U+0000', '{"a":{"b/c":"\\u0000"}}', '/a/b~1c', 'U+0000'],
    ['U+0000 behind a pair of surrogates', '"\\ud83d\\ude00\\u0000"', '', 'U+0000'],
  ])('refuses %s in a string, and names the field', (_, text, field, got) => {
    expect(refusalOf(text)).toEqual({
      code: 'invalid_text',
      message: `${field || 'the value'} must have no lone surrogate and no U+0000; got ${got}`,
      field,
      limit: 'no lone surrogate and no U+0000',
      got,
    });
  });

  test('refuses U+0000 and lone surrogates in member names, shown as replacement characters', () => {
    expect(refusalOf('{"a":{"x\\u0000y":1}}')).toMatchObject({
      code: 'invalid_text',
      message: 'the name of the member /a/x\ufffdy must have no lone surrogate and no U+0000; got U+0000',
      field: '/a/x\ufffdy',
      got: 'U+0000',
    });
    expect(refusalOf('{"x\\ud800":1}')).toMatchObject({
      code: 'invalid_text',
      field: '/x\ufffd',
      got: 'U+D800',
    });
  });

  test('names a field below a member that is named __proto__', () => {
    expect(refusalOf('{"__proto__":{"a":"\\u0000"}}').field).toBe('/__proto__/a');
  });
});

describe('refused numbers', () => {
  test.each([
    ['an integer just beyond 2^53 - 1', '{"n":9007199254740992}', '/n', '9007199254740992'],
    ['an integer just beyond -(2^53 - 1)', '[0,-9007199254740992]', '/1', '-9007199254740992'],
    ['an integer beyond a double', `[${'9'.repeat(400)}]`, '/0', `${'9'.repeat(GOT_CHARACTERS - 1)}…`],
  ])('refuses %s, with its digits', (_, text, field, got) => {
    expect(refusalOf(text)).toEqual({
      code: 'number_out_of_range',
      message: `${field} must be an integer within ±9007199254740991, or a string; got ${got}`,
      field,
      limit: Number.MAX_SAFE_INTEGER,
      got,
    });
  });

  test.each([
    '1e16',
    '-1E+16',
    '9007199254740993.0',
    '9007199254740991.5',
    '12345678901234567890.5',
    '999999999999999900000.0',
    '9.999999999999999e20',
  ])('refuses %s, which canonical text would write as an integer that is refused', (written) => {
    expect(refusalOf(`[${written}]`)).toEqual({
      code: 'number_out_of_range',
      message: `/0 must be from ±1e21 on or within ±9007199254740991, or a string; got ${written}`,
      field: '/0',
      limit: Number.MAX_SAFE_INTEGER,
      got: written,
    });
    expect(parseCertain(written)).toBeUndefined();
  });

  test.each([
    ['a large number', '1e400', '1e400'],
    ['a large negative number', '-1.5E+999', '-1.5E+999'],
    ['a long number', `1${'0'.repeat(309)}.0`, `1${'0'.repeat(GOT_CHARACTERS - 2)}…`],
  ])('refuses %s beyond the range of a double', (_, written, got) => {
    expect(refusalOf(`{"a":{"b":[0,${written}]}}`)).toEqual({
      code: 'number_out_of_range',
      message: `/a/b/1 must be a number within ±1.7976931348623157e+308, or a string; got ${got}`,
      field: '/a/b/1',
      limit: Number.MAX_VALUE,
      got,
    });
  });

  test.each([
    ['a small exponent', '1e-400', '1e-400'],
    ['a negative number', '-0.1E-330', '-0.1E-330'],
    ['a padded exponent', '3e-0324000', '3e-0324000'],
    ['many zeros', `0.${'0'.repeat(330)}1`, `0.${'0'.repeat(GOT_CHARACTERS - 3)}…`],
    ['zeros and an exponent', `0.${'0'.repeat(230)}1e-99`, `0.${'0'.repeat(GOT_CHARACTERS - 3)}…`],
  ])('refuses what would read as zero and is not: %s', (_, written, got) => {
    expect(refusalOf(`[${written}]`)).toEqual({
      code: 'number_out_of_range',
      message: `/0 must be zero or a number beyond ±5e-324, or a string; got ${got}`,
      field: '/0',
      limit: Number.MIN_VALUE,
      got,
    });
  });

  test('takes a text that only looks like a number out of range', () => {
    expect(parse('["1e400","9007199254740993","x5e-400",0]')).toEqual([
      '1e400',
      '9007199254740993',
      'x5e-400',
      0,
    ]);
  });
});

describe('malformed JSON', () => {
  test.each([
    ['', 'position 0 (line 1, column 1): wanted a value; got the end of the text'],
    ['{', 'position 1 (line 1, column 2): wanted a member name in double quotes; got the end of the text'],
    ['{"a"', "position 4 (line 1, column 5): wanted ':' in /a; got the end of the text"],
    ['{"a":1', "position 6 (line 1, column 7): wanted ',' or '}'; got the end of the text"],
    ['{"a":1,}', 'position 7 (line 1, column 8): wanted a member name in double quotes; got "}"'],
    ['[1,\n2,\n x]', 'position 8 (line 3, column 2): wanted a value in /2; got "x"'],
    ['{"a":[1 2]}', "position 8 (line 1, column 9): wanted ',' or ']' in /a; got \"2\""],
    ['{"a":01}', "position 6 (line 1, column 7): wanted ',' or '}'; got \"1\""],
    ['[-]', 'position 2 (line 1, column 3): wanted a digit in /0; got "]"'],
    ['1.', 'position 2 (line 1, column 3): wanted a digit; got the end of the text'],
    ['NaN', 'position 0 (line 1, column 1): wanted a value; got "N"'],
    ['"a\tb"', 'position 2 (line 1, column 3): wanted a character, or a double quote at the end; got "\\t"'],
    ['"\\x"', 'position 2 (line 1, column 3): wanted an escape: " \\ / b f n r t or u; got "x"'],
    ['"\\u12g4"', 'position 5 (line 1, column 6): wanted a hexadecimal digit; got "g"'],
    ['{"a":1}{"b":2}', 'position 7 (line 1, column 8): wanted the end of the text; got "{"'],
    ['\u00a0{}', 'position 0 (line 1, column 1): wanted a value; got "\u00a0"'],
    ['[😀]', 'position 1 (line 1, column 2): wanted a value in /0; got "😀"'],
  ])('%j is malformed, and the message says where and why', (text, said) => {
    expect(refusalOf(text)).toMatchObject({ code: 'malformed_json', message: `malformed JSON at ${said}` });
  });

  test('says what was wanted and what was got, for machines too', () => {
    expect(refusalOf('{"a":[1 2]}')).toMatchObject({ field: '/a', limit: "',' or ']'", got: '"2"' });
  });

  test('comes before what is wrong with numbers and strings', () => {
    expect(refusalOf('{"a":1e400,"b":"\\u0000",}').code).toBe('malformed_json');
  });
});

describe('depth', () => {
  test(`takes ${JSON_LEVELS} levels`, () => {
    expect(JSON.stringify(parse(nested(JSON_LEVELS)))).toBe(nested(JSON_LEVELS));
  });

  test('refuses one level more, and names an ancestor of the place', () => {
    const text = `${'{"abc":'.repeat(JSON_LEVELS)}{}${'}'.repeat(JSON_LEVELS)}`;
    const field = '/abc'.repeat(20);
    expect(refusalOf(text)).toEqual({
      code: 'too_deep',
      message: `${field} must not take the JSON deeper than ${JSON_LEVELS} levels; got more`,
      field,
      limit: JSON_LEVELS,
      got: `more than ${JSON_LEVELS}`,
    });
  });

  test.each([
    ['a short text', nested(1_000)],
    ['a million levels', nested(1_000_000)],
    ['a body of nothing but opening brackets', '['.repeat(BODY_BYTES)],
    ['a body of objects that never end', '{"a":'.repeat(BODY_BYTES / 5)],
    ['deep nesting behind a long string', `["${'x'.repeat(BODY_BYTES / 10)}",${nested(100)}]`],
  ])('refuses %s', (_, text) => {
    expect(refusalOf(text)).toMatchObject({ code: 'too_deep', limit: JSON_LEVELS });
  });

  test('of a long text is known before JSON.parse, which would take seconds, is asked', () => {
    const parsed = vi.spyOn(JSON, 'parse');
    expect(refusalOf(nested(BODY_BYTES / 2)).code).toBe('too_deep');
    expect(parsed).not.toHaveBeenCalled();
    parsed.mockRestore();
  });

  test('counts no brackets within strings, in a text of any length', () => {
    const brackets = '[{"\\'.repeat(30_000);
    expect(parse(JSON.stringify([brackets, brackets]))).toEqual([brackets, brackets]);
  });

  test('takes a long text that is wide and not deep', () => {
    const wide = Array.from({ length: 20_000 }, (_, index) => ({ index, items: [[index]] }));
    expect(parse(JSON.stringify(wide))).toEqual(wide);
  });
});

describe('hostile bodies', () => {
  test.each([
    ['digits', '1'.repeat(BODY_BYTES), 'number_out_of_range'],
    ['zeros before a one', `0.${'0'.repeat(BODY_BYTES - 3)}1`, 'number_out_of_range'],
    ['a string that never ends', `"${'a'.repeat(BODY_BYTES - 1)}`, 'malformed_json'],
    ['backslashes', `"${'\\'.repeat(BODY_BYTES - 1)}`, 'malformed_json'],
    ['lone surrogates', `"${'\\ud800'.repeat(BODY_BYTES / 8)}"`, 'invalid_text'],
    ['commas', `[${','.repeat(BODY_BYTES - 1)}`, 'malformed_json'],
    ['closing brackets', ']'.repeat(BODY_BYTES), 'malformed_json'],
    ['numbers beyond all range', `[${'1e999,'.repeat(BODY_BYTES / 8)}0]`, 'number_out_of_range'],
  ])('refuses a body of %s with a short message', (_, text, code) => {
    const refusal = refusalOf(text);
    expect(refusal.code).toBe(code);
    expect(refusal.message.length).toBeLessThan(300);
  });

  test('repeats neither a long member name nor a long pointer', () => {
    const name = 'k'.repeat(100_000);
    const text = `${`{"${name}":`.repeat(20)}1e400${'}'.repeat(20)}`;
    const refusal = refusalOf(text);
    expect(refusal.field).toMatch(/^(?:\/k{79}…)+$/);
    expect(refusal.field?.length).toBeLessThanOrEqual(POINTER_CHARACTERS);
  });
});

describe('on random texts', () => {
  /** Numbers in 0 <= n < 1, the same for the same seed (mulberry32). */
  function randomOf(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  const PIECES = [
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      ' ',
      '\n',
      '-',
      '+',
      '.',
      'e',
      'E',
      '0',
      '1',
      '9',
      'u',
      '\0',
    ],
    ...[
      '"a":',
      '"\\ud83d\\ude00"',
      '\\ud800',
      '\\u0000',
      'true',
      'false',
      'null',
      'nul',
      'é',
      '😀',
      '1e400',
      '[]',
    ],
    ...['1e-400', '9007199254740992', '{"b":0}', '""', ',1', ',"c"', '"d":[1,{"e":"f"}],'],
  ];

  const NAMES = ['"c"', '"d"', '"e"', '"__proto__"', '"\\ud800"', '"\\u0000"', '"\\u00e9"', '""'];
  const SCALARS = [
    ...NAMES,
    '0',
    '-0.0',
    '0e-999',
    '7',
    '1e21',
    '9007199254740991',
    '9007199254740993',
    '9007199254740993.0',
    '-1e16',
    '-1e309',
    '2e-330',
  ];

  /** A value for `?`, mostly a good one; a member name for `!`, none twice. */
  function scalar(slot: string, random: () => number): string {
    const list = slot === '!' ? NAMES : random() < 0.5 ? SCALARS : ['1', 'null', '"x"', '[]'];
    const piece = list[Math.floor(random() * list.length)] as string;
    return slot === '!' ? `${piece.slice(0, -1)}${Math.floor(random() * 1e9)}"` : piece;
  }

  function randomText(random: () => number): string {
    const pick = () => PIECES[Math.floor(random() * PIECES.length)] as string;
    if (random() < 0.3) return Array.from({ length: 1 + random() * 8 }, pick).join('');
    if (random() < 0.6)
      return '{"a":[?,{"b/~":?}],!:?,!:{!:[?]}}'.replace(/[?!]/g, (slot) => scalar(slot, random));
    let text = '{"a":[1,-2.50e+3,"x\\n\\u00e9",{"b/~":null,"":true}],"c":{"d":[[0]],"e":"😀"}}';
    for (let edits = random() * 3; edits > 0; edits--) {
      const at = Math.floor(random() * text.length);
      text = text.slice(0, at) + (random() < 0.7 ? pick() : '') + text.slice(at + Math.floor(random() * 2));
    }
    return text.toWellFormed();
  }

  const SEEDS = Array.from({ length: 20_000 }, (_, index) => index);

  test('calls malformed exactly what JSON.parse refuses, always with a place', () => {
    for (const seed of SEEDS) {
      const text = randomText(randomOf(seed));
      let isMalformed = false;
      try {
        JSON.parse(text);
      } catch {
        isMalformed = true;
      }
      const { code, message } = refusalOf(text);
      expect(code === 'malformed_json', `seed ${seed}: ${text}`).toBe(isMalformed);
      if (isMalformed) expect(message, `seed ${seed}: ${text}`).toMatch(/^malformed JSON at position \d+ /);
    }
  });

  test('refuses a well-formed text exactly where a value would be altered or could not be kept', () => {
    for (const seed of SEEDS) {
      const text = randomText(randomOf(seed));
      const { code } = refusalOf(text);
      if (code === 'malformed_json') continue;
      // The same rules, stated on the outcome of JSON.parse and on what was written.
      const rules = new Set<string>();
      JSON.parse(text, (key, value: unknown, { source = '' }: { source?: string } = {}) => {
        const isBad = (one: unknown) =>
          typeof one === 'string' && (one.includes('\0') || !one.isWellFormed());
        if (isBad(key) || isBad(value)) rules.add('invalid_text');
        if (typeof value !== 'number') return value;
        const isInteger = /^-?\d+$/.test(source);
        if (isInteger ? !Number.isSafeInteger(value) : !Number.isFinite(value))
          rules.add('number_out_of_range');
        // Canonical text, as JSON.stringify has it: an integer too large has no exponent.
        if (Math.abs(value) >= 2 ** 53 && !JSON.stringify(value).includes('e'))
          rules.add('number_out_of_range');
        if (value === 0 && /^[^eE]*[1-9]/.test(source)) rules.add('number_out_of_range');
        return value;
      });
      expect(rules.size === 0 ? ['none'] : [...rules], `seed ${seed}: ${text}`).toContain(code);
      if (code === 'none') expect(parse(text)).toEqual(JSON.parse(text));
    }
  });

  /** Digits with a point and an exponent or without, of all sizes. */
  function randomNumber(random: () => number): string {
    const below = (end: number) => Math.floor(random() * end);
    const digits = (most: number) => Array.from({ length: 1 + below(most) }, () => below(10)).join('');
    const whole = digits(24).replace(/^0+(?=.)/, '');
    const fraction = random() < 0.5 ? `.${digits(24)}` : '';
    const exponent = random() < 0.5 ? `e${below(700) - 350}` : random() < 0.3 ? `E+0${below(30)}` : '';
    return `${random() < 0.3 ? '-' : ''}${whole}${fraction}${exponent}`;
  }

  test('takes the canonical text of every number that it takes, and reads the same', () => {
    let taken = 0;
    for (const seed of SEEDS) {
      const written = randomNumber(randomOf(seed));
      if (refusalOf(written).code !== 'none') continue;
      const value = parse(written);
      const canonical = canonicalize(value);
      expect(refusalOf(canonical), `seed ${seed}: ${written}`).toEqual({ code: 'none', message: '' });
      expect(isEqual(parse(canonical), value), `seed ${seed}: ${written}`).toBe(true);
      taken++;
    }
    expect(taken).toBeGreaterThan(SEEDS.length / 4);
  });
});
