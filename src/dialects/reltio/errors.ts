// Errors in Reltio's words: an OAuth body for 401, its own error object for the rest.

import type { FastifyReply } from 'fastify';
import type { AnnalsError } from '../../core/errors.ts';
import { hintRetry } from '../../http/problem.ts';
import type { OAuthError, ReltioError } from './wire.ts';

/** What the wire says in place of the error's own words; `detail` where it does not say those there. */
interface Words {
  errorCode: number;
  exception: string;
  message?: string;
  detail?: string;
}

/** @param token the bearer token of the request, which the wire repeats in a 401 */
export function sendError(reply: FastifyReply, error: AnnalsError, token: string | undefined): void {
  const { status, code, facts } = error;
  if (status === 401) reply.header('www-authenticate', 'Bearer error="invalid_token"');
  hintRetry(reply, error);
  if (code === 'method_not_allowed') reply.header('allow', facts.limit);
  reply.code(status).send(status === 401 ? toOAuthError(token) : toReltioError(error));
}

export function toOAuthError(token: string | undefined): OAuthError {
  return { error: 'invalid_token', error_description: `Token is invalid: ${token ?? ''}` };
}

export function toReltioError(error: AnnalsError): ReltioError {
  const { errorCode, exception, message = error.message, detail = error.message } = wordsOf(error);
  return {
    severity: 'Error',
    errorMessage: message,
    errorCode,
    errorDetailMessage: detail,
    innerErrorData: { exception },
  };
}

function wordsOf({ status }: AnnalsError): Words {
  switch (status) {
    case 403:
      return {
        errorCode: 804,
        exception: 'FORBIDDEN',
        message: 'Security error. This endpoint is forbidden for current user.',
      };
    case 404:
      return { errorCode: 101, exception: 'OBJECT_NOT_FOUND', detail: 'No object with specified id found' };
    case 405:
      return { errorCode: 150, exception: 'METHOD_NOT_ALLOWED', message: 'Request method is not supported' };
    case 429:
      return { errorCode: 150, exception: 'TOO_MANY_REQUESTS', message: 'Too many requests' };
    case 500:
    case 503:
      return { errorCode: 2001, exception: 'INTERNAL_SERVER_ERROR' };
    default:
      return { errorCode: 150, exception: 'INVALID_REQUEST', message: 'Failed to parse the request' };
  }
}
