// What a request says of where it came from: the context of what is recorded for it.

import type { FastifyRequest } from 'fastify';
import type { JsonObject } from '../core/json.ts';

/** Address, user agent and the ids of the request, where it has them. */
export function requestContext(request: FastifyRequest): JsonObject {
  const given = {
    ip: request.ip,
    userAgent: header(request, 'user-agent')?.slice(0, 500),
    requestId: header(request, 'x-request-id')?.slice(0, 200),
    traceparent: header(request, 'traceparent')?.slice(0, 100),
  };
  return Object.fromEntries(
    Object.entries(given).filter((member): member is [string, string] => member[1] !== undefined),
  );
}

/** The media type of the body, in lower case and without parameters; empty where none is given. */
export function mediaTypeOf(request: FastifyRequest): string {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
  return type.trim().toLowerCase();
}

export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
