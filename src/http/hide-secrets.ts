// Secrets that were sent where they do not belong, in a path or as a field's value, are repeated neither by
// an error nor by the logger. What is hidden is told by its form, and the root token by itself.

import type { FastifyInstance } from 'fastify';

/** Puts HIDDEN in the place of every secret in a text. */
export type HideSecrets = (text: string) => string;

const HIDDEN = '[hidden]';
/** Annals' own secrets and its JWTs; of what was abbreviated, the beginning. */
const FORMS = String.raw`annals_[\w-]{16,}|eyJ[\w-]{16,}(?:\.[\w-]*){0,2}`;

export function makeHideSecrets(rootToken: string): HideSecrets {
  // As it is, as JSON writes it, and as a path does.
  const spellings = [rootToken, JSON.stringify(rootToken).slice(1, -1), encodeURIComponent(rootToken)];
  const pattern = new RegExp(`${[...new Set(spellings)].map(literal).join('|')}|${FORMS}`, 'g');
  return (text) => text.replace(pattern, HIDDEN);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** In all answers but those that say what was asked for. */
export function hideSecretsInErrors(app: FastifyInstance, hide: HideSecrets): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    const isText = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (reply.statusCode < 400 || !isText) return done(null, payload);
    const text = payload.toString();
    const hidden = hide(text);
    done(null, hidden === text ? payload : typeof payload === 'string' ? hidden : Buffer.from(hidden));
  });
}
