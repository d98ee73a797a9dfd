// What a token of an identity provider says, read without trust: its signature is checked by the caller.

import type { JWTPayload } from 'jose';
import type { JsonObject } from '../../core/json.ts';
import { domainsOf } from '../../directory/rules/identity-providers.ts';
import { emailOf } from '../../directory/rules/memberships.ts';

export interface Claims {
  issuer: string;
  audiences: readonly string[];
  /** Verified, says the issuer; as memberships have it. */
  email: string;
  expiresAtSeconds: number;
}

/** Undefined where it cannot stand for anybody, whoever signed it. */
export async function claimsOf(jwt: string): Promise<Claims | undefined> {
  const payload = await payloadOf(jwt);
  if (payload === undefined) return undefined;
  const { iss, aud, exp, email, email_verified } = payload;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (typeof iss !== 'string' || typeof exp !== 'number' || !audiences.every(isText)) return undefined;
  if (typeof email !== 'string' || email_verified !== true || !isPlain(email)) return undefined;
  return { issuer: iss, audiences, email: emailOf(email), expiresAtSeconds: exp };
}

/** Is this provider, by its state, one that may vouch for such a token? */
export function isVouching(state: JsonObject, { issuer, audiences, email }: Claims): boolean {
  const { issuer: own, client_id, domains, disabled_at } = state;
  return (
    disabled_at === undefined &&
    own === issuer &&
    audiences.includes(String(client_id)) &&
    domainsOf(String(domains)).includes(email.slice(email.lastIndexOf('@') + 1))
  );
}

async function payloadOf(jwt: string): Promise<JWTPayload | undefined> {
  const { decodeJwt } = await import('jose');
  try {
    return decodeJwt(jwt);
  } catch {
    return undefined;
  }
}

/**
 * Only A to Z become other letters: elsewhere lower case makes two addresses one (U+212A, the sign for
 * Kelvin, becomes k), and the one who was verified would not be the one who is a member.
 */
function isPlain(email: string): boolean {
  return email.includes('@') && email.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) === emailOf(email);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
