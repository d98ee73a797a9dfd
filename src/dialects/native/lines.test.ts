import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BODY_BYTES, CHANGE_BYTES } from '../../ingest/limits.ts';
import { linesOf } from './lines.ts';

/** What the lines of a body are, and what ended them. */
interface Read {
  lines: string[];
  code?: string;
}

let body: PassThrough;
let stopping: AbortController;
beforeEach(() => {
  body = new PassThrough();
  stopping = new AbortController();
});

/** @param took how long each lot of lines takes whoever reads them */
async function read(took?: () => void): Promise<Read> {
  const lines: string[] = [];
  const annals = { bodyMs: 1000, stopping: stopping.signal };
  try {
    for await (const some of linesOf(body as unknown as IncomingMessage, annals)) {
      lines.push(...some.map(String));
      took?.();
    }
    return { lines };
  } catch (error) {
    return { lines, code: (error as { code: string }).code };
  }
}

describe('the lines of a body', () => {
  it('are the same however they are cut into chunks, without the blanks before them', async () => {
    const text = Buffer.from('{"a":"ä"}\n\n \t{"b": 1} \r\n  \n{"c":1}');
    for (const size of [1, 2, 3, 7, 40]) {
      body = new PassThrough();
      for (let from = 0; from < text.length; from += size) body.write(text.subarray(from, from + size));
      body.end();
      expect(await read(), `chunks of ${size}`).toEqual({
        lines: ['{"a":"ä"}', '', '{"b": 1} \r', '', '{"c":1}'],
      });
    }
  });

  it('are cut off one byte beyond what a change may have, and end where one is longer than a body', async () => {
    body.write(`${'x'.repeat(CHANGE_BYTES + 100)}\n`);
    const reading = read();
    const part = Buffer.alloc(CHANGE_BYTES, 'x');
    for (let written = 0; written <= BODY_BYTES; written += part.length) body.write(part);
    const { lines, code } = await reading;
    expect(lines.map((line) => line.length)).toEqual([CHANGE_BYTES + 1]);
    expect(code).toBe('too_large');
  });

  it('end where the server stops, behind those that have been read', async () => {
    body.write('1\n2\n3');
    const reading = read(() => stopping.abort(Object.assign(new Error(), { code: 'shutting_down' })));
    expect(await reading).toEqual({ lines: ['1', '2'], code: 'shutting_down' });
    expect(await read()).toEqual({ lines: [], code: 'shutting_down' });
  });
});

describe('the time of a line', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  /** Writes, and lets what was written be read. */
  async function write(text: string): Promise<void> {
    body.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  }

  it('begins with its first byte, and does not begin again with the next', async () => {
    const reading = read();
    await write('1\n');
    vi.advanceTimersByTime(900);
    await write('{');
    vi.advanceTimersByTime(900);
    await write('2');
    vi.advanceTimersByTime(99);
    await write('}\n');
    for (let n = 0; n < 9; n++) {
      await write('x');
      vi.advanceTimersByTime(120);
    }
    expect(await reading).toEqual({ lines: ['1', '{2}'], code: 'request_timeout' });
  });

  it('does not begin with blanks, by which a client keeps its stream alive', async () => {
    const reading = read();
    for (let n = 0; n < 20; n++) {
      await write(n % 2 === 0 ? ' ' : '\n');
      vi.advanceTimersByTime(900);
    }
    await write('{}\n');
    body.end();
    expect((await reading).lines.at(-1)).toBe('{}');
  });

  it('does not pass while the lines before it are recorded', async () => {
    const reading = read(() => vi.advanceTimersByTime(5000));
    await write('1\n{');
    await write('}\n');
    body.end();
    expect(await reading).toEqual({ lines: ['1', '{}'] });
  });

  it('is over where nothing comes', async () => {
    const reading = read();
    vi.advanceTimersByTime(1000);
    expect(await reading).toEqual({ lines: [], code: 'request_timeout' });
  });
});
