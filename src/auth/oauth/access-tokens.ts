// Access tokens: signed JWTs that stand for a credential for a while. Signed by the installation's one
// key; the issuer is whatever origin the client reached us at, so it is named, and the key is what counts.

import { randomInt } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { Instant } from '../../core/instant.ts';
import type { Organization, Scope } from '../../directory/directory.ts';
import type { Store } from '../../store/store.ts';
import { ALGORITHM, type KeyRing, makeKeyRing, type SigningKey } from './signing-key.ts';

/** What an access token says. */
export interface AccessClaims {
  /** Its own id. */
  jti: string;
  organization: string;
  /** The id of the credential for which it stands. */
  credential: string;
  scopes: Scope[];
  expiresAt: Instant;
}

export interface IssuedToken {
  jwt: string;
  scope: string;
  issuedAtSeconds: number;
  expiresInSeconds: number;
}

export interface AccessTokens {
  issue(grant: {
    /** The id of the credential for which it stands. */
    credential: string;
    organization: Organization;
    scopes: Scope[];
    issuer: string;
    /** How long it is good; undefined: as long as any. */
    lifetimeSeconds: number | undefined;
  }): Promise<IssuedToken>;
  /** Undefined where it is not ours, over, or revoked. Whether its credential still exists is the caller's to ask. */
  verify(jwt: string): Promise<AccessClaims | undefined>;
  /** Ends one access token before its time, in every server on the database. */
  revoke(claims: AccessClaims): Promise<void>;
  /** The public keys. */
  keys(): Promise<{ keys: SigningKey['jwk'][] }>;
}

/** The scope by which the vendor's clients know a token for the Provisioning API. */
export const PROVISIONING_SCOPE = 'provisioning-api';

const LIFETIME_SECONDS = 7200;
const MICROS = 1_000_000;
const RAND_STEPS = 2 ** 48 - 1;

/** What an access token carries beside the registered claims. */
interface Payload extends JWTPayload {
  organization: { id: string; slug: string };
  application: { id: string; kind: 'user'; public: boolean; client_id: string; confidential: boolean };
  user: { id: string };
  scope: string;
}

export function makeAccessTokens(
  store: Pick<Store, 'secret' | 'addSecret' | 'dropSecrets'>,
  { now, uuid }: { now(): Instant; uuid(): string },
  keyRing: KeyRing = makeKeyRing(store),
): AccessTokens {
  return {
    async issue({ credential, organization, scopes, issuer, lifetimeSeconds = LIFETIME_SECONDS }) {
      const { SignJWT } = await import('jose');
      const { kid, privateKey } = await keyRing.key();
      const issuedAtSeconds = Math.floor(now() / MICROS);
      const scope = [PROVISIONING_SCOPE, ...scopes].join(' ');
      const jwt = await new SignJWT({
        ...payloadOf(credential, organization, scope),
        rand: randomInt(RAND_STEPS) / RAND_STEPS,
      })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
        .setIssuer(issuer)
        .setJti(uuid())
        .setIssuedAt(issuedAtSeconds)
        .setExpirationTime(issuedAtSeconds + lifetimeSeconds)
        .sign(privateKey);
      return { jwt, scope, issuedAtSeconds, expiresInSeconds: lifetimeSeconds };
    },
    async verify(jwt) {
      const key = await keyRing.known();
      const claims = key && (await claimsOf(jwt, key, now()));
      if (claims === undefined || (await store.secret(revokedName(claims.jti))) !== undefined)
        return undefined;
      return claims;
    },
    async revoke({ jti, expiresAt }) {
      await store.addSecret(revokedName(jti), new Uint8Array(0), expiresAt);
      await store.dropSecrets(now());
    },
    async keys() {
      return { keys: [(await keyRing.key()).jwk] };
    },
  };
}

/** Has it the form of an access token? Ours otherwise have no dots. */
export function isAccessToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

function revokedName(jti: string): string {
  return `revoked-access-token:${jti}`;
}

/** A token of the vendor's Provisioning API: of kind `user`, for a client that keeps a secret. */
function payloadOf(id: string, organization: Organization, scope: string): Payload {
  return {
    organization: { id: organization.id, slug: organization.slug },
    application: { id, kind: 'user', public: false, client_id: id, confidential: true },
    user: { id },
    scope,
    test: false,
  };
}

async function claimsOf(
  jwt: string,
  { publicKey }: SigningKey,
  now: Instant,
): Promise<AccessClaims | undefined> {
  const { errors, jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify<Payload>(jwt, publicKey, {
      algorithms: [ALGORITHM],
      requiredClaims: ['iss', 'jti', 'iat', 'exp'],
      currentDate: new Date(now / 1000),
    });
    return {
      jti: payload.jti as string,
      organization: payload.organization.id,
      credential: payload.application.id,
      scopes: payload.scope
        .split(' ')
        .filter((scope): scope is Scope => scope === 'read' || scope === 'write'),
      expiresAt: (payload.exp as number) * MICROS,
    };
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
