// A stream of lines in, a stream of receipts out: any length, bounded memory.
//
// Lines are recorded while more arrive, and answered in their order. What is under way is bounded; a client that
// does not read its answers is not read from either, once MOST_UNSENT is waiting, and is then hung up on.

import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Change } from '../../core/entry.ts';
import { behindSpace } from '../../core/json-bytes.ts';
import { problemOf, toProblem } from '../../http/problem.ts';
import { LineProposal } from '../../ingest/line.ts';
import type { Settled } from '../../ingest/record.ts';
import type { RequestKey } from '../../ingest/sealed-batch.ts';
import type { Annals } from '../dialect.ts';
import { type Asked, asWriter, requestKeyOf, uuidOf } from './from-wire.ts';
import { linesOf } from './lines.ts';
import { receiptText } from './to-wire.ts';

/** Lines that are recorded and answered together: an error has a hundred times the bytes of the shortest line. */
const MOST_TOGETHER = 512;
/** Lines that are being recorded at one time. */
const MOST_UNDER_WAY = 2048;
/** Bytes of lines that are being recorded at one time. */
const MOST_BYTES_UNDER_WAY = 6 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;
/** Bytes of answers that wait for a client that writes before it reads. */
const MOST_UNSENT = 8 * 1024 * 1024;

export async function recordLines(
  annals: Annals,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
): Promise<FastifyReply> {
  const requestKey = requestKeyOf(request, asked.caller);
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, { 'content-type': 'application/x-ndjson', ...headersOf(reply) });
  // The client may read its first answers while it still sends.
  response.flushHeaders();
  const answers = new Answers(response, annals);
  try {
    let number = 0;
    for await (const lines of linesOf(request.raw, annals)) {
      for (let from = 0; from < lines.length; from += MOST_TOGETHER) {
        if (answers.isClosed) return reply;
        const some = lines.slice(from, from + MOST_TOGETHER);
        await answers.add(recordThem(annals, asked, some, number, requestKey));
        number += some.length;
      }
    }
    await answers.finish();
  } catch (error) {
    await answers.finish(error);
  }
  return reply;
}

/** Lines that came together and are answered together. */
interface Recorded {
  settled: Promise<Settled[]>;
  /** The number of each line. */
  numbers: number[];
  bytes: number;
}

/** @param before how many lines came before these */
function recordThem(
  annals: Annals,
  { caller, organization }: Asked,
  lines: readonly Buffer[],
  before: number,
  requestKey: RequestKey | undefined,
): Recorded {
  const signed = (change: Change): Change => asWriter(caller, change);
  const given = { id: annals.uuid, actor: caller.actor };
  const numbers: number[] = [];
  const proposals: LineProposal[] = [];
  let bytes = 0;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as Buffer;
    if (isBlank(line)) continue;
    const number = before + index + 1;
    // Under an idempotency key each line has its own id, so that the same stream sent again adds nothing.
    const own =
      requestKey === undefined ? given : { ...given, id: () => uuidOf(`${requestKey.key}\n${number}`) };
    numbers.push(number);
    proposals.push(new LineProposal(line, own, signed));
    bytes += line.length;
  }
  const settled = annals
    .recordEach(organization.id, proposals)
    .catch((error: unknown) => proposals.map(() => ({ error })));
  return { settled, numbers, bytes };
}

/** The answers under way, written in the order of their lines. */
class Answers {
  readonly #response: ServerResponse;
  readonly #annals: Pick<Annals, 'bodyMs' | 'hideSecrets'>;
  readonly #waiting: Recorded[] = [];
  #lines = 0;
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #onWritten = (): void => undefined;
  #isClosed = false;

  constructor(response: ServerResponse, annals: Pick<Annals, 'bodyMs' | 'hideSecrets'>) {
    this.#response = response;
    this.#annals = annals;
    response.once('close', () => {
      this.#isClosed = true;
    });
  }

  /** Is there nobody left to answer? */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Takes some more; resolves when there is room for the next. */
  async add(recorded: Recorded): Promise<void> {
    this.#waiting.push(recorded);
    this.#lines += recorded.numbers.length;
    this.#bytes += recorded.bytes;
    this.#writing ??= this.#write();
    while (this.#lines >= MOST_UNDER_WAY || this.#bytes >= MOST_BYTES_UNDER_WAY) {
      await new Promise<void>((resolve) => {
        this.#onWritten = resolve;
      });
    }
  }

  /** Ends the response when all is answered; a failure of the stream itself is its last line. */
  async finish(error?: unknown): Promise<void> {
    await this.#writing;
    if (this.#isClosed) return;
    if (error !== undefined)
      this.#response.write(
        `${this.#annals.hideSecrets(JSON.stringify({ error: toProblem(problemOf(error)) }))}\n`,
      );
    this.#response.end();
    await this.#untilRead('finish');
  }

  async #write(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const text = this.#textOf(await next.settled, next.numbers);
      if (text !== '' && !this.#isClosed) {
        this.#response.write(text);
        if (this.#response.writableLength > MOST_UNSENT) await this.#untilRead('drain');
      }
      this.#waiting.shift();
      this.#lines -= next.numbers.length;
      this.#bytes -= next.bytes;
      this.#onWritten();
    }
    this.#writing = undefined;
  }

  /** What waits is sent, or the client is gone: of itself, or because it takes too long. */
  #untilRead(sent: 'drain' | 'finish'): Promise<void> {
    const response = this.#response;
    const ms = this.#annals.bodyMs * Math.ceil((response.writableLength + 1) / MEBIBYTE);
    return new Promise((resolve) => {
      const late = setTimeout(() => response.destroy(), ms);
      const done = (): void => {
        clearTimeout(late);
        response.off(sent, done).off('close', done);
        resolve();
      };
      response.on(sent, done).on('close', done);
    });
  }

  #textOf(settled: readonly Settled[], numbers: readonly number[]): string {
    let text = '';
    for (const [index, one] of settled.entries()) {
      text +=
        'receipt' in one
          ? receiptText(one.receipt)
          : this.#annals.hideSecrets(errorText(numbers[index] as number, one.error));
      text += '\n';
    }
    return text;
  }
}

function errorText(line: number, error: unknown): string {
  return JSON.stringify({ line, error: toProblem(problemOf(error)) });
}

function isBlank(line: Uint8Array): boolean {
  return behindSpace(line, 0) === line.length;
}

function headersOf(reply: FastifyReply): { [name: string]: string | number | string[] } {
  return reply.getHeaders() as { [name: string]: string | number | string[] };
}
