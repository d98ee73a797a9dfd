// How a route describes itself in the OpenAPI document.

import type { FastifySchema } from 'fastify';
import { ProblemWire } from './wire.ts';

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A route's schema: what it takes and gives, with the problems that every route may answer. */
export function describe(
  summary: string,
  schema: FastifySchema & { consumes?: string[]; response: { [status: number]: unknown } },
): { schema: FastifySchema } {
  const response = { ...schema.response, '4xx': ProblemWire, '5xx': ProblemWire };
  return {
    schema: { ...schema, response, summary, tags: ['native'], security: [{ bearer: [] }] } as FastifySchema,
  };
}
