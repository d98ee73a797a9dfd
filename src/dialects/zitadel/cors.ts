// Cross-origin requests: any origin may ask, since who asks is said by the bearer token alone.

import type { FastifyReply, FastifyRequest } from 'fastify';

const ALLOWED_METHODS = 'OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE';
const ALLOWED_HEADERS = [
  'origin',
  'content-type',
  'accept',
  'accept-language',
  'authorization',
  'x-zitadel-orgid',
  'x-user-agent',
  'x-grpc-web',
  'x-requested-with',
  'connect-protocol-version',
  'connect-timeout-ms',
  'grpc-timeout',
].join(', ');
const EXPOSED_HEADERS = 'location, content-length, grpc-status, grpc-message, grpc-status-details-bin';

/** A hook: says on every answer who may read it, and answers OPTIONS by itself. */
export function allowOrigins(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin !== undefined) {
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': EXPOSED_HEADERS,
    });
  }
  if (request.method !== 'OPTIONS') {
    done();
    return;
  }
  reply.headers({
    'access-control-allow-methods': ALLOWED_METHODS,
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': '3600',
  });
  reply.code(204).send();
}
