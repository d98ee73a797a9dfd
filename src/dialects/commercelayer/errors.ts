// Errors on this wire: `{"errors": [{title, detail, code, status, source?, meta?}]}`.

import type { FastifyReply } from 'fastify';
import type { AnnalsError, ErrorCode } from '../../core/errors.ts';
import { problemOf } from '../../http/problem.ts';
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
  BAD_REQUEST: [400, 'Bad request'],
  INVALID_TOKEN: [401, 'Invalid token'],
  UNAUTHORIZED: [401, 'Access denied'],
  RECORD_NOT_FOUND: [404, 'Record not found'],
  METHOD_NOT_ALLOWED: [405, 'Method not allowed'],
  NOT_ACCEPTABLE: [406, 'Not acceptable'],
  REQUEST_TIMEOUT: [408, 'Request timeout'],
  PAYLOAD_TOO_LARGE: [413, 'Payload too large'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Unsupported media type'],
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
  /** The query parameter that was wrong. */
  readonly parameter: string | undefined;

  constructor(code: WireCode, message: string, parameter?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.parameter = parameter;
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
  if (error.code === 'forbidden') return new WireError('UNAUTHORIZED', UNAUTHORIZED);
  const code = CODES[error.code] ?? 'BAD_REQUEST';
  return new WireError(code, error.message, undefined, error.status >= 500 ? thrown : undefined);
}

export function toErrorObject({ code, status, message, parameter }: WireError): ErrorObject {
  return {
    title: KINDS[code][1],
    detail: message,
    code,
    status: String(status),
    ...(parameter === undefined ? {} : { source: { parameter } }),
  };
}

/** Seconds after which a refused request may be sent again. */
const RETRY_AFTER_SECONDS = 1;

export function sendError(reply: FastifyReply, error: WireError): void {
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  if (error.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
  sendDocument(reply.code(error.status), { errors: [toErrorObject(error)] });
}

/** Sends bytes: to a text Fastify would add a charset, which this media type may not have. */
export function sendDocument(reply: FastifyReply, document: object): FastifyReply {
  return reply.type(MEDIA_TYPE).send(Buffer.from(JSON.stringify(document)));
}
