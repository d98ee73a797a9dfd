// Streams NDJSON into a server and its answers away, in constant memory.

import { once } from 'node:events';
import { request } from 'node:http';
import { type CountryChange, countryChanges } from '../test/countries.ts';
import { HEADERS } from './servers.ts';

/** The country history again and again under new ids of countries, as far as before line `to`. */
export function* repeatedLines(to: number, from = 0): Generator<string> {
  const changes = countryChanges();
  for (let line = from; line < to; line++) {
    const change = changes[line % changes.length] as CountryChange;
    const round = Math.floor(line / changes.length);
    const resource = {
      ...change.resource,
      id: round === 0 ? change.resource.id : `${change.resource.id}-${round}`,
    };
    yield `${JSON.stringify({ ...change, resource })}\n`;
  }
}

const CHUNK = 64 * 1024;

/** The lines as bytes, some together. */
export function* chunksOf(lines: Iterable<string>): Generator<Buffer> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK) continue;
    yield Buffer.from(chunk);
    chunk = '';
  }
  yield Buffer.from(chunk);
}

export interface Streamed {
  seconds: number;
  bytes: number;
  answers: number;
}

/** Sends the lines in the chunks as one body; every answer must be a receipt. */
export async function streamInto(
  url: string,
  chunks: Iterable<Buffer>,
  onProgress?: () => void,
): Promise<Streamed> {
  const out = request(`${url}/v1/changes`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-type': 'application/x-ndjson' },
  });
  let answers = 0;
  const ended = new Promise<void>((resolve, reject) => {
    out.once('error', reject);
    out.once('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) answers += 1;
        if (chunk.includes('"error"')) reject(new Error(chunk.toString().slice(0, 500)));
      });
      response.once('end', resolve);
    });
  });
  const started = performance.now();
  let bytes = 0;
  for (const chunk of chunks) {
    bytes += chunk.length;
    if (!out.write(chunk)) await once(out, 'drain');
    onProgress?.();
  }
  out.end();
  await ended;
  return { seconds: (performance.now() - started) / 1000, bytes, answers };
}
