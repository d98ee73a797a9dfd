// Clients that take their time, or never read: each is told so or hung up on, and costs little meanwhile.

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AnnalsError } from '../src/core/errors.ts';
import { CONNECTION_LIMITS, type ConnectionLimits } from '../src/http/limits.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import { noted } from './command.ts';
import {
  chunk,
  connectRaw,
  head,
  JSON_TYPE,
  LINES_TYPE,
  linesIn,
  type RawClient,
  SOON,
} from './raw-client.ts';
import { startWorld, type World } from './world.ts';

const MIB = 1024 * 1024;
/** What a socket's two ends may hold beside what the server has read. */
const IN_SOCKETS = 24 * MIB;

let world: World;
afterEach(() => world.stop());

async function start(limits: Partial<ConnectionLimits>, store = openMemoryStore()): Promise<void> {
  world = await startWorld({ store, limits: { ...CONNECTION_LIMITS, ...limits } });
}

async function open(bytes: string, allowHalfOpen = false): Promise<RawClient> {
  const client = await connectRaw(world.url, allowHalfOpen);
  client.socket.write(bytes);
  return client;
}

interface Flood {
  /** Bytes that the other side, or a socket on the way to it, has taken. */
  taken(): number;
  /** Resolves when nothing more is taken, or everything was. */
  stalled(): Promise<void>;
}

/** Sends as fast as it is taken. */
function flood({ socket }: RawClient, bytes: string, most: number): Flood {
  const write = (): void => {
    while (!socket.destroyed && socket.bytesWritten < most) if (!socket.write(bytes)) return;
  };
  socket.on('drain', write);
  write();
  const taken = (): number => socket.bytesWritten - socket.writableLength;
  return {
    taken,
    async stalled() {
      for (let before = -1; before !== taken(); ) {
        before = taken();
        await delay(300);
      }
    },
  };
}

/** How busy this process is, with the server in it: from 0 to 1. */
async function utilization(): Promise<number> {
  const before = performance.eventLoopUtilization();
  await delay(300);
  return performance.eventLoopUtilization(before).utilization;
}

function connections(): Promise<number> {
  return new Promise((resolve) => world.app.server.getConnections((_, count) => resolve(count)));
}

describe('a body that comes a byte at a time', () => {
  it('is refused when its time is over', async () => {
    await start({ bodyMs: 300 });
    const { closed, drip } = await open(`${head(JSON_TYPE, 1_000_000)}{`);
    drip(' ', 50);
    expect(await closed).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
  });

  it('is refused as a line of a stream, after the lines before it', async () => {
    await start({ bodyMs: 300 });
    const { closed, drip } = await open(head(LINES_TYPE) + chunk(`${JSON.stringify(noted(1))}\n{`));
    drip(chunk(' '), 50);
    expect(linesIn(await closed)).toMatchObject([
      { changed: true },
      { error: { code: 'request_timeout', limit: 300 } },
    ]);
  });

  it('is refused whatever it says that it is', async () => {
    await start({ bodyMs: 300 });
    const { closed, drip } = await open(
      head(LINES_TYPE, 1_000_000).replace('/v1/changes', '/management/v1/orgs/me/changes/_search'),
    );
    drip(' ', 50);
    expect(await closed).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('is read for a moment more when it is refused, and its connection is not reset', async () => {
    await start({ bodyMs: 100, lingerMs: 3_600_000 });
    const { received, closed, socket } = await open(`${head(JSON_TYPE, 8 * MIB)}{`, true);
    const failed = vi.fn();
    socket.on('error', failed);
    await expect.poll(received, SOON).toMatch(/request_timeout/);
    socket.end(' '.repeat(8 * MIB - 1));
    await closed;
    expect(failed).not.toHaveBeenCalled();
  });

  it.each([
    ['a stream that is refused', head(LINES_TYPE, 1_000_000, 'unknown'), 401],
    [
      'a request that needs no body',
      head(JSON_TYPE, 1_000_000).replace('POST /v1/changes', 'GET /v1/head'),
      200,
    ],
  ])('is not waited for behind %s', async (_, bytes, status) => {
    await start({});
    const { closed, drip } = await open(bytes);
    drip(' ', 50);
    expect(await closed).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe('a stream of lines', () => {
  it('is ended where nothing comes', async () => {
    await start({ bodyMs: 100 });
    const { closed } = await open(head(LINES_TYPE));
    expect(linesIn(await closed)).toMatchObject([{ error: { code: 'request_timeout' } }]);
  });

  it('that is refused is read for a moment more, so that its client may finish', async () => {
    await start({ bodyMs: 100, lingerMs: 3_600_000 });
    const { received, closed, socket } = await open(`${head(LINES_TYPE)}${chunk('{')}`);
    await expect.poll(received, SOON).toMatch(/request_timeout/);
    for (let written = 0; written < 8 * MIB; written += MIB) socket.write(chunk('x'.repeat(MIB)));
    socket.write('0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    expect(await closed).toMatch(/request_timeout[\s\S]*HTTP\/1\.1 200 /);
  });

  it('goes on behind lines of which the store does not say what became of them', async () => {
    await start({});
    const failure = new AnnalsError('store_unavailable', 'the database does not answer');
    vi.spyOn(world.annals, 'recordEach').mockRejectedValueOnce(failure);
    const { received, closed, socket } = await open(head(LINES_TYPE) + chunk('{}\n{}\n'));
    await expect.poll(received, SOON).toMatch(/"line":2/);
    socket.write(chunk(`${JSON.stringify(noted(1))}\n`));
    await expect.poll(received, SOON).toMatch(/"position"/);
    socket.end('0\r\n\r\n');
    expect(linesIn(await closed)).toMatchObject([
      { line: 1, error: { code: 'store_unavailable' } },
      { line: 2, error: { code: 'store_unavailable' } },
      { changed: true },
    ]);
  });

  it('is not read while its lines wait for the store', async () => {
    const store = openMemoryStore();
    await start({}, store);
    const held = Promise.withResolvers<void>();
    const append = store.append.bind(store);
    vi.spyOn(store, 'append').mockImplementation(async (...given) => {
      await held.promise;
      return append(...given);
    });
    const client = await open(head(LINES_TYPE));
    const line = JSON.stringify({ ...noted(1), metadata: { text: 'x'.repeat(100_000) } });
    const { taken, stalled } = flood(client, chunk(`${line}\n`.repeat(10)), 200 * MIB);
    await stalled();
    expect(taken()).toBeLessThan(IN_SOCKETS + 8 * MIB);
    client.socket.destroy();
    held.resolve();
  });
});

describe('a client that does not read its answers', () => {
  /** Short lines, and long answers. */
  const LINES = chunk('{\n'.repeat(1000));

  async function openUnread(): Promise<RawClient> {
    const client = await open(head(LINES_TYPE));
    client.socket.pause();
    return client;
  }

  it('is not read from, and costs no time', async () => {
    await start({});
    const recorded = vi.spyOn(world.annals, 'recordEach');
    const client = await openUnread();
    const { taken, stalled } = flood(client, LINES, 64 * MIB);
    await stalled();
    expect(taken()).toBeLessThan(IN_SOCKETS);
    // The errors of so many are in the memory at one time.
    expect(Math.max(...recorded.mock.calls.map(([, lines]) => lines.length))).toBeLessThanOrEqual(512);
    await expect.poll(utilization, SOON).toBeLessThan(0.5);
    client.socket.destroy();
  });

  it('is hung up on', async () => {
    await start({ bodyMs: 100 });
    const client = await openUnread();
    flood(client, LINES, 64 * MIB);
    await client.closed;
  });

  it('is hung up on where it has sent all', async () => {
    await start({ bodyMs: 100, keepAliveMs: 100 });
    const { socket } = await openUnread();
    // Less than stops the server from reading.
    for (let n = 0; n < 20; n++) socket.write(LINES);
    socket.write('0\r\n\r\n');
    await expect.poll(connections, SOON).toBe(0);
    socket.destroy();
  });
});
