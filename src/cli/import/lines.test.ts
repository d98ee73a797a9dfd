import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CHANGE_BYTES } from '../../ingest/limits.ts';
import { type Lines, lineId, linesOf, withId } from './lines.ts';

const CHANGE = '{"resource":{"type":"notes","id":"1"},"action":"create","after":{"id":"inner"}}';

describe('the id of a line', () => {
  it('is a UUIDv8 of 48 bits of line number and 74 bits of SHA-256, for ever', () => {
    const digest = createHash('sha256').update(`7\n${CHANGE}`).digest('hex');
    const id = lineId(Buffer.from(CHANGE), 7);
    expect(id).toBe('00000000-0007-8a26-a035-287e0bf306ca');
    expect(id).toMatch(/^00000000-0007-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(id.replaceAll('-', '').slice(13, 16)).toBe(digest.slice(1, 4));
    expect(id.replaceAll('-', '').slice(17)).toBe(digest.slice(5, 20));
  });

  it('grows with the line number', () => {
    const ids = [1, 2, 255, 256, 65_535, 65_536, 2 ** 32, 2 ** 48 - 1].map((number) =>
      lineId(Buffer.from(CHANGE), number),
    );
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('follows from the content, less white space at its ends', () => {
    const id = lineId(Buffer.from(CHANGE), 1);
    expect(lineId(Buffer.from(` ${CHANGE}\t\r`), 1)).toBe(id);
    expect(lineId(Buffer.from(CHANGE.replace('inner', 'other')), 1)).not.toBe(id);
  });
});

describe('a line', () => {
  it('gets an id as its first member, and is the same otherwise', () => {
    const line = Buffer.from(`  ${CHANGE}\r`);
    expect(withId(line, 3).toString()).toBe(`  {"id":"${lineId(line, 3)}",${CHANGE.slice(1)}\r`);
    expect(withId(Buffer.from('{}'), 1).toString()).toMatch(/^\{"id":"[^"]+"\}$/);
  });

  it.each([
    ['has an id', '{"id":"11111111-1111-4111-8111-111111111111","action":"access"}'],
    ['has an id by an escape', '{"\\u0069d":"x"}'],
    ['is no object', '[1]'],
    ['is no JSON', '{"action":'],
    ['is blank', '  '],
  ])('stays as it is where it %s', (_, text) => {
    expect(withId(Buffer.from(text), 1).toString()).toBe(text);
  });

  it('stays as it is, byte for byte, where it is not UTF-8', () => {
    const line = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect(withId(line, 1).subarray(1 - line.length)).toEqual(line.subarray(1));
  });
});

describe('lines of a text', () => {
  it('are the same however the text is cut into chunks', async () => {
    const text = Buffer.from(`${CHANGE}\n\n  \n{"a":"ä€🦊"}\nnonsense\n${CHANGE}`);
    const whole = await linesIn([text]);
    expect(whole.text.split('\n')).toHaveLength(7);
    expect(whole).toMatchObject({ answered: 4, last: 6 });
    for (const size of [1, 2, 3, 7, 40]) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
        text.subarray(index * size, (index + 1) * size),
      );
      expect(await linesIn(chunks), `chunks of ${size}`).toEqual(whole);
    }
  });

  it('are numbered with the blank ones, as the server numbers them', async () => {
    const { text } = await linesIn([Buffer.from(`\n\n${CHANGE}\n`)]);
    expect(text.split('\n')[2]).toContain('00000000-0003-8');
  });

  it('begin behind a byte order mark', async () => {
    const { text } = await linesIn([Buffer.from(`\ufeff${CHANGE}\n`)]);
    expect(text).toBe(`${withId(Buffer.from(CHANGE), 1)}\n`);
  });

  it('are cut off one byte beyond what a change may have', async () => {
    const chunk = Buffer.alloc(CHANGE_BYTES, 'a');
    const { text } = await linesIn([chunk, chunk, chunk, Buffer.from(`\n${CHANGE}\n`)]);
    const [long, next] = text.split('\n');
    expect(long).toHaveLength(CHANGE_BYTES + 1);
    expect(next).toContain('"id":"00000000-0002-8');
  });
});

async function linesIn(chunks: Buffer[]): Promise<{ text: string; answered: number; last: number }> {
  const read: Lines[] = [];
  for await (const lines of linesOf(asyncOf(chunks))) read.push(lines);
  return {
    text: Buffer.concat(read.map(({ bytes }) => bytes)).toString(),
    answered: read.reduce((sum, { answered }) => sum + answered, 0),
    last: read.at(-1)?.last ?? 0,
  };
}

async function* asyncOf(chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
