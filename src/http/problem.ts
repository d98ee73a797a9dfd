// Errors on the wire: RFC 9457 problem details with a stable `code`.

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AnnalsError, type ErrorCode, type ErrorFacts } from '../core/errors.ts';
import { abbreviate } from '../ingest/limits.ts';
import { described } from '../ingest/refusal.ts';
import { JSON_BODY_LIMIT } from './limits.ts';

export interface Problem extends ErrorFacts {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
}

/** Says in a word what each code means; the texts of docs/reference/errors.md say more. */
const TITLES: Record<ErrorCode, string> = {
  malformed_json: 'The body is not JSON',
  invalid_field: 'A field is not as it must be',
  unknown_field: 'A field is not known',
  invalid_parameter: 'A parameter is not as it must be',
  unknown_parameter: 'A parameter is not known',
  invalid_cursor: 'The cursor is not one of this list',
  invalid_header: 'A header is not as it must be',
  invalid_text: 'A text cannot be kept',
  number_out_of_range: 'A number cannot be kept exactly',
  too_deep: 'A state is nested too deep',
  unauthenticated: 'Who calls is not known',
  forbidden: 'The caller may not do this',
  reserved: 'The directory keeps this itself',
  not_found: 'There is no such thing',
  method_not_allowed: 'The path does not take this method',
  request_timeout: 'The request took too long to arrive',
  id_conflict: 'The change id is taken',
  slug_taken: 'The slug is taken',
  not_unique: 'There is one like this already',
  idempotency_key_in_flight: 'A request with this key is under way',
  precondition_failed: 'The resource is not at the expected version',
  too_large: 'The request is too large',
  too_many_changes: 'The request has too many changes',
  unsupported_media_type: 'The media type is not supported',
  idempotency_key_reused: 'The key was used with other content',
  invalid_resource: 'The resource is not as it must be',
  patch_failed: 'The patch does not apply',
  locked: 'Something else needs it',
  too_many_requests: 'Too many requests',
  internal: 'Something went wrong in the server',
  storage_full: 'The storage is full',
  store_unavailable: 'The database is not available',
  head_went_back: 'The database is older than it was',
  shutting_down: 'The server is stopping',
};

export function toProblem(error: AnnalsError): Problem {
  const { code, status, message, facts } = error;
  return { type: `urn:annals:error:${code}`, title: TITLES[code], status, code, detail: message, ...facts };
}

export function shuttingDown(): AnnalsError {
  return new AnnalsError('shutting_down', 'the server is stopping; send what has no answer to the next one');
}

/** Seconds after which a write that found no database may be sent again. */
const RETRY_AFTER_SECONDS = 1;

/** Says in every wire when a refused request may be sent again. */
export function hintRetry(
  reply: FastifyReply,
  { status, facts }: Pick<AnnalsError, 'status' | 'facts'>,
): void {
  const seconds = facts.retryAfterSeconds ?? (status === 503 ? RETRY_AFTER_SECONDS : undefined);
  if (seconds !== undefined) reply.header('retry-after', seconds);
}

export function sendProblem(reply: FastifyReply, error: AnnalsError): void {
  hintRetry(reply, error);
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  if (error.code === 'method_not_allowed' && error.facts.limit !== undefined)
    reply.header('allow', error.facts.limit);
  reply
    .code(error.status)
    .type('application/problem+json')
    .send(JSON.stringify(toProblem(error)));
}

/** Errors that are the caller's doing, and need no line in the logger. */
export function isExpected(error: AnnalsError): boolean {
  return error.status < 500 || error.code === 'shutting_down';
}

/**
 * Whatever was thrown, as an AnnalsError; what is not ours stays in the cause.
 * @param request the one that was refused, where it is at hand
 */
export function problemOf(error: unknown, request?: FastifyRequest): AnnalsError {
  if (error instanceof AnnalsError) return error;
  const { code, statusCode, validation, validationContext, message } = error as Partial<FastifyError> & {
    validationContext?: string;
  };
  if (validation?.[0] !== undefined) return ofValidation(validation[0], validationContext ?? 'request');
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const length = request?.headers['content-length'];
    const got = length === undefined ? 'more' : Number(length);
    return new AnnalsError('too_large', `the body must have at most ${JSON_BODY_LIMIT} bytes; got ${got}`, {
      field: 'body',
      limit: JSON_BODY_LIMIT,
      got,
    });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const got = abbreviate(request?.headers['content-type'] ?? 'none');
    const limit = mediaTypesOf(request).join(', ');
    return new AnnalsError('unsupported_media_type', `this path takes ${limit}; got ${got}`, {
      field: 'content-type',
      limit,
      got,
    });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AnnalsError('invalid_parameter', message ?? 'the request is malformed', {}, error);
  }
  return new AnnalsError('internal', 'something went wrong in the server; its log says more', {}, error);
}

/** What the route says that it takes. */
function mediaTypesOf(request: FastifyRequest | undefined): readonly string[] {
  const { consumes } = (request?.routeOptions.schema ?? {}) as { consumes?: string[] };
  return consumes ?? ['application/json'];
}

type Validation = NonNullable<FastifyError['validation']>[number] & {
  /** What was got, and the schema that refused it. */
  data?: unknown;
  parentSchema?: { properties?: object };
};

/** What Ajv found wrong with a parameter. */
function ofValidation(
  { keyword, instancePath, params, message, data, parentSchema }: Validation,
  part: string,
): AnnalsError {
  if (keyword === 'additionalProperties') {
    const name = abbreviate(String(params.additionalProperty));
    const limit = Object.keys(parentSchema?.properties ?? {}).join(', ');
    const said = `the parameter "${name}" is not known here; ${limit === '' ? 'none is' : `known are ${limit}`}`;
    return new AnnalsError('unknown_parameter', said, { field: name, limit, got: name });
  }
  if (keyword === 'required') {
    const name = String(params.missingProperty);
    const facts = { field: name, limit: 'a value', got: 'nothing' };
    return new AnnalsError(
      'invalid_parameter',
      `the parameter "${name}" must have a value; got nothing`,
      facts,
    );
  }
  const name = instancePath.slice(1) || part;
  const values = params.allowedValues as string[] | undefined;
  const limit = (params.limit ?? values?.join(', ') ?? params.pattern ?? params.type) as string | number;
  const wanted = values === undefined ? message : `must be one of ${limit}`;
  return new AnnalsError('invalid_parameter', `the parameter "${name}" ${wanted}; got ${described(data)}`, {
    field: name,
    limit,
    got: typeof data === 'number' ? data : typeof data === 'string' ? abbreviate(data) : described(data),
  });
}
