// Errors of the OAuth endpoints, as RFC 6749, section 5.2, has them. Beside them stands `errors`, in
// which the Commerce Layer clients look.

import type { FastifyReply } from 'fastify';
import { AnnalsError } from '../../core/errors.ts';
import { problemOf } from '../../http/problem.ts';

const STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  too_many_requests: 429,
  server_error: 500,
  temporarily_unavailable: 503,
} as const;

export type OAuthCode = keyof typeof STATUS;

/** A refusal of an OAuth endpoint. Its message says what was wanted and what was got. */
export class OAuthError extends Error {
  override name = 'OAuthError';
  readonly code: OAuthCode;

  constructor(code: OAuthCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/** Whatever was thrown, as an OAuthError; what is not ours stays in the cause. */
export function oauthErrorOf(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown;
  const error = thrown instanceof AnnalsError ? thrown : problemOf(thrown);
  if (error.code === 'too_large') return new OAuthError('invalid_request', 'the body is too large');
  if (error.status < 500) return new OAuthError('invalid_request', error.message);
  return new OAuthError(
    error.status === 503 ? 'temporarily_unavailable' : 'server_error',
    error.message,
    thrown,
  );
}

export function sendOAuthError(reply: FastifyReply, error: OAuthError): void {
  const { code, status, message } = error;
  if (status === 401) reply.header('www-authenticate', 'Basic realm="annals"');
  const title = code.replaceAll('_', ' ');
  const errors = [{ title, detail: message, code: code.toUpperCase(), status, meta: {} }];
  reply.code(status).send({ error: code, error_description: message, errors });
}
