// Tokens that an organization's identity provider issued (OpenID Connect Core 1.0; JWT access tokens,
// RFC 9068): who they stand for here. A provider vouches for members of its own organization alone.

import { type Instant, parseInstant } from '../core/instant.ts';
import type { Sha256 } from '../core/merkle.ts';
import type { Directory, Found } from '../directory/directory.ts';
import { identityOf } from '../directory/rules/identity-providers.ts';
import { membershipId } from '../directory/rules/memberships.ts';
import type { Principal } from './access.ts';
import { type Claims, claimsOf, isVouching } from './openid/claims.ts';
import { makeIssuers } from './openid/issuers.ts';
import { type KeyLogger, makeKeySets } from './openid/key-sets.ts';

export interface ForeignTokens {
  /** The member for whom a token stands, and for how long that may be remembered; undefined: nobody. */
  identify(jwt: string): Promise<Identified | undefined>;
}

export interface Identified {
  principal: Extract<Principal, { kind: 'member' }>;
  forMs: number;
}

/** Asymmetric ones: nobody who can check a token can make one. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** Of an ID token, and of an access token (RFC 9068); what else a provider signs opens nothing. */
const TYPES = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
/** Clocks differ. */
const TOLERANCE_SECONDS = 5;
const REMEMBERED_MS = 60_000;
/** Providers may name the same issuer and client with keys elsewhere: so many places are asked for one token. */
const MOST_KEY_SETS = 10;

interface Means {
  now(): Instant;
  nowMs(): number;
  sha256: Sha256;
  logger: KeyLogger;
}

export function makeForeignTokens(
  directory: Pick<Directory, 'view' | 'identityProviders'>,
  { now, nowMs, sha256, logger }: Means,
): ForeignTokens {
  const issuers = makeIssuers(directory, nowMs);
  const keySets = makeKeySets(nowMs, logger);

  async function accept(jwt: string, claims: Claims): Promise<Identified | undefined> {
    const signed = new Map<string, boolean>();
    for (const { view, resource } of await candidates(claims)) {
      const identity = identityOf(resource.state);
      const { client_id: audience, jwks_url: url } = resource.state as Record<string, string>;
      const signer = JSON.stringify([url, audience]);
      if (!signed.has(signer)) {
        if (signed.size === MOST_KEY_SETS) continue;
        signed.set(signer, await isSigned(jwt, claims.issuer, audience as string, url as string));
      }
      if (signed.get(signer) !== true) continue;
      const { organization } = view;
      const membership = view.get('memberships', membershipId(sha256, organization.id, claims.email));
      // An id is made of part of a hash: the address itself decides.
      if (membership?.state.user_email !== claims.email) continue;
      const principal = {
        kind: 'member' as const,
        organization,
        membership: membership.id,
        provider: resource.id,
        identity,
      };
      const leftMs = claims.expiresAtSeconds * 1000 - now() / 1000;
      return { principal, forMs: Math.max(0, Math.min(REMEMBERED_MS, leftMs)) };
    }
    return undefined;
  }

  /** The providers that may vouch for it, as they are now: first the one that was verified first. */
  async function candidates(claims: Claims): Promise<Found[]> {
    const found: Found[] = [];
    for (const { organization, id } of issuers.vouchingFor(claims)) {
      const view = await directory.view(organization);
      const resource = view.get('identity_providers', id);
      if (resource !== undefined && isVouching(resource.state, claims)) found.push({ view, resource });
    }
    return found.sort((left, right) => compare(precedence(left), precedence(right)));
  }

  async function isSigned(jwt: string, issuer: string, audience: string, url: string): Promise<boolean> {
    const { errors, jwtVerify } = await import('jose');
    try {
      const { protectedHeader } = await jwtVerify(jwt, await keySets.at(url), {
        algorithms: ALGORITHMS,
        issuer,
        audience,
        requiredClaims: ['exp'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(now() / 1000),
      });
      return TYPES.includes(protectedHeader.typ?.toLowerCase());
    } catch (error) {
      // Neither the token nor what it says is logged: only which check refused it.
      const code = error instanceof errors.JOSEError ? error.code : (error as Error).name;
      logger.debug({ issuer, audience, code }, 'the token of an identity provider was refused');
      return false;
    }
  }

  return {
    async identify(jwt) {
      const claims = await claimsOf(jwt);
      if (claims === undefined) return undefined;
      return (await accept(jwt, claims)) ?? ((await issuers.renew()) ? accept(jwt, claims) : undefined);
    },
  };
}

/** Another organization cannot come before a provider that has vouched for members already. */
function precedence({ resource: { state, createdAt, id } }: Found): (number | string)[] {
  const verifiedAt = typeof state.verified_at === 'string' ? parseInstant(state.verified_at) : undefined;
  return [verifiedAt ?? Number.POSITIVE_INFINITY, createdAt, id];
}

function compare(left: (number | string)[], right: (number | string)[]): number {
  const at = left.findIndex((part, index) => part !== right[index]);
  return at === -1 ? 0 : (left[at] as number) < (right[at] as number) ? -1 : 1;
}
