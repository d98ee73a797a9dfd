// A stream of lines in, a stream of receipts out: any length, bounded memory.
//
// Lines are recorded while more arrive, and answered in their order. What is under way is bounded; a
// client that does not read its answers is not read from either, once MOST_UNSENT is waiting.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Change } from '../../core/entry.ts';
import { behindSpace } from '../../core/json-bytes.ts';
import type { HideSecrets } from '../../http/hide-secrets.ts';
import { problemOf, toProblem } from '../../http/problem.ts';
import { LineProposal } from '../../ingest/line.ts';
import type { Settled } from '../../ingest/record.ts';
import type { RequestKey } from '../../ingest/sealed-batch.ts';
import type { Annals } from '../dialect.ts';
import { type Asked, asWriter, requestKeyOf } from './from-wire.ts';
import { linesOf } from './lines.ts';
import { receiptText } from './to-wire.ts';

/** Lines that are being recorded at one time. */
const MOST_UNDER_WAY = 2048;
/** Bytes of lines that are being recorded at one time. */
const MOST_BYTES_UNDER_WAY = 6 * 1024 * 1024;
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
  const answers = new Answers(response, annals.hideSecrets);
  try {
    let number = 0;
    for await (const lines of linesOf(request.raw, annals)) {
      if (response.destroyed) return reply;
      await answers.add(recordThem(annals, asked, lines, number, requestKey));
      number += lines.length;
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
  for (const [index, line] of lines.entries()) {
    if (isBlank(line)) continue;
    const number = before + index + 1;
    const own = requestKey === undefined ? given : { ...given, id: () => idOf(requestKey.key, number) };
    numbers.push(number);
    proposals.push(new LineProposal(line, own, signed));
    bytes += line.length;
  }
  return { settled: annals.recordEach(organization.id, proposals), numbers, bytes };
}

/** Under an idempotency key each line has its own id, so that the same stream sent again adds nothing. */
function idOf(key: string, number: number): string {
  const hex = createHash('sha256').update(`${key}\n${number}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The answers under way, written in the order of their lines. */
class Answers {
  readonly #response: ServerResponse;
  readonly #hideSecrets: HideSecrets;
  readonly #waiting: Recorded[] = [];
  #lines = 0;
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;

  constructor(response: ServerResponse, hideSecrets: HideSecrets) {
    this.#response = response;
    this.#hideSecrets = hideSecrets;
  }

  /** Takes some more; resolves when there is room for the next. */
  async add(recorded: Recorded): Promise<void> {
    this.#waiting.push(recorded);
    this.#lines += recorded.numbers.length;
    this.#bytes += recorded.bytes;
    this.#startWriting();
    while (this.#lines >= MOST_UNDER_WAY || this.#bytes >= MOST_BYTES_UNDER_WAY) await this.#oldest();
  }

  /** Ends the response when all is answered; a failure of the stream itself is its last line. */
  async finish(error?: unknown): Promise<void> {
    await this.#writing;
    if (this.#response.destroyed) return;
    if (error !== undefined)
      this.#response.write(`${this.#hideSecrets(JSON.stringify({ error: toProblem(problemOf(error)) }))}\n`);
    this.#response.end();
  }

  async #oldest(): Promise<void> {
    await this.#waiting[0]?.settled;
    // The writer comes to its turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #startWriting(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = this.#write().finally(() => {
      this.#isWriting = false;
    });
  }

  async #write(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const text = this.#textOf(await next.settled, next.numbers);
      this.#waiting.shift();
      this.#lines -= next.numbers.length;
      this.#bytes -= next.bytes;
      if (text === '' || this.#response.destroyed) continue;
      this.#response.write(text);
      if (this.#response.writableLength > MOST_UNSENT) await drained(this.#response);
    }
  }

  #textOf(settled: readonly Settled[], numbers: readonly number[]): string {
    let text = '';
    for (const [index, one] of settled.entries()) {
      text +=
        'receipt' in one
          ? receiptText(one.receipt)
          : this.#hideSecrets(errorText(numbers[index] as number, one.error));
      text += '\n';
    }
    return text;
  }
}

function errorText(line: number, error: unknown): string {
  return JSON.stringify({ line, error: toProblem(problemOf(error)) });
}

async function drained(response: ServerResponse): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).catch(
    () => undefined,
  );
  ended.abort();
}

function isBlank(line: Uint8Array): boolean {
  return behindSpace(line, 0) === line.length;
}

function headersOf(reply: FastifyReply): { [name: string]: string | number | string[] } {
  return reply.getHeaders() as { [name: string]: string | number | string[] };
}
