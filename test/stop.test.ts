// How a server stops: what has come whole is finished and answered, what has not is refused, and the store is closed.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CONNECTION_LIMITS } from '../src/http/limits.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { startChild } from './child.ts';
import { noted, startAnnals } from './command.ts';
import { ROOT_TOKEN } from './harness.ts';
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
import { ask, startWorld, type World } from './world.ts';

/** Nothing ends because its time is over. */
const PATIENT = { ...CONNECTION_LIMITS, bodyMs: 3_600_000, stopMs: 3_600_000 };

let folder: string;
let store: Store;
/** Lets appends through to the store, which wait for it. */
let release: () => void;
let world: World;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'annals-stop-'));
  store = await openSqliteStore(join(folder, 'annals.db'));
  world = await startWorld({ store, limits: PATIENT });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function holdAppends(): void {
  const held = Promise.withResolvers<void>();
  const append = store.append.bind(store);
  vi.spyOn(store, 'append').mockImplementation(async (...given) => {
    await held.promise;
    return append(...given);
  });
  release = held.resolve;
}

/** How many requests have come, to wait for. */
function countRequests(): () => number {
  let count = 0;
  world.app.server.on('request', () => {
    count += 1;
  });
  return () => count;
}

const post = (n: number): Promise<{ status: number }> =>
  world.ask(ROOT_TOKEN, 'POST', '/v1/changes', { body: noted(n) });

async function storedNotes(): Promise<number> {
  const again = await startWorld({ store: await openSqliteStore(join(folder, 'annals.db')) });
  const { json } = await again.ask(ROOT_TOKEN, 'GET', '/v1/changes?type=notes&count=exact');
  await again.stop();
  return (json as { count: number }).count;
}

/** What a stream of lines says, sent as it is. */
async function openLines(...lines: string[]): Promise<RawClient> {
  const client = await connectRaw(world.url);
  client.socket.write(head(LINES_TYPE));
  for (const line of lines) client.socket.write(chunk(line));
  return client;
}

const lineOf = (n: number): string => `${JSON.stringify(noted(n))}\n`;

describe('a server that stops', () => {
  it('finishes and answers what has come, and keeps it', async () => {
    holdAppends();
    const recorded = vi.spyOn(world.annals, 'record');
    const recordedLines = vi.spyOn(world.annals, 'recordEach');
    const answers = Array.from({ length: 10 }, (_, n) => post(n));
    const lines = await openLines(lineOf(100), lineOf(101));
    const session = http2.connect(world.url);
    const over2 = statusOver2(session, JSON.stringify(noted(200)));
    await expect.poll(() => recorded.mock.calls.length, SOON).toBe(11);
    await expect
      .poll(() => recordedLines.mock.calls.flatMap(([, proposals]) => proposals).length, SOON)
      .toBe(2);
    const stopped = world.stop();
    // Meanwhile what is idle is closed.
    await delay(100);
    release();
    for (const answer of answers) expect((await answer).status).toBe(201);
    expect(await over2).toBe(201);
    expect(linesIn(await lines.closed)).toMatchObject([
      { changed: true },
      { changed: true },
      { error: { code: 'shutting_down' } },
    ]);
    await stopped;
    expect(await storedNotes()).toBe(13);
    await expect(post(300)).rejects.toThrow();
  });

  it('refuses new work over connections that are still busy', async () => {
    const requests = countRequests();
    holdAppends();
    const recorded = vi.spyOn(world.annals, 'record');
    const { socket, closed } = await connectRaw(world.url);
    const request = (n: number): string => {
      const body = JSON.stringify(noted(n));
      return head(JSON_TYPE, body.length) + body;
    };
    socket.write(request(1));
    await expect.poll(() => recorded.mock.calls.length, SOON).toBe(1);
    const stopped = world.stop();
    socket.write(request(2));
    await expect.poll(requests, SOON).toBe(2);
    release();
    const [, first, second] = (await closed).split('HTTP/1.1 ');
    expect(first).toMatch(/^201 /);
    expect(second).toMatch(/^503 [\s\S]*connection: close[\s\S]*"code":"shutting_down"/);
    await stopped;
    expect(await storedNotes()).toBe(1);
  });

  it('refuses what has not come whole, and is over without waiting for it', async () => {
    const requests = countRequests();
    const half = await connectRaw(world.url);
    half.socket.write(`${head(JSON_TYPE, 1000)}{"resource":`);
    const idle = await openLines(lineOf(1));
    const inALine = await openLines(`${lineOf(2)}{"resource":`);
    const refused = await connectRaw(world.url);
    refused.socket.write(`${head(LINES_TYPE, undefined, 'unknown')}${chunk('{"resource":')}`);
    const path = '/zitadel.management.v1.ManagementService/ListOrgChanges';
    // What answers RPCs is loaded with the first.
    expect((await world.ask(ROOT_TOKEN, 'POST', path, { body: {} })).status).toBe(200);
    const rpc = await connectRaw(world.url);
    rpc.socket.write(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    );
    const session = http2.connect(world.url);
    const over2 = statusOver2(session, '{"resource":', false);
    // Of two requests over one session the first has come when the second is answered.
    await statusOver2(session, JSON.stringify(noted(3)));
    await expect.poll(requests, SOON).toBe(6);
    await expect.poll(() => linesIn(idle.received() + inALine.received()), SOON).toHaveLength(2);
    await world.stop();
    expect(await half.closed).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"shutting_down"/);
    for (const lines of [idle, inALine]) {
      expect(linesIn(await lines.closed)).toMatchObject([
        { changed: true },
        { error: { code: 'shutting_down', status: 503 } },
      ]);
    }
    expect(await refused.closed).toMatch(/^HTTP\/1\.1 401 /);
    await rpc.closed;
    expect(await over2).toBe(503);
    expect(await storedNotes()).toBe(3);
  });

  it('records nothing of what it has refused, where the rest comes all the same', async () => {
    const requests = countRequests();
    const body = JSON.stringify(noted(1));
    const { socket, received, closed } = await connectRaw(world.url);
    socket.write(head(JSON_TYPE, body.length) + body.slice(0, 10));
    await expect.poll(requests, SOON).toBe(1);
    const stopped = world.stop();
    await expect.poll(received, SOON).toMatch(/"code":"shutting_down"/);
    socket.write(body.slice(10));
    await closed;
    await stopped;
    expect(await storedNotes()).toBe(0);
  });
});

describe('a server whose time to stop is over', () => {
  it('hangs up on whoever is left', async () => {
    await world.stop();
    store = await openSqliteStore(join(folder, 'annals.db'));
    world = await startWorld({ store, limits: { ...PATIENT, stopMs: 100 } });
    holdAppends();
    const recorded = vi.spyOn(world.annals, 'record');
    const waiting = expect(post(1)).rejects.toThrow();
    const session = http2.connect(world.url).on('error', () => undefined);
    const over2 = expect(statusOver2(session, JSON.stringify(noted(2)))).rejects.toThrow();
    const inItsHead = await connectRaw(world.url);
    inItsHead.socket.write('POST /v1/changes HTTP/1.1\r\nhost:');
    await expect.poll(() => recorded.mock.calls.length, SOON).toBe(2);
    const stopped = world.stop();
    await Promise.all([waiting, over2, inItsHead.closed]);
    release();
    await stopped;
  });
});

describe('annals serve, told to stop', () => {
  it('ends well while a file is imported, and the import says that it may go on', async () => {
    const server = await startChild({ ANNALS_DATABASE_URL: `sqlite:${join(folder, 'other.db')}` });
    const env = { ANNALS_URL: server.url, ANNALS_TOKEN: ROOT_TOKEN };
    const importing = startAnnals(['import', '-', '--json'], { env });
    const ended = outcomeOf(importing);
    importing.stdin.on('error', () => undefined).write(lineOf(1));
    const isStored = async (): Promise<boolean> =>
      (await ask(server.url, ROOT_TOKEN, 'GET', '/v1/resources/notes/1')).status === 200;
    await expect.poll(isStored, SOON).toBe(true);
    expect(await server.end('SIGTERM'), server.output()).toBe(0);
    const { code, stdout } = await ended;
    expect({ code, stdout: JSON.parse(stdout) }).toMatchObject({ code: 7, stdout: { lines: 1 } });
  });
});

function outcomeOf(child: ChildProcess): Promise<{ code: number | null; stdout: string }> {
  let stdout = '';
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout })));
}

/** The status of a change that is posted over HTTP/2. */
function statusOver2(session: http2.ClientHttp2Session, body: string, isWhole = true): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/v1/changes',
      authorization: `Bearer ${ROOT_TOKEN}`,
      'content-type': 'application/json',
    });
    let status = 0;
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('error', () => undefined).resume();
    stream.on('close', () => {
      if (status === 0) reject(new Error('no answer'));
      else resolve(status);
    });
    if (isWhole) stream.end(body);
    else stream.write(body);
  });
}
