// The frame of every request of the Provisioning API: its media type, its errors, its limits.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Instant } from '../../core/instant.ts';
import { RATE_LIMITS, type RateLimit, SlidingWindow, type Taken } from '../../http/rate-limit.ts';
import { parseJson } from '../../ingest/json-text.ts';
import { notFound, sendError, WireError, wireErrorOf } from './errors.ts';
import { MEDIA_TYPE } from './wire.ts';

/** The limits of one kind of request: over all endpoints, and for each. */
export interface Limits {
  reads: { average: RateLimit; burst: RateLimit };
  writes: { average: RateLimit; burst: RateLimit };
}

/** Sets up the scope of the API; `app` has its prefix. */
export function frame(app: FastifyInstance, now: () => Instant, limits: Limits = RATE_LIMITS): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = wireErrorOf(thrown);
    if (error.status >= 500) request.log.error({ err: thrown, url: request.url }, error.message);
    sendError(reply, error);
  });
  app.setNotFoundHandler((_request, reply) => sendError(reply, notFound()));
  takeBodies(app);
  limitRates(app, () => now() / 1000, limits);
  app.addHook('preValidation', async (request) => {
    if (!request.is404) checkAccept(request.headers.accept);
  });
}

const VERBS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type HttpVerb = (typeof VERBS)[number];

/** Answers the verbs that a path has not. */
export function refuseOthers(app: FastifyInstance, url: string, allowed: readonly HttpVerb[]): void {
  const refuse = async (request: FastifyRequest, reply: FastifyReply): Promise<never> => {
    const names = allowed.flatMap((verb) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb]));
    reply.header('allow', names.join(', '));
    throw new WireError(
      'METHOD_NOT_ALLOWED',
      `${request.method} is not allowed here: allowed are ${names.join(', ')}.`,
    );
  };
  const method = VERBS.filter((verb) => !allowed.includes(verb));
  if (method.length > 0) app.route({ method, url, ...HIDDEN, onRequest: refuse, handler: refuse });
}

/** Keeps a route out of the OpenAPI document of the native API. */
export const HIDDEN = { schema: { hide: true } };

/** The one media type of the API; its clients send it with empty bodies, too. */
function takeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(MEDIA_TYPE, { parseAs: 'buffer' }, (request, body, done) => {
    try {
      checkContentType(request.headers['content-type'] ?? '');
      done(null, body.length === 0 ? undefined : parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** JSON:API 1.0, section 4.2: a media type with parameters is another one. Many clients add a charset all the same. */
function checkContentType(contentType: string): void {
  const [, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (parameters.every((parameter) => /^charset="?utf-8"?$/.test(parameter))) return;
  throw new WireError(
    'UNSUPPORTED_MEDIA_TYPE',
    `The Content-Type header must be ${MEDIA_TYPE}, got ${contentType.slice(0, 80)}.`,
  );
}

const ACCEPTED = [MEDIA_TYPE, 'application/*', '*/*'];

/** JSON:API 1.0, section 4.2: with parameters of its own the media type is another, which is not spoken here. */
function checkAccept(accept: string | undefined): void {
  if (accept === undefined || accept.split(',').some(isAccepted)) return;
  throw new WireError(
    'NOT_ACCEPTABLE',
    `The Accept header must be ${MEDIA_TYPE}, got ${accept.slice(0, 80)}.`,
  );
}

function isAccepted(range: string): boolean {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  return (
    ACCEPTED.includes(type) &&
    parameters.every((parameter) => parameter.startsWith('q=') && parameter !== 'q=0')
  );
}

function limitRates(app: FastifyInstance, nowMs: () => number, limits: Limits): void {
  const windows = { reads: windowsOf(limits.reads, nowMs), writes: windowsOf(limits.writes, nowMs) };
  app.addHook('onRequest', async (request, reply) => {
    const { average, burst } =
      request.method === 'GET' || request.method === 'HEAD' ? windows.reads : windows.writes;
    const taken = [average.take(request.ip), burst.take(`${request.ip} ${request.routeOptions.url ?? ''}`)];
    const tightest = taken.reduce((left, right) => (right.remaining < left.remaining ? right : left));
    announce(reply, tightest);
    if (!taken.some(({ isRefused }) => isRefused)) return;
    const { requests, seconds } = tightest.limit;
    const message = `An address may send ${requests} requests in ${seconds} seconds.`;
    throw new WireError('TOO_MANY_REQUESTS', message, undefined, { retryAfterSeconds: seconds });
  });
}

function windowsOf(
  { average, burst }: Limits['reads'],
  nowMs: () => number,
): { average: SlidingWindow; burst: SlidingWindow } {
  return { average: new SlidingWindow(average, nowMs), burst: new SlidingWindow(burst, nowMs) };
}

/** The vendor's header names; it has none that tells when a window ends. */
function announce(reply: FastifyReply, { limit, remaining }: Taken): void {
  reply.header('x-ratelimit-limit', limit.requests);
  reply.header('x-ratelimit-interval', limit.seconds);
  reply.header('x-ratelimit-remaining', remaining);
}
