// Request bodies: JSON, read strictly and within its time; anything else is for the dialect that knows it.

import type { ServerHttp2Stream } from 'node:http2';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AnnalsError } from '../core/errors.ts';
import { parseJson } from '../ingest/json-text.ts';
import { abbreviate } from '../ingest/limits.ts';
import { JSON_BODY_LIMIT } from './limits.ts';
import { sendProblem, shuttingDown } from './problem.ts';

/** Of bodies that were parsed. */
const bytesOfRequest = new WeakMap<FastifyRequest, Buffer>();

/** The bytes of a JSON body as they came. */
export function bodyBytes(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : (bytesOfRequest.get(request) ?? Buffer.alloc(0));
}

export const JSON_TYPES = ['application/json', 'application/merge-patch+json', 'application/json-patch+json'];

/** @param bodyMs how long a body may take to arrive */
export function registerBodies(app: FastifyInstance, bodyMs: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    JSON_TYPES,
    { parseAs: 'buffer', bodyLimit: JSON_BODY_LIMIT },
    (request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void) => {
      try {
        checkCoding(request);
        bytesOfRequest.set(request, body);
        done(null, body.length === 0 ? undefined : parseJson(body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  timeBodies(app, bodyMs);
}

/** In this scope JSON is left as bytes, for a route that reads it by parts. */
export function leaveBodies(scope: FastifyInstance): void {
  scope.removeContentTypeParser(JSON_TYPES);
  scope.addContentTypeParser(
    JSON_TYPES,
    { parseAs: 'buffer', bodyLimit: JSON_BODY_LIMIT },
    (request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: Buffer) => void) => {
      try {
        checkCoding(request);
        done(null, body);
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** Bodies are read as they come. @throws AnnalsError `unsupported_media_type` where one is compressed */
export function checkCoding(request: FastifyRequest): void {
  const coding = request.headers['content-encoding'];
  if (coding === undefined || coding.toLowerCase() === 'identity') return;
  const got = abbreviate(coding);
  throw new AnnalsError('unsupported_media_type', `the body must not be compressed; got "${got}"`, {
    field: 'content-encoding',
    limit: 'identity',
    got,
  });
}

/** A request whose body has not ended. */
interface Unfinished {
  request: FastifyRequest;
  reply: FastifyReply;
  /** When it is late, by `performance.now()`. */
  untilMs: number;
}

/** Refuses bodies that have not ended in time, or when the server stops; who takes a reply over does that himself. */
function timeBodies(app: FastifyInstance, bodyMs: number): void {
  /** In the order in which they began. One timer is for all: every request would pay for its own. */
  const unfinished = new Set<Unfinished>();
  let timer: NodeJS.Timeout | undefined;
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (hasMoreToCome(request)) {
      const one = { request, reply, untilMs: performance.now() + bodyMs };
      unfinished.add(one);
      request.raw.once('close', () => unfinished.delete(one));
      timer ??= setTimeout(refuseLate, bodyMs).unref();
    }
    done();
  });
  app.addHook('preClose', (done) => {
    clearTimeout(timer);
    for (const one of unfinished) refuse(one, shuttingDown());
    done();
  });

  function refuseLate(): void {
    timer = undefined;
    for (const one of unfinished) {
      const leftMs = one.untilMs - performance.now();
      if (leftMs > 0) {
        timer = setTimeout(refuseLate, Math.ceil(leftMs)).unref();
        return;
      }
      unfinished.delete(one);
      refuse(one, timedOut(bodyMs));
    }
  }
}

function refuse({ request, reply }: Unfinished, error: AnnalsError): void {
  if (request.raw.complete || reply.sent) return;
  if (request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
  sendProblem(reply, error);
}

function hasMoreToCome(request: FastifyRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  const isFramed = encoding !== undefined || (length !== undefined && length !== '0');
  const hasBody = isFramed || http2StreamOf(request)?.endAfterHeaders === false;
  return hasBody && !request.raw.complete;
}

function timedOut(bodyMs: number): AnnalsError {
  return new AnnalsError('request_timeout', `the body did not end within ${bodyMs} ms`, {
    field: 'body',
    limit: bodyMs,
  });
}

/** Over HTTP/2 a request is one stream of its connection, and may have a body without saying how long it is. */
function http2StreamOf({ raw }: FastifyRequest): ServerHttp2Stream | undefined {
  return 'stream' in raw ? (raw.stream as ServerHttp2Stream) : undefined;
}
