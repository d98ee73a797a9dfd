// Sends lines and reads their answers at the same time, so that neither side has to keep them.

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Problem } from '../../http/problem.ts';
import { type Client, refusalOf } from '../client.ts';
import { CliError, EXIT, reasonOf } from '../exit.ts';
import type { Lines } from './lines.ts';

export interface ReceiptAnswer {
  id: string;
  position: number;
  changed: boolean;
}

/** What the server says of a line; a problem without a line is of the stream itself. */
export type Answer = ReceiptAnswer | { line?: number; error: Problem };

/** A space before the next line's text is no part of it, and tells the server that more is coming. */
const KEEP_ALIVE = ' ';
const KEEP_ALIVE_MS = 20_000;

/**
 * Sends all lines and hands over each answer, in the order of the lines. Where the lines end in an
 * error, what was sent is answered first.
 * @param stop makes the lines end, because the server takes no more
 * @throws CliError where the server refuses, or the connection is lost; the error of the lines
 */
export async function sendLines(
  client: Client,
  lines: AsyncIterable<Lines>,
  onAnswer: (answer: Answer) => void,
  stop: () => void,
): Promise<void> {
  const request = client.open('POST', '/v1/changes', { 'content-type': 'application/x-ndjson' });
  let answered = 0;
  const answers = readAnswers(client.url, request, (answer) => {
    answered += 1;
    onAnswer(answer);
  });
  answers.catch(() => {
    request.destroy();
    stop();
  });
  let sent = 0;
  let failure: unknown;
  try {
    for await (const { bytes, answered: count } of lines) {
      sent += count;
      await written(request, bytes);
    }
  } catch (error) {
    failure = error;
  }
  request.end();
  await answers.catch((error: unknown) => {
    throw error instanceof CliError ? error : lost(client.url, reasonOf(error));
  });
  if (failure !== undefined) throw failure;
  if (answered < sent) throw lost(client.url, `${answered} of ${sent} lines were answered`);
}

function lost(url: string, reason: string): CliError {
  const text = `the connection to ${url} was lost: ${reason} (the same command again goes on)`;
  return new CliError(EXIT.unreachable, text);
}

/** Resolves when there is room for more, or when nothing more will be taken. */
function written(request: ClientRequest, bytes: Buffer): Promise<void> {
  if (request.destroyed || request.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done).off('close', done);
      resolve();
    };
    request.once('drain', done).once('close', done);
  });
}

async function readAnswers(
  url: string,
  request: ClientRequest,
  onAnswer: (answer: Answer) => void,
): Promise<void> {
  const keptAlive = setInterval(() => {
    if (!request.writableEnded && request.writableLength === 0) request.write(KEEP_ALIVE);
  }, KEEP_ALIVE_MS);
  try {
    const response = await responseOf(request);
    if (response.statusCode !== 200) throw await refusalOf(url, response);
    let rest = '';
    response.setEncoding('utf8');
    for await (const text of response as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) onAnswer(JSON.parse(line) as Answer);
    }
  } finally {
    clearInterval(keptAlive);
  }
}

function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Kept for the life of the request: without a listener an error would end the process.
    request.on('error', reject);
    request.flushHeaders();
  });
}
