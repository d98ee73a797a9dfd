// How a route describes itself in the OpenAPI document.

import type { FastifySchema } from 'fastify';
import Type, { type TProperties, type TSchema } from 'typebox';
import { ProblemWire } from './wire.ts';

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A route, as it is told apart from others. */
interface Described {
  params?: TSchema;
  querystring?: TSchema;
  /** Beside the one that chooses the organization. */
  headers?: TProperties;
  /** By media type. */
  bodies?: { [mediaType: string]: TSchema };
  response: { [status: number]: TSchema | Answer };
}

/** An answer that is no plain JSON, or has headers to know of. */
export interface Answer {
  description: string;
  headers?: TProperties;
  content: { [mediaType: string]: { schema: TSchema } };
}

const ORGANIZATION = {
  'annals-organization': Type.Optional(
    Type.String({ description: "Id or slug of another organization than the token's own (root token)" }),
  ),
};

const RETRY_AFTER = {
  'Retry-After': Type.Integer({ description: 'With 429 and 503: seconds after which to send this again' }),
};

const PROBLEM: Answer = {
  description: 'Problem details (RFC 9457); `code` is stable',
  headers: RETRY_AFTER,
  content: { 'application/problem+json': { schema: ProblemWire } },
};

/** A route's schema: what it takes and gives, with the problems that every route may answer. */
export function describe(
  summary: string,
  { headers, bodies, response, ...parts }: Described,
): { schema: FastifySchema } {
  return {
    schema: {
      ...parts,
      headers: Type.Object({ ...headers, ...ORGANIZATION }),
      ...(bodies === undefined
        ? {}
        : { body: { content: contentOf(bodies) }, consumes: Object.keys(bodies) }),
      response: { ...response, '4xx': PROBLEM, '5xx': PROBLEM },
      summary,
      tags: ['native'],
      security: [{ bearer: [] }],
    } as FastifySchema,
  };
}

/** An answer with the version of the state that it is about, for `If-Match`. */
export function tagged(description: string, schema: TSchema): Answer {
  const ETag = Type.String({ description: 'The version that left the state, in double quotes' });
  return { description, headers: { ETag }, content: contentOf({ 'application/json': schema }) };
}

export function contentOf(schemas: { [mediaType: string]: TSchema }): Answer['content'] {
  return Object.fromEntries(Object.entries(schemas).map(([mediaType, schema]) => [mediaType, { schema }]));
}
