// One port for HTTP/1.1 and HTTP/2: whoever connects is answered or closed, and nobody is stuck.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import http2, { type ClientHttp2Session } from 'node:http2';
import https from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONNECTION_LIMITS } from '../src/http/limits.ts';
import { type Listener, makeListener } from '../src/http/listener.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** A frame of no settings, as a client sends it behind the preface. */
const SETTINGS = '\0\0\0\x04\0\0\0\0\0';
const IMPATIENT = { ...CONNECTION_LIMITS, headersMs: 300, checkMs: 50, keepAliveMs: 400 };
const TLS = {
  cert: readFileSync('testdata/tls/localhost.cert.pem'),
  key: readFileSync('testdata/tls/localhost.key.pem'),
};

/** Answers with the version of HTTP, the path, and the length of the body; `/slow` takes its time, `/early` does not. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/early') {
    request.once('data', () => {
      request.pause();
      response.end('early');
    });
    return;
  }
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  request.on('end', async () => {
    if (request.url === '/slow') await delay(100);
    response.end(`${request.httpVersion} ${request.url} ${length}`);
  });
}

interface Started {
  listener: Listener;
  server: Server;
  port: number;
  stop(): Promise<void>;
}

async function listen(options: Parameters<typeof makeListener>[0]): Promise<Started> {
  const listener = makeListener(options);
  const server = listener.serverFactory(echo);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    listener.stop();
    server.close();
    server.closeIdleConnections();
    await closed;
  };
  return { listener, server, port, stop };
}

/** All that the server says to these bytes, sent as they are, until it closes. */
function say(port: number, writes: Iterable<string | Buffer>, pauseMs = 0): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1');
    let answer = '';
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    void (async () => {
      for (const bytes of writes) {
        socket.write(bytes);
        await new Promise((done) => setTimeout(done, pauseMs));
      }
    })();
  });
}

function over2(session: ClientHttp2Session, path: string, body?: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST' });
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('end', () => resolve(text)).on('error', reject);
    stream.end(body);
  });
}

/** A body that never ends: the answer, once its stream is closed. */
function halfOver2(session: ClientHttp2Session, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, ':method': 'POST' });
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('close', () => resolve(text)).on('error', reject);
    stream.write('half');
  });
}

async function once2(origin: string, path: string, body?: Buffer, options = {}): Promise<string> {
  const session = http2.connect(origin, options);
  try {
    return await over2(session, path, body);
  } finally {
    session.close();
  }
}

describe('a port in cleartext', () => {
  let started: Started;
  beforeAll(async () => {
    started = await listen({});
  });
  afterAll(() => started.stop());
  const origin = (): string => `http://127.0.0.1:${started.port}`;

  test('answers HTTP/1.1 and HTTP/2 side by side', async () => {
    expect(await (await fetch(`${origin()}/a`)).text()).toBe('1.1 /a 0');
    expect(await once2(origin(), '/b')).toBe('2.0 /b 0');
  });

  test('takes bodies of 5 MB over both', async () => {
    const body = Buffer.alloc(5_000_000, 'x');
    expect(await (await fetch(`${origin()}/a`, { method: 'POST', body })).text()).toBe('1.1 /a 5000000');
    expect(await once2(origin(), '/b', body)).toBe('2.0 /b 5000000');
  });

  test('reads HTTP/1.1 that arrives a byte at a time, also from methods that start like the preface', async () => {
    for (const method of ['GET', 'PROPFIND', 'PUT']) {
      const answer = await say(
        started.port,
        `${method} /one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*1\.1 \/one 0$/);
    }
  });

  test('reads a preface that arrives a byte at a time, and answers with its settings', async () => {
    const goaway = '\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0';
    const answer = await say(started.port, PREFACE + SETTINGS + goaway);
    expect(answer.charCodeAt(3)).toBe(4);
  });

  test('answers pipelined HTTP/1.1 requests in their order', async () => {
    const one = 'GET /1 HTTP/1.1\r\nHost: x\r\n\r\n';
    const two = 'GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const answer = await say(started.port, [one + two]);
    expect(answer.match(/1\.1 \/\d 0/g)).toEqual(['1.1 /1 0', '1.1 /2 0']);
  });

  test('ends an HTTP/2 request that is answered before its body has ended', async () => {
    const session = http2.connect(origin());
    expect(await halfOver2(session, '/early')).toBe('early');
    session.close();
    await new Promise((resolve) => session.once('close', resolve));
    expect(session.destroyed).toBe(true);
  });

  test('answers garbage with 400 and closes', async () => {
    expect(await say(started.port, ['garbage\r\n\r\n'])).toMatch(/^HTTP\/1\.1 400 /);
    expect(await say(started.port, [`${PREFACE.slice(0, 20)}XXXX\r\n\r\n`])).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('closes a connection whose HTTP/2 is garbage after the preface', async () => {
    const answer = await say(started.port, [`${PREFACE}${'x'.repeat(64)}`]);
    expect(answer).not.toMatch(/HTTP\/1\.1/);
  });

  test('serves 500 clients of each protocol at once', { timeout: 60_000 }, async () => {
    const over1 = Array.from({ length: 500 }, async (_, n) => {
      const head = `GET /${n} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      return (await say(started.port, [head])).includes(`1.1 /${n} 0`);
    });
    const both = Array.from(
      { length: 500 },
      async (_, n) => (await once2(origin(), `/${n}`)) === `2.0 /${n} 0`,
    );
    expect((await Promise.all([...over1, ...both])).filter((isAnswered) => isAnswered)).toHaveLength(1000);
  });
});

describe('an impatient port', () => {
  let started: Started;
  beforeAll(async () => {
    started = await listen({ limits: IMPATIENT });
  });
  afterAll(() => started.stop());

  test('closes a connection that says nothing', async () => {
    expect(await say(started.port, [])).toBe('');
  });

  test('closes a connection that sends half a preface', async () => {
    expect(await say(started.port, [PREFACE.slice(0, 12)])).toBe('');
  });

  test('answers slow headers with 408 and closes', async () => {
    expect(await say(started.port, ['GET / HTTP/1.1\r\nHost: x\r\n'])).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('closes headers that drip in for longer than they may take', async () => {
    const drip = `GET / HTTP/1.1\r\nX: ${'y'.repeat(40)}`;
    expect(await say(started.port, drip, 30)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('ends an HTTP/2 session that asks for nothing', async () => {
    const session = http2.connect(`http://127.0.0.1:${started.port}`);
    await new Promise((resolve) => session.once('close', resolve));
    expect(session.destroyed).toBe(true);
  });

  test('ends an HTTP/2 connection that stops in the middle of a frame', async () => {
    const headers = '\0\0\x20\x01\x04\0\0\0\x01half';
    const answer = await say(started.port, [PREFACE + SETTINGS, headers]);
    expect(answer.charCodeAt(3)).toBe(4);
  });
});

describe('a port that stops', () => {
  test('ends idle HTTP/2 sessions and silent connections at once', async () => {
    const { listener, server, port } = await listen({});
    const session = http2.connect(`http://127.0.0.1:${port}`);
    expect(await over2(session, '/a')).toBe('2.0 /a 0');
    const silent = say(port, []);
    await delay(50);
    const closed = new Promise((resolve) => server.once('close', resolve));
    listener.stop();
    server.close();
    await Promise.all([closed, silent, new Promise((resolve) => session.once('close', resolve))]);
    expect(session.destroyed).toBe(true);
  });

  test('answers what is under way in a session first', async () => {
    const { port, stop } = await listen({});
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const slow = over2(session, '/slow');
    await delay(30);
    await stop();
    expect(await slow).toBe('2.0 /slow 0');
  });
});

describe('a port over TLS', () => {
  let started: Started;
  beforeAll(async () => {
    started = await listen({ tls: TLS, limits: IMPATIENT });
  });
  afterAll(() => started.stop());

  test('speaks HTTP/2 to a client that offers it', async () => {
    expect(await once2(`https://127.0.0.1:${started.port}`, '/a', undefined, { ca: TLS.cert })).toBe(
      '2.0 /a 0',
    );
  });

  test('speaks HTTP/1.1 to a client that offers nothing else', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const options = { port: started.port, host: '127.0.0.1', path: '/b', ca: TLS.cert, agent: false };
      https
        .get(options, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        })
        .on('error', reject);
    });
    expect(answer).toBe('1.1 /b 0');
  });

  test('names the protocol that it chose', async () => {
    const chosen = (ALPNProtocols?: string[]): Promise<string | false | null> =>
      new Promise((resolve, reject) => {
        const options = { port: started.port, host: '127.0.0.1', ca: TLS.cert };
        const socket = connectTls({ ...options, ...(ALPNProtocols && { ALPNProtocols }) }, () => {
          resolve(socket.alpnProtocol);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    expect(await Promise.all([chosen(['h2', 'http/1.1']), chosen(['http/1.1']), chosen()])).toEqual([
      'h2',
      'http/1.1',
      false,
    ]);
  });

  test('closes a connection that never begins to speak TLS', async () => {
    expect(await say(started.port, [])).toBe('');
  });
});
