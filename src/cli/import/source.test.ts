import { randomBytes } from 'node:crypto';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompressed } from './source.ts';

const ONE = Buffer.from('one\n');
/** Larger than the buffers of streams, and not to be compressed away. */
const LARGE = Buffer.from(`${randomBytes(200_000).toString('base64')}\n`);
const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

describe('what is imported', () => {
  it.each([
    ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
    ['a short text', Buffer.from('{}'), Buffer.from('{}')],
    ['a text', LARGE, LARGE],
    ['gzip', gzipSync(LARGE), LARGE],
    ['gzip of several members', Buffer.concat([gzipSync(ONE), gzipSync(LARGE)]), Buffer.concat([ONE, LARGE])],
    ['zstd', zstdCompressSync(LARGE), LARGE],
    [
      'zstd of several frames',
      zstdOf(ONE, LARGE, ONE, ONE, LARGE),
      Buffer.concat([ONE, LARGE, ONE, ONE, LARGE]),
    ],
    [
      'zstd with frames to skip',
      Buffer.concat([SKIPPABLE, zstdOf(ONE), SKIPPABLE, zstdOf(LARGE)]),
      Buffer.concat([ONE, LARGE]),
    ],
  ] as const)('is read whole where it is %s, however it is cut into chunks', async (_, stored, text) => {
    for (const size of [1, 5, 4096, 65_536, 10_000_000]) {
      if (size < 4096 && stored.length > 100_000) continue;
      expect((await read(stored, size)).equals(text), `chunks of ${size}`).toBe(true);
    }
  });

  it.each([
    ['a text', LARGE],
    ['gzip', gzipSync(LARGE)],
    ['zstd', zstdCompressSync(LARGE)],
  ])('ends with the error of its source where it is %s, as where that is stopped', async (_, stored) => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield stored.subarray(0, stored.length / 2);
      throw new Error('stopped');
    }
    const reading = (async () => {
      for await (const _chunk of decompressed(broken()));
    })();
    await expect(reading).rejects.toThrow('stopped');
  });

  it('is read whole where a chunk ends with a frame', async () => {
    const frames = [zstdOf(ONE), zstdOf(LARGE), zstdOf(ONE)];
    expect((await readChunks(frames)).equals(Buffer.concat([ONE, LARGE, ONE]))).toBe(true);
  });

  it.each([
    ['gzip', gzipSync(LARGE)],
    ['zstd', zstdCompressSync(LARGE, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  ])('fails where %s is cut off or damaged', async (_, stored) => {
    await expect(read(stored.subarray(0, -1000), 65_536)).rejects.toThrow();
    const damaged = Buffer.from(stored);
    damaged.fill(0xff, 100_000, 100_100);
    await expect(read(damaged, 65_536)).rejects.toThrow();
  });
});

function zstdOf(...texts: Buffer[]): Buffer {
  return Buffer.concat(texts.map((text) => zstdCompressSync(text)));
}

function read(stored: Buffer, size: number): Promise<Buffer> {
  const count = Math.ceil(stored.length / size);
  return readChunks(
    Array.from({ length: count }, (_, index) => stored.subarray(index * size, (index + 1) * size)),
  );
}

async function readChunks(chunks: Buffer[]): Promise<Buffer> {
  async function* input(): AsyncGenerator<Buffer> {
    yield* chunks;
  }
  const parts: Buffer[] = [];
  for await (const part of decompressed(input())) parts.push(part);
  return Buffer.concat(parts);
}
