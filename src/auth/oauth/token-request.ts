// From an OAuth request to its parameters and credentials: JSON, a form or the query string, and Basic.

import type { FastifyRequest } from 'fastify';
import { parseJson } from '../../ingest/json-text.ts';
import { OAuthError } from './errors.ts';

/** Parameters of the body and of the query string, each once. */
export type Parameters = ReadonlyMap<string, string>;

export interface Credentials {
  clientId: string;
  clientSecret: string;
}

const FORM = 'application/x-www-form-urlencoded';

/** The parameters of a body, by its media type. @throws OAuthError `invalid_request` */
export function bodyParameters(mediaType: string, body: Uint8Array): [name: string, value: string][] {
  const essence = mediaType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (body.length === 0) return [];
  if (essence === FORM) return [...new URLSearchParams(new TextDecoder().decode(body))];
  if (!essence.endsWith('json')) {
    throw new OAuthError('invalid_request', `the body must be JSON or ${FORM}, got "${essence}"`);
  }
  const value = parseJson(body);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new OAuthError('invalid_request', 'the body must be a JSON object');
  }
  return Object.entries(value).map(([name, member]) => {
    if (typeof member === 'string') return [name, member];
    throw new OAuthError(
      'invalid_request',
      `"${name}" must be a string, got ${JSON.stringify(member).slice(0, 80)}`,
    );
  });
}

/** @throws OAuthError `invalid_request` where a parameter comes twice (RFC 6749, section 3.2) */
export function parametersOf(request: FastifyRequest): Parameters {
  const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?') + 1) : '';
  const body = (request.body ?? []) as [string, string][];
  const parameters = new Map<string, string>();
  for (const [name, value] of [...new URLSearchParams(query), ...body]) {
    if (parameters.has(name)) throw new OAuthError('invalid_request', `"${name}" comes more than once`);
    parameters.set(name, value);
  }
  return parameters;
}

/** @throws OAuthError `invalid_client` where they are missing, `invalid_request` where they come in two ways */
export function credentialsOf(authorization: string | undefined, parameters: Parameters): Credentials {
  const basic = basicOf(authorization);
  const [id, secret] = [parameters.get('client_id'), parameters.get('client_secret')];
  if (basic === undefined) {
    if (id === undefined || secret === undefined) throw missing();
    return { clientId: id, clientSecret: secret };
  }
  if (secret !== undefined || (id !== undefined && id !== basic.clientId)) {
    throw new OAuthError('invalid_request', 'send the client either with Basic or in the body, not in both');
  }
  return basic;
}

function basicOf(authorization: string | undefined): Credentials | undefined {
  const encoded = /^Basic +(\S*) *$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon === -1) throw missing();
  return { clientId: decoded(text.slice(0, colon)), clientSecret: decoded(text.slice(colon + 1)) };
}

/** RFC 6749, section 2.3.1, has both parts form-encoded; clients that do not know it send them as they are. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function missing(): OAuthError {
  return new OAuthError(
    'invalid_client',
    'client_id and client_secret are missing: send them in the body, or with Basic',
  );
}
