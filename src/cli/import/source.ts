// What is imported: a file or standard input, plain or compressed. The form is told from the first
// bytes, not from the name, so that standard input may be compressed as well.

import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { CliError, EXIT, reasonOf } from '../exit.ts';

export interface Source {
  /** The text, decompressed. Throws CliError where it cannot be read, is cut off or damaged, or was stopped. */
  chunks: AsyncIterable<Buffer>;
  /** Bytes taken so far, as they are stored. */
  bytesRead(): number;
  /** Bytes of the file as it is stored; undefined for standard input. */
  size: number | undefined;
  /** Stops reading, whatever is there yet. */
  stop(): void;
}

/** @throws CliError where the file cannot be read. `-` is standard input. */
export async function openSource(file: string): Promise<Source> {
  const { stored, size } = file === '-' ? { stored: process.stdin, size: undefined } : await openFile(file);
  let read = 0;
  let isStopped = false;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of stored as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
  }
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      yield* decompressed(counted());
    } catch (error) {
      if (isStopped) throw new CliError(EXIT.interrupted, 'stopped (the same command again goes on)');
      throw new CliError(EXIT.failed, `${nameOf(file)} cannot be read to its end: ${reasonOf(error)}`);
    }
  }
  function stop(): void {
    isStopped = true;
    stored.destroy(new Error('stopped'));
  }
  return { chunks: chunks(), bytesRead: () => read, size, stop };
}

async function openFile(file: string): Promise<{ stored: Readable; size: number | undefined }> {
  try {
    const handle = await open(file);
    const found = await handle.stat();
    if (found.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    // Of a named pipe nobody knows how much will come.
    return { stored: handle.createReadStream(), size: found.isFile() ? found.size : undefined };
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} cannot be read: ${reasonOf(error)}`);
  }
}

export function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

const GZIP = 0x1f8b;
const ZSTD = 0x28b52ffd;
/** Other tools put skippable frames before those with content: `5?2a4d18` (RFC 8878, section 3.1.2). */
const ZSTD_SKIPPABLE = 0x2a4d18;

/** Plain text as it is; gzip and zstd decompressed, whatever number of members or frames they have. */
export async function* decompressed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = chunks[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  while (first.length < 4) {
    const { done, value } = await input.next();
    if (done === true) break;
    first = Buffer.concat([first, value]);
  }
  const rest = { [Symbol.asyncIterator]: () => input };
  if (first.length >= 2 && first.readUInt16BE() === GZIP) yield* gunzipped(first, rest);
  else if (isZstd(first)) yield* unframed(first, input);
  else {
    if (first.length > 0) yield first;
    yield* rest;
  }
}

function isZstd(first: Buffer): boolean {
  if (first.length < 4) return false;
  const isSkippable = (first[0] as number) >> 4 === 5 && first.readUIntBE(1, 3) === ZSTD_SKIPPABLE;
  return isSkippable || first.readUInt32BE() === ZSTD;
}

async function* gunzipped(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  async function* all(): AsyncGenerator<Buffer> {
    yield first;
    yield* rest;
  }
  // The iteration below throws what the callback is told.
  yield* pipeline(Readable.from(all()), createGunzip(), () => undefined) as AsyncIterable<Buffer>;
}

/** Node's decompressor ends with the first frame that ends inside a write; each further one takes a new one. */
async function* unframed(first: Buffer, input: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let next: Buffer | undefined = first; next !== undefined; ) {
    const frame = createZstdDecompress();
    const feeding = feed(frame, next, input);
    // An error of the frame comes first; one of the input ends the frame, which would else be waited for.
    feeding.catch((error: Error) => frame.destroy(error));
    yield* frame as AsyncIterable<Buffer>;
    next = await feeding;
  }
}

/** Feeds one frame; answers what stood behind it, undefined at the end of the input. */
async function feed(
  frame: ZstdDecompress,
  first: Buffer,
  input: AsyncIterator<Buffer>,
): Promise<Buffer | undefined> {
  let fed = 0;
  for (let chunk: Buffer | undefined = first; chunk !== undefined; chunk = await nextOf(input)) {
    const part: Buffer = chunk;
    await new Promise<void>((resolve, reject) => {
      frame.write(part, (error) => (error ? reject(error) : resolve()));
    });
    fed += part.length;
    const left = fed - frame.bytesWritten;
    if (left > 0) return part.subarray(part.length - left);
  }
  frame.end();
  return undefined;
}

async function nextOf(input: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  const { done, value } = await input.next();
  return done === true ? undefined : value;
}
