// Request bodies: JSON, read strictly and within its time; anything else is for the dialect that knows it.

import type { ServerHttp2Stream } from 'node:http2';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AnnalsError } from '../core/errors.ts';
import { parseJson } from '../ingest/json-text.ts';
import { abbreviate } from '../ingest/limits.ts';
import { BODY_TIMEOUT_MS, JSON_BODY_LIMIT } from './limits.ts';
import { sendProblem } from './problem.ts';
import { mediaTypeOf } from './request-context.ts';

const bytesOfRequest = new WeakMap<FastifyRequest, Buffer>();

/** The bytes of a JSON body as they came, for fingerprints. */
export function bodyBytes(request: FastifyRequest): Buffer {
  return bytesOfRequest.get(request) ?? Buffer.alloc(0);
}

export const JSON_TYPES = ['application/json', 'application/merge-patch+json', 'application/json-patch+json'];

export function registerBodies(app: FastifyInstance): void {
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
  timeBodies(app);
}

/** In this scope JSON is left as bytes, for a route that reads it by parts. */
export function leaveBodies(scope: FastifyInstance): void {
  scope.removeContentTypeParser(JSON_TYPES);
  scope.addContentTypeParser(
    JSON_TYPES,
    { parseAs: 'buffer', bodyLimit: JSON_BODY_LIMIT },
    async (request: FastifyRequest, body: Buffer) => {
      checkCoding(request);
      bytesOfRequest.set(request, body);
      return body;
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

function timeBodies(app: FastifyInstance): void {
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (isTimed(request)) timeBody(request, reply);
    done();
  });
}

/** Bodies that are read whole; a stream of lines is timed line by line. */
function isTimed(request: FastifyRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  const isFramed = encoding !== undefined || (length !== undefined && length !== '0');
  const hasBody = isFramed || http2StreamOf(request)?.endAfterHeaders === false;
  return hasBody && !request.raw.complete && mediaTypeOf(request) !== 'application/x-ndjson';
}

/** Answers 408 and hangs up where a body has not ended in time. */
function timeBody(request: FastifyRequest, reply: FastifyReply): void {
  const timer = setTimeout(() => {
    if (request.raw.complete || reply.sent) return;
    // Over HTTP/2 the listener ends the stream.
    if (request.raw.httpVersionMajor === 1) {
      reply.header('connection', 'close');
      reply.raw.once('finish', () => request.raw.destroy());
    }
    sendProblem(
      reply,
      new AnnalsError('request_timeout', `the body did not end within ${BODY_TIMEOUT_MS} ms`, {
        field: 'body',
        limit: BODY_TIMEOUT_MS,
      }),
    );
  }, BODY_TIMEOUT_MS);
  const stop = (): void => clearTimeout(timer);
  request.raw.once('end', stop).once('close', stop);
}

/** Over HTTP/2 a request is one stream of its connection, and may have a body without saying how long it is. */
function http2StreamOf({ raw }: FastifyRequest): ServerHttp2Stream | undefined {
  return 'stream' in raw ? (raw.stream as ServerHttp2Stream) : undefined;
}
