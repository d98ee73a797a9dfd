import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeClient } from '../client.ts';
import { EXIT } from '../exit.ts';
import type { Lines } from './lines.ts';
import { type Answer, sendLines } from './send.ts';

const LINE = '{"action":"access"}\n';
const RECEIPT = '{"id":"1","position":0,"changed":false}\n';
const lost = (reason: string) => ({
  exitCode: EXIT.unreachable,
  message: expect.stringMatching(
    `^the connection to .+ was lost: ${reason} \\(the same command again goes on\\)$`,
  ),
});

describe('sending lines', () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(() => {
    vi.useRealTimers();
    for (const server of servers.splice(0)) server.close();
  });

  it('hands over the answer to each line', async () => {
    const url = await served(async (request, response) => {
      for await (const _ of request);
      response.end(RECEIPT.repeat(2));
    });
    expect(await answersTo(url, 2)).toHaveLength(2);
  });

  it('takes the connection for lost where answers are missing, though the response has ended well', async () => {
    const url = await served(async (request, response) => {
      for await (const _ of request);
      response.end(RECEIPT);
    });
    await expect(answersTo(url, 2)).rejects.toMatchObject(lost('1 of 2 lines were answered'));
  });

  it('takes the connection for lost where it ends in the middle of the answers', async () => {
    const url = await served((request, response) => {
      response.write(RECEIPT);
      request.once('data', () => response.destroy());
    });
    await expect(answersTo(url, 2)).rejects.toMatchObject(lost('.+'));
  });

  it('keeps the connection alive by a space every 20 seconds while no line comes, and for no longer', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const arrived = Promise.withResolvers<void>();
    let received = '';
    const url = await served(async (request, response) => {
      arrived.resolve();
      for await (const chunk of request) received += chunk;
      response.end(RECEIPT);
    });
    const until = async (text: string): Promise<void> => {
      while (received !== text) await new Promise((resolve) => setImmediate(resolve));
    };
    const more = Promise.withResolvers<void>();
    async function* lines(): AsyncGenerator<Lines> {
      await more.promise;
      yield linesOf(1);
    }
    const sent = sendLines(
      clientOf(url),
      lines(),
      () => undefined,
      () => undefined,
    );
    await arrived.promise;
    for (const spaces of ['', ' ', '  ']) {
      vi.advanceTimersByTime(19_999);
      await until(spaces);
      vi.advanceTimersByTime(1);
    }
    await until('   ');
    more.resolve();
    await sent;
    expect(received).toBe(`   ${LINE}`);
    expect(vi.getTimerCount()).toBe(0);
  });

  /** Where requests are answered so. */
  async function served(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<string> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function answersTo(url: string, count: number): Promise<Answer[]> {
    const answers: Answer[] = [];
    async function* lines(): AsyncGenerator<Lines> {
      yield linesOf(count);
    }
    await sendLines(
      clientOf(url),
      lines(),
      (answer) => answers.push(answer),
      () => undefined,
    );
    return answers;
  }
});

const clientOf = (url: string) => makeClient({ url, token: 'token' });

function linesOf(count: number): Lines {
  return { bytes: Buffer.from(LINE.repeat(count)), answered: count, last: count };
}
