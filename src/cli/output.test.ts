import { describe, expect, it } from 'vitest';
import { differenceLines } from './differences.ts';
import {
  bytesText,
  cut,
  durationText,
  indentedJson,
  instantText,
  jsonText,
  plain,
  tableText,
} from './output.ts';

describe('text of others', () => {
  it('is shown without what would move the cursor, colour the line or turn its direction', () => {
    expect(plain('a\u001b[31mb\u0007c\nd\u009be\u202ef')).toBe(
      'a\\u001b[31mb\\u0007c\\u000ad\\u009be\\u202ef',
    );
    expect(plain('Zürich 狐🦊 \u200d')).toBe('Zürich 狐🦊 \u200d');
  });

  it('stays JSON inside JSON', () => {
    const value = { 'a\u202e': ['\u009b', '\u001b', '"'] };
    expect(jsonText(value)).toBe('{"a\\u202e":["\\u009b","\\u001b","\\""]}');
    expect(JSON.parse(jsonText(value))).toEqual(value);
    expect(JSON.parse(indentedJson(value))).toEqual(value);
  });
});

describe('widths', () => {
  it('cut a text with an ellipsis, never inside a character', () => {
    expect(cut('abcdef', 6)).toBe('abcdef');
    expect(cut('abcdefg', 6)).toBe('abcde…');
    expect(cut('🦊🦊🦊🦊', 3)).toBe('🦊🦊…');
    expect(cut('🦊🦊🦊', 3)).toBe('🦊🦊🦊');
    expect(cut('abc', 0)).toBe('…');
  });

  it('make columns as wide as they need to be', () => {
    const table = tableText(
      ['id', 'name'],
      [
        ['1', 'a\nb'],
        ['1000', ''],
      ],
    );
    expect(table).toBe('id    name\n1     a\\u000ab\n1000');
  });
});

describe('differences', () => {
  it('read as added, removed and changed, array items included', () => {
    const changes = {
      '/name': ['Bern', 'Berne'],
      '/borders/2': [null, 'LIE'],
      '/tld': ['.ch', null],
    } as const;
    expect(differenceLines(changes as never, '  ', false)).toEqual([
      '  ~ /name  "Bern" → "Berne"',
      '  + /borders/2  "LIE"',
      '  - /tld  ".ch"',
    ]);
  });

  it('take a line for each side where they are long', () => {
    const long = { text: 'x'.repeat(100) };
    expect(differenceLines({ '/a': [long, 1] } as never, '', false)).toEqual([
      '~ /a',
      `    - ${JSON.stringify(long)}`,
      '    + 1',
    ]);
  });

  it('are the first twelve and the number of the others, unless all are asked for', () => {
    const changes = Object.fromEntries(
      Array.from({ length: 15 }, (_, at) => [`/${at}`, [null, at] as const]),
    );
    const few = differenceLines(changes as never, '', false);
    expect(few).toHaveLength(13);
    expect(few.at(-1)).toBe('and 3 more; --full shows them');
    expect(differenceLines(changes as never, '', true)).toHaveLength(15);
  });
});

describe('quantities', () => {
  it('have units that people read', () => {
    expect([0, 4.22, 9.96, 59.4, 185, 7800].map(durationText)).toEqual([
      '0.0 s',
      '4.2 s',
      '10 s',
      '59 s',
      '3 min 5 s',
      '2 h 10 min',
    ]);
    expect([0, 999, 1000, 1449, 99_949, 5e9].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.4 kB',
      '100 kB',
      '5.0 GB',
    ]);
    expect(['2026-03-01T09:30:00.000Z', '2026-03-01T09:30:00.123456Z'].map(instantText)).toEqual([
      '2026-03-01 09:30:00Z',
      '2026-03-01 09:30:00.123456Z',
    ]);
  });
});
