// Errors in the words of Django REST framework, which Crego's answers follow.

import type { FastifyReply } from 'fastify';
import type { AnnalsError } from '../../core/errors.ts';
import { hintRetry } from '../../http/problem.ts';
import type { CregoError, CregoFieldErrors } from './wire.ts';

/** @param token the bearer token of the request, undefined where it has none */
export function sendError(reply: FastifyReply, error: AnnalsError, token: string | undefined): void {
  const { status, code, facts } = error;
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  hintRetry(reply, error);
  if (code === 'method_not_allowed') reply.header('allow', facts.limit);
  reply.code(status).send(toCregoError(error, token));
}

export function toCregoError(
  { status, message, facts }: AnnalsError,
  token: string | undefined,
): CregoError | CregoFieldErrors {
  switch (status) {
    case 401:
      return {
        detail: token === undefined ? 'Authentication credentials were not provided.' : 'Invalid token.',
      };
    case 403:
      return { detail: 'You do not have permission to perform this action.' };
    case 400:
      return facts.field === undefined ? { detail: message } : { [facts.field]: [message] };
    case 404:
    case 405:
      return { detail: message };
    case 429:
      return { detail: `Request was throttled. Expected available in ${facts.retryAfterSeconds} seconds.` };
    case 503:
      return { detail: 'Service temporarily unavailable, try again later.' };
    default:
      return { detail: 'A server error occurred.' };
  }
}
