// The one error that Annals throws on purpose. Its codes are closed and stable: callers of every
// dialect depend on them, and docs/reference/errors.md documents each.

export const ERROR_STATUS = {
  malformed_json: 400,
  invalid_field: 400,
  unknown_field: 400,
  invalid_parameter: 400,
  unknown_parameter: 400,
  invalid_cursor: 400,
  invalid_header: 400,
  invalid_text: 400,
  number_out_of_range: 400,
  too_deep: 400,
  unauthenticated: 401,
  forbidden: 403,
  reserved: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  id_conflict: 409,
  slug_taken: 409,
  not_unique: 409,
  idempotency_key_in_flight: 409,
  precondition_failed: 412,
  too_large: 413,
  too_many_changes: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  invalid_resource: 422,
  patch_failed: 422,
  locked: 423,
  too_many_requests: 429,
  internal: 500,
  storage_full: 503,
  store_unavailable: 503,
  head_went_back: 503,
  shutting_down: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** What was wrong, for machines: the field's JSON Pointer or parameter name, the limit, what was got. */
export interface ErrorFacts {
  field?: string;
  limit?: string | number;
  got?: string | number;
  /** Which change of an array was refused, from 0. */
  index?: number;
  /** When the same request may be sent again. */
  retryAfterSeconds?: number | undefined;
  /** All that is wrong with a resource of the directory. */
  faults?: Fault[];
}

/** One thing that is wrong with a resource of the directory. */
export interface Fault {
  at: 'attributes' | 'relationships';
  name: string;
  /** Stable, such as `blank`. */
  error: string;
  /** Completes a sentence that begins with the name, such as `can't be blank`. */
  message: string;
  /** The bound that was passed. */
  count?: number;
  value?: string | number | boolean;
}

/** An error for the caller. Its message says what was wanted and what was got; the cause is for the logger. */
export class AnnalsError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AnnalsError';
    this.code = code;
    this.facts = facts;
  }

  /** The HTTP status that goes with the code. */
  get status(): number {
    return ERROR_STATUS[this.code];
  }
}
