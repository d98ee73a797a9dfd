// A body read as lines, in bounded memory and within its time.

import type { IncomingMessage } from 'node:http';
import { AnnalsError } from '../../core/errors.ts';
import { behindSpace } from '../../core/json-bytes.ts';
import { BODY_BYTES, CHANGE_BYTES } from '../../ingest/limits.ts';
import type { Annals } from '../dialect.ts';

const NEWLINE = 10;

/**
 * The lines of a body without their ends and the blanks before them, those of a chunk together. A line longer than a
 * change may be is given cut off, one byte over the limit.
 * @throws where the client is gone, the server stops, a line is longer than a body may be, or one that has begun does
 *   not end in time; where none has, its first byte is waited for as long
 */
export async function* linesOf(
  request: IncomingMessage,
  { bodyMs, stopping }: Pick<Annals, 'bodyMs' | 'stopping'>,
): AsyncGenerator<Buffer[]> {
  // Unlike the request's own iterator it leaves the connection open when it stops.
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const ended = new AbortController();
  const stop = (): void => ended.abort(stopping.reason);
  stopping.addEventListener('abort', stop);
  if (stopping.aborted) stop();
  const startTimer = (): NodeJS.Timeout => setTimeout(() => ended.abort(timedOut(bodyMs)), bodyMs);
  let timer = startTimer();
  let parts: Buffer[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value: chunk } = await unlessAborted(chunks.next(), ended.signal);
      if (done === true) break;
      const lines: Buffer[] = [];
      const isFirst = length === 0;
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, end));
        lines.push(take());
        from = end + 1;
      }
      keep(chunk.subarray(from));
      if (lines.length > 0) {
        // The time that they take is not the client's.
        clearTimeout(timer);
        yield lines;
        timer = startTimer();
      } else if (isFirst) timer.refresh();
      if (length > BODY_BYTES) throw lineTooLarge();
    }
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', stop);
  }
  if (length > 0) yield [take()];

  function keep(part: Buffer): void {
    const from = length === 0 ? behindSpace(part, 0) : 0;
    const text = from === 0 ? part : part.subarray(from);
    const room = CHANGE_BYTES + 1 - length;
    if (room > 0 && text.length > 0) parts.push(text.length <= room ? text : text.subarray(0, room));
    length += text.length;
  }

  function take(): Buffer {
    const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  }
}

/** Not by a race with one promise for all: it would keep something of every race. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function timedOut(bodyMs: number): AnnalsError {
  return new AnnalsError('request_timeout', `no line began, or one did not end, within ${bodyMs} ms`, {
    field: 'body',
    limit: bodyMs,
  });
}

function lineTooLarge(): AnnalsError {
  return new AnnalsError(
    'too_large',
    `a line is longer than ${BODY_BYTES} bytes, and is not read to its end`,
    {
      field: 'body',
      limit: BODY_BYTES,
    },
  );
}
