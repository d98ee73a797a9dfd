// Errors on this wire: `{"errors": [{title, detail, code, status, source?, meta?}]}`.

import type { FastifyReply } from 'fastify';
import type { AnnalsError, ErrorCode, Fault } from '../../core/errors.ts';
import { hintRetry, problemOf } from '../../http/problem.ts';
import { type ErrorObject, MEDIA_TYPE } from './wire.ts';

/** The codes of this wire, each with its status and title. */
const KINDS = {
  PARAM_NOT_ALLOWED: [400, 'Param not allowed'],
  FILTER_NOT_ALLOWED: [400, 'Filter not allowed'],
  INVALID_FILTER_VALUE: [400, 'Invalid filter value'],
  INVALID_FIELD: [400, 'Invalid field'],
  INVALID_RESOURCE: [400, 'Invalid resource'],
  INVALID_INCLUDE: [400, 'Invalid include'],
  INVALID_SORT_CRITERIA: [400, 'Invalid sort criteria'],
  INVALID_PAGE_OBJECT: [400, 'Invalid page object'],
  INVALID_PAGE_VALUE: [400, 'Invalid page value'],
  KEY_NOT_INCLUDED_IN_URL: [400, 'Key is not included in URL'],
  BAD_REQUEST: [400, 'Bad request'],
  INVALID_TOKEN: [401, 'Invalid token'],
  UNAUTHORIZED: [401, 'Access denied'],
  RECORD_NOT_FOUND: [404, 'Record not found'],
  METHOD_NOT_ALLOWED: [405, 'Method not allowed'],
  NOT_ACCEPTABLE: [406, 'Not acceptable'],
  REQUEST_TIMEOUT: [408, 'Request timeout'],
  RECORD_NOT_UNIQUE: [409, 'Record not unique'],
  TYPE_MISMATCH: [409, 'Type mismatch'],
  PAYLOAD_TOO_LARGE: [413, 'Payload too large'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Unsupported media type'],
  VALIDATION_ERROR: [422, 'Validation error'],
  LOCKED: [423, 'Locked'],
  TOO_MANY_REQUESTS: [429, 'Too many requests'],
  INTERNAL_SERVER_ERROR: [500, 'Internal server error'],
  SERVICE_UNAVAILABLE: [503, 'Service unavailable'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type WireCode = keyof typeof KINDS;

const NOT_FOUND = 'The requested resource was not found. Please double-check the resource id.';
const UNAUTHORIZED = 'You are not authorized to perform this action on the requested resource.';

/** A refusal in this wire's words. */
export class WireError extends Error {
  override name = 'WireError';
  readonly code: WireCode;
  /** The query parameter that was wrong, or a pointer into the body to what was. */
  readonly source: ErrorObject['source'];
  /** All that is wrong with a resource, each an error of its own. */
  readonly faults: readonly Fault[];
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: WireCode,
    message: string,
    source?: string | ErrorObject['source'],
    more: {
      cause?: unknown;
      faults?: readonly Fault[] | undefined;
      retryAfterSeconds?: number | undefined;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.source = typeof source === 'string' ? { parameter: source } : source;
    this.faults = more.faults ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds;
  }

  get status(): number {
    return KINDS[this.code][0];
  }
}

export function notFound(): WireError {
  return new WireError('RECORD_NOT_FOUND', NOT_FOUND);
}

const CODES: Partial<Record<ErrorCode, WireCode>> = {
  unauthenticated: 'INVALID_TOKEN',
  not_found: 'RECORD_NOT_FOUND',
  unknown_field: 'PARAM_NOT_ALLOWED',
  invalid_field: 'VALIDATION_ERROR',
  too_deep: 'VALIDATION_ERROR',
  invalid_resource: 'VALIDATION_ERROR',
  not_unique: 'RECORD_NOT_UNIQUE',
  slug_taken: 'RECORD_NOT_UNIQUE',
  locked: 'LOCKED',
  method_not_allowed: 'METHOD_NOT_ALLOWED',
  request_timeout: 'REQUEST_TIMEOUT',
  too_large: 'PAYLOAD_TOO_LARGE',
  unsupported_media_type: 'UNSUPPORTED_MEDIA_TYPE',
  too_many_requests: 'TOO_MANY_REQUESTS',
  internal: 'INTERNAL_SERVER_ERROR',
  storage_full: 'SERVICE_UNAVAILABLE',
  store_unavailable: 'SERVICE_UNAVAILABLE',
  head_went_back: 'SERVICE_UNAVAILABLE',
  shutting_down: 'SERVICE_UNAVAILABLE',
};

/** Whatever was thrown, as a WireError; what is not the caller's doing stays in the cause. */
export function wireErrorOf(thrown: unknown): WireError {
  if (thrown instanceof WireError) return thrown;
  const error: AnnalsError = problemOf(thrown);
  if (error.code === 'forbidden') return unauthorized();
  if (error.code === 'not_found') return notFound();
  const code = CODES[error.code] ?? 'BAD_REQUEST';
  const { field, faults, retryAfterSeconds } = error.facts;
  const source = error.status < 500 && field?.startsWith('/') ? { pointer: pointerOf(field) } : undefined;
  return new WireError(code, error.message, source, {
    faults,
    retryAfterSeconds,
    ...(error.status >= 500 ? { cause: thrown } : {}),
  });
}

export function unauthorized(): WireError {
  return new WireError('UNAUTHORIZED', UNAUTHORIZED);
}

/** A pointer into the body: what does not begin at its top is about an attribute. */
function pointerOf(field: string): string {
  return field.startsWith('/data') ? field : `/data/attributes${field}`;
}

export function toErrorObjects({ code, status, message, source, faults }: WireError): ErrorObject[] {
  if (faults.length > 0) return faults.map(toFaultObject);
  const error = { title: KINDS[code][1], detail: message, code, status: String(status) };
  return [source === undefined ? error : { ...error, source }];
}

function toFaultObject({ at, name, error, message, value, count }: Fault): ErrorObject {
  return {
    title: message,
    detail: `${name} - ${message}`,
    code: 'VALIDATION_ERROR',
    status: '422',
    source: { pointer: `/data/${at}/${name}` },
    meta: {
      error,
      ...(value === undefined ? {} : { value }),
      ...(count === undefined ? {} : { count }),
    },
  };
}

export function sendError(reply: FastifyReply, error: WireError): void {
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  hintRetry(reply, { status: error.status, facts: { retryAfterSeconds: error.retryAfterSeconds } });
  sendDocument(reply.code(error.status), { errors: toErrorObjects(error) });
}

/** Sends bytes: to a text Fastify would add a charset, which this media type may not have. */
export function sendDocument(reply: FastifyReply, document: object): FastifyReply {
  return reply.type(MEDIA_TYPE).send(Buffer.from(JSON.stringify(document)));
}
