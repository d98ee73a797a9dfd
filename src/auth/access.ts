// Who calls, and what they may do. Every dialect asks here, with the bearer token that it found.

import { timingSafeEqual } from 'node:crypto';
import type { Actor } from '../core/entry.ts';
import { AnnalsError } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import type { Sha256 } from '../core/merkle.ts';
import type { Directory, Organization, Scope, ShownToken } from '../directory/directory.ts';
import { type AccessTokens, isAccessToken } from './oauth/access-tokens.ts';

/** An authenticated caller. */
export interface Caller {
  isRoot: boolean;
  /** The token's id; `root` for the root token. */
  id: string;
  name: string;
  scopes: readonly Scope[];
  /** The token's own organization; the root token's is the one with the slug `default`. */
  organization: Organization;
}

export interface Access {
  /** @throws AnnalsError `unauthenticated` where the token is missing, unknown or revoked */
  authenticate(token: string | undefined): Promise<Caller>;
  /**
   * The organization that a request means: the named one (id or slug), else the caller's own.
   * @throws AnnalsError `not_found` for root where there is none; `forbidden` for any other token where
   * it is not its own, whether it exists or not
   */
  organization(caller: Caller, idOrSlug: string | undefined): Promise<Organization>;
  /** @throws AnnalsError `forbidden` */
  require(caller: Caller, scope: Scope | 'root'): void;
  /** Revocation in this server is felt by the next request. */
  forget(): void;
}

/** How long another server's revocation may stay unnoticed here. */
const REMEMBERED_MS = 5_000;
const MOST_REMEMBERED = 10_000;

export function makeAccess(
  directory: Directory,
  rootToken: string,
  accessTokens: Pick<AccessTokens, 'verify'>,
  means: { now(): Instant; nowMs(): number; sha256: Sha256 },
): Access {
  const remembered = new Map<string, { caller: Caller; untilMs: number }>();
  const encoder = new TextEncoder();
  const rootHash = means.sha256(encoder.encode(rootToken));

  return {
    async authenticate(token) {
      if (token === undefined || token === '') {
        throw new AnnalsError(
          'unauthenticated',
          'a bearer token is missing: send "Authorization: Bearer <token>"',
        );
      }
      const known = remembered.get(token);
      if (known !== undefined && known.untilMs > means.nowMs()) return known.caller;
      const { caller, forMs } = await callerOf(token);
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      remembered.set(token, { caller, untilMs: means.nowMs() + forMs });
      return caller;
    },
    async organization(caller, idOrSlug) {
      const own = caller.organization;
      if (idOrSlug === undefined || idOrSlug === own.id || idOrSlug === own.slug) return own;
      if (!caller.isRoot) {
        throw new AnnalsError('forbidden', `this token may not use the organization "${idOrSlug}"`, {
          got: idOrSlug,
        });
      }
      const found = await directory.organization(idOrSlug);
      if (found !== undefined) return found;
      throw new AnnalsError('not_found', `there is no organization "${idOrSlug}"`, { got: idOrSlug });
    },
    require(caller, scope) {
      if (caller.isRoot || (scope !== 'root' && caller.scopes.includes(scope))) return;
      const got = caller.scopes.length === 0 ? 'none' : caller.scopes.join(', ');
      throw new AnnalsError('forbidden', `this needs ${RIGHTS[scope]}, and this token may ${got}`, {
        limit: scope,
        got,
      });
    },
    forget: () => remembered.clear(),
  };

  async function callerOf(token: string): Promise<{ caller: Caller; forMs: number }> {
    if (timingSafeEqual(means.sha256(encoder.encode(token)), rootHash)) {
      const organization = await directory.organization('default');
      if (organization === undefined)
        throw new AnnalsError('internal', 'the default organization is missing');
      const caller = {
        isRoot: true,
        id: 'root',
        name: 'root',
        scopes: ['read', 'write'] as const,
        organization,
      };
      return { caller, forMs: REMEMBERED_MS };
    }
    if (isAccessToken(token)) return bearerOf(token);
    return { caller: await callerWith(await directory.tokenBySecret(token)), forMs: REMEMBERED_MS };
  }

  /** Who bears an access token: the API token for which it stands, with no more than both allow. */
  async function bearerOf(jwt: string): Promise<{ caller: Caller; forMs: number }> {
    const claims = await accessTokens.verify(jwt);
    const caller = await callerWith(claims && (await directory.token(claims.organization, claims.token)));
    const { scopes = [], expiresAt = 0 } = claims ?? {};
    return {
      caller: { ...caller, scopes: caller.scopes.filter((scope) => scopes.includes(scope)) },
      forMs: Math.min(REMEMBERED_MS, (expiresAt - means.now()) / 1000),
    };
  }

  async function callerWith(token: ShownToken | undefined): Promise<Caller> {
    const organization = token && (await directory.organization(token.organization));
    if (token === undefined || organization === undefined) {
      throw new AnnalsError('unauthenticated', 'the bearer token is unknown, over or was revoked');
    }
    return { isRoot: false, id: token.id, name: token.name, scopes: token.scopes, organization };
  }
}

const RIGHTS = {
  read: 'a token that may read',
  write: 'a token that may write',
  root: 'the root token',
} as const;

/** The actor of a write that names none: the token itself. */
export function actorOf(caller: Caller): Actor {
  if (caller.isRoot) return { type: 'system', id: 'root' };
  return { type: 'application', id: caller.id, name: caller.name };
}

/** The token in an `Authorization` header, undefined where there is none of the form `Bearer <token>`. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}
