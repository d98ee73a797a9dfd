// A client that says exactly the bytes that a test wants, and no more.

import { connect, type Socket } from 'node:net';
import { ROOT_TOKEN } from './harness.ts';

export interface RawClient {
  socket: Socket;
  /** What has come back so far. */
  received(): string;
  /** All that has come back, once the other side has closed. */
  closed: Promise<string>;
  /** Sends this again and again until the other side closes. */
  drip(bytes: string, everyMs: number): void;
}

/** @param allowHalfOpen whether it goes on sending when the other side has ended */
export async function connectRaw(url: string, allowHalfOpen = false): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen });
  let received = '';
  socket.on('error', () => undefined).setNoDelay(true);
  socket.on('data', (data: Buffer) => {
    received += data.toString('latin1');
  });
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return {
    socket,
    received: () => received,
    closed,
    drip(bytes, everyMs) {
      const timer = setInterval(() => socket.write(bytes), everyMs);
      void closed.then(() => clearInterval(timer));
    },
  };
}

/** The head of a `POST /v1/changes`; its body has a length, or comes in chunks. */
export function head(type: string, length?: number, token = ROOT_TOKEN): string {
  const framing = length === undefined ? 'transfer-encoding: chunked' : `content-length: ${length}`;
  return `POST /v1/changes HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: ${type}\r\n${framing}\r\n\r\n`;
}

/** For what comes about of itself, on a busy machine as well. */
export const SOON = { timeout: 60_000 };

export const JSON_TYPE = 'application/json';
export const LINES_TYPE = 'application/x-ndjson';

/** A chunk of a body that comes in chunks. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** The lines of JSON in what came back, past heads and the framing of chunks. */
export function linesIn<Line>(received: string): Line[] {
  return received
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}
