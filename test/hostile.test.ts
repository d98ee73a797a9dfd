// Connections that mean no good: the server stays up, and within its memory.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChildServer, startChild } from './child.ts';
import { ROOT_TOKEN } from './harness.ts';

const MIB = 1024 * 1024;
/** The server's bound, as the bench measures it with a million changes. */
const MOST_RESIDENT = 350 * MIB;
const folder = mkdtempSync(join(tmpdir(), 'annals-hostile-'));
let server: ChildServer;

beforeAll(async () => {
  server = await startChild({ ANNALS_DATABASE_URL: `sqlite:${join(folder, 'annals.db')}` });
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<Socket> {
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

const headers = (more: string): string =>
  `POST /v1/changes HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${ROOT_TOKEN}\r\n${more}\r\n`;

async function expectAlive(): Promise<void> {
  const answer = await fetch(`${server.url}/readyz`);
  expect(answer.status).toBe(200);
  expect(server.residentBytes()).toBeLessThan(MOST_RESIDENT);
}

/** Writes chunks until the other side refuses or ends, or `most` bytes are out; answers what came back. */
async function flood(socket: Socket, chunk: string, most: number): Promise<string> {
  let received = '';
  socket.on('data', (data) => {
    received += data.toString();
  });
  let isOpen = true;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(() => {
    isOpen = false;
  });
  for (
    let written = 0;
    written < most && isOpen && !received.startsWith('HTTP/1.1 4');
    written += chunk.length
  ) {
    if (!socket.write(chunk))
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
  }
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 500))]);
  socket.destroy();
  return received;
}

describe('a server', () => {
  it('refuses a JSON body that never ends with 413', async () => {
    const socket = await open();
    socket.write(headers('content-type: application/json\r\ntransfer-encoding: chunked\r\n'));
    const chunk = `${(65_536).toString(16)}\r\n${'['.repeat(65_536)}\r\n`;
    expect(await flood(socket, chunk, 40 * MIB)).toMatch(/^HTTP\/1\.1 413 /);
    await expectAlive();
  });

  it('refuses a line that never ends, once it is longer than a body may be, and reads no more of it', async () => {
    const socket = await open();
    socket.write(headers('content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n'));
    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
    const answer = await flood(socket, chunk, 16_384 * MIB);
    expect(answer).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*\n\{"error":\{[^\n]*"code":"too_large"[^\n]*"limit":10485760\}\}\n/,
    );
    await expectAlive();
  });

  it('keeps answering while connections send a byte now and then, of heads and of bodies', async () => {
    const sockets = await Promise.all(Array.from({ length: 50 }, open));
    const requests = ['json', 'x-ndjson'].map((type) =>
      headers(`content-type: application/${type}\r\ncontent-length: 1000000\r\n`),
    );
    for (const [n, socket] of sockets.entries()) if (n < 25) socket.write(requests[n % 2] as string);
    for (let byte = 0; byte < 20; byte++) {
      for (const socket of sockets) socket.write((requests[0] as string).slice(byte, byte + 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await expectAlive();
    for (const socket of sockets) socket.destroy();
  });

  it('keeps answering with 10,000 open connections', async ({ skip }) => {
    const sockets: Socket[] = [];
    try {
      while (sockets.length < 10_000) {
        sockets.push(...(await Promise.all(Array.from({ length: 250 }, open))));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EMFILE') skip('the limit of open files is below 10,000');
      throw error;
    }
    await expectAlive();
    for (const socket of sockets) socket.destroy();
    await expectAlive();
  });

  it.each([
    ['garbage', '\x00\x01\x02\r\n\r\n'],
    ['a request line without end', `GET /${'a'.repeat(100_000)}`],
    ['headers without end', `GET / HTTP/1.1\r\n${'x-header: y\r\n'.repeat(5000)}`],
    [
      'two lengths',
      'POST /v1/changes HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello',
    ],
    ['a length that is no number', 'POST /v1/changes HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n'],
  ])('answers %s with an error, and goes on', async (_, bytes) => {
    const socket = await open();
    const answer = await flood(socket, bytes, 1);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    await expectAlive();
  });

  it('survives clients that hang up in the middle of a body', async () => {
    const hangUp = async (type: string): Promise<void> => {
      const socket = await open();
      socket.write(headers(`content-type: ${type}\r\ncontent-length: 1000\r\n`));
      socket.write('{"resource":');
      await new Promise((resolve) => setTimeout(resolve, 10));
      socket.destroy();
    };
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        hangUp(index % 2 === 0 ? 'application/json' : 'application/x-ndjson'),
      ),
    );
    await expectAlive();
    const head = await fetch(`${server.url}/v1/head`, { headers: { authorization: `Bearer ${ROOT_TOKEN}` } });
    expect(await head.json()).toMatchObject({ size: 0 });
  });
});
