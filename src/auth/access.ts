// Who calls, and what they may do. Every dialect asks here, with the bearer token that it found.
//
// A token says who someone is; what they may do is looked up in the directory with every request, so that
// a credential that was revoked and a role that was changed count from the next request on.

import { timingSafeEqual } from 'node:crypto';
import type { Actor } from '../core/entry.ts';
import { AnnalsError } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import type { Sha256 } from '../core/merkle.ts';
import type { Author, Directory, Found, Organization } from '../directory/directory.ts';
import { ALL_RIGHTS, narrowed, type Rights, rightsOfScopes } from '../directory/rights.ts';
import { identityOf } from '../directory/rules/identity-providers.ts';
import type { Subject, Verb } from '../directory/subjects.ts';
import type { DirectoryResource, DirectoryView } from '../directory/view.ts';
import { RATE_LIMITS, type RateLimit, SlidingWindow } from '../http/rate-limit.ts';
import type { ForeignTokens } from './foreign-tokens.ts';
import { type AccessTokens, isAccessToken } from './oauth/access-tokens.ts';

/** An authenticated caller. */
export interface Caller {
  isRoot: boolean;
  /** The credential's id, or the membership's; `root` for the root token. */
  id: string;
  name: string;
  rights: Rights;
  /** The token's own organization; the root token's is the one with the slug `default`. */
  organization: Organization;
  /** Who did what is done with the token, unless the write says otherwise. */
  actor: Actor;
  /** May a write name another actor? Applications say who did what; a member writes as themselves. */
  mayWriteForOthers: boolean;
  /** Of a member. */
  membership?: string;
  user?: string;
}

export interface Access {
  /**
   * @param address where the request comes from: failures are counted by it
   * @throws AnnalsError `unauthenticated` where the token is missing, unknown, over or revoked;
   *   `too_many_requests` where too many from this address were
   */
  authenticate(token: string | undefined, address: string): Promise<Caller>;
  /**
   * The organization that a request means: the named one (id or slug), else the caller's own.
   * @throws AnnalsError `not_found` for root where there is none; `forbidden` for any other token where
   * it is not its own, whether it exists or not
   */
  organization(caller: Caller, idOrSlug: string | undefined): Promise<Organization>;
  /** @throws AnnalsError `forbidden` */
  require(caller: Caller, verb: Verb, subject: Subject): void;
  /** @throws AnnalsError `forbidden` for any but the root token */
  requireRoot(caller: Caller): void;
  /** An access token was revoked, here or elsewhere: the next request asks anew. */
  forget(): void;
}

/** Who a token belongs to, as far as the token itself tells. */
export type Principal =
  | { kind: 'root' }
  /** `scopes` narrow what the credential may do; undefined: they do not. */
  | {
      kind: 'credential';
      organization: Organization;
      type: string;
      id: string;
      scopes: readonly string[] | undefined;
    }
  /** `identity` is who the provider was when it vouched, by `identityOf`. */
  | { kind: 'member'; organization: Organization; membership: string; provider: string; identity: string };

interface Known {
  principal: Principal;
  /** From then on the token is looked at again. */
  untilMs: number;
  /** Who it was when the view was at this revision. */
  caller?: { view: DirectoryView; revision: number; caller: Caller };
}

/** How long another server's revocation of an access token may stay unnoticed here: as long as that of a credential. */
const REMEMBERED_MS = 4_000;
const MOST_REMEMBERED = 10_000;

interface AccessMeans {
  now(): Instant;
  nowMs(): number;
  sha256: Sha256;
}

export function makeAccess(
  directory: Directory,
  rootToken: string,
  tokens: { own: Pick<AccessTokens, 'verify'>; foreign: ForeignTokens },
  means: AccessMeans,
  failures: RateLimit = RATE_LIMITS.failures,
): Access {
  const remembered = new Map<string, Known>();
  const failed = new SlidingWindow(failures, means.nowMs);
  const encoder = new TextEncoder();
  const rootHash = means.sha256(encoder.encode(rootToken));

  async function authenticate(token: string | undefined, address: string): Promise<Caller> {
    if (token === undefined || token === '') {
      throw new AnnalsError(
        'unauthenticated',
        'a bearer token is missing: send "Authorization: Bearer <token>"',
      );
    }
    const known = remembered.get(token);
    const isAtHand = known !== undefined && known.untilMs > means.nowMs();
    const caller = (isAtHand ? await callerOf(known) : undefined) ?? (await look(token, address, known));
    if (caller !== undefined) return caller;
    remembered.delete(token);
    failed.take(address);
    throw new AnnalsError('unauthenticated', 'the bearer token is unknown, over or was revoked');
  }

  /**
   * Looks at a token that is not known, or stands for nobody any more as far as it was known: its provider
   * may have changed. One that was good before is no guess; any other is not looked at for an address from
   * which too many were wrong.
   */
  async function look(
    token: string,
    address: string,
    before: Known | undefined,
  ): Promise<Caller | undefined> {
    if (before === undefined && failed.isFull(address)) {
      throw new AnnalsError(
        'too_many_requests',
        `from one address ${failures.requests} tokens in ${failures.seconds} seconds may be wrong`,
        { limit: failures.requests, retryAfterSeconds: failures.seconds },
      );
    }
    const lookedAtMs = means.nowMs();
    const found = await identify(token);
    if (found === undefined) return undefined;
    const known: Known = { principal: found.principal, untilMs: lookedAtMs + found.forMs };
    // In the order of their looks: those that were not looked at for longest are forgotten first.
    remembered.delete(token);
    const [oldest] = remembered.size >= MOST_REMEMBERED ? remembered.keys() : [];
    if (oldest !== undefined) remembered.delete(oldest);
    remembered.set(token, known);
    return callerOf(known);
  }

  async function identify(token: string): Promise<{ principal: Principal; forMs: number } | undefined> {
    if (timingSafeEqual(means.sha256(encoder.encode(token)), rootHash)) {
      return { principal: { kind: 'root' }, forMs: Number.POSITIVE_INFINITY };
    }
    if (!isAccessToken(token)) {
      const found = await directory.bySecret(token);
      return found && { principal: credentialOf(found), forMs: Number.POSITIVE_INFINITY };
    }
    const claims = await tokens.own.verify(token);
    if (claims === undefined) return tokens.foreign.identify(token);
    const organization = await directory.organization(claims.organization);
    if (organization === undefined) return undefined;
    const { credential: id, scopes, expiresAt } = claims;
    return {
      principal: { kind: 'credential', organization, type: 'api_credentials', id, scopes },
      forMs: Math.min(REMEMBERED_MS, (expiresAt - means.now()) / 1000),
    };
  }

  /** The caller as the directory has it now; undefined where it has it no more. */
  async function callerOf(known: Known): Promise<Caller | undefined> {
    const { principal } = known;
    if (principal.kind === 'root') return rootCaller(await defaultOrganization());
    const view = await directory.view(principal.organization);
    const { caller } = known;
    // Taken before anything is awaited: what the view learns meanwhile must be looked at the next time.
    const { revision } = view;
    if (caller?.view === view && caller.revision === revision) return caller.caller;
    const made =
      principal.kind === 'member'
        ? await memberCaller(view, principal)
        : await credentialCaller(view, principal);
    if (made !== undefined) known.caller = { view, revision, caller: made };
    return made;
  }

  async function credentialCaller(
    view: DirectoryView,
    { type, id, scopes }: Extract<Principal, { kind: 'credential' }>,
  ): Promise<Caller | undefined> {
    const resource = view.get(type, id);
    if (resource === undefined) return undefined;
    if (type === 'personal_access_tokens') {
      const { membership_id, member_since } = resource.state;
      const since = view.get('memberships', String(membership_id))?.state.created_at;
      return since === member_since ? activeMember(view, String(membership_id)) : undefined;
    }
    const caller = applicationCaller(view, resource);
    return scopes === undefined ? caller : { ...caller, rights: narrowed(caller.rights, scopes) };
  }

  async function memberCaller(
    view: DirectoryView,
    { membership, provider, identity }: Extract<Principal, { kind: 'member' }>,
  ): Promise<Caller | undefined> {
    const state = view.get('identity_providers', provider)?.state;
    if (state === undefined || state.disabled_at !== undefined || identityOf(state) !== identity)
      return undefined;
    const caller = await activeMember(view, membership);
    if (caller !== undefined && state.status !== 'verified') {
      await directory.markVerified(view.organization, provider, identity, authorOf(caller, {}));
    }
    return caller;
  }

  /** A member who comes for the first time has accepted the invitation. */
  async function activeMember(view: DirectoryView, id: string): Promise<Caller | undefined> {
    const membership = view.get('memberships', id);
    if (membership === undefined) return undefined;
    if (membership.state.status !== 'pending') return memberOf(view, membership);
    await directory.activate(view.organization, membership, authorOf(memberOf(view, membership), {}));
    const activated = view.get('memberships', id);
    return activated && memberOf(view, activated);
  }

  async function defaultOrganization(): Promise<Organization> {
    const organization = await directory.organization('default');
    if (organization !== undefined) return organization;
    throw new AnnalsError('internal', 'the default organization is missing');
  }

  return {
    authenticate,
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
    require({ rights }, verb, subject) {
      if (rights.may(verb, subject)) return;
      throw new AnnalsError(
        'forbidden',
        `this needs the right to ${verb} ${subject}, which the token has not`,
        {
          limit: `${verb} ${subject}`,
        },
      );
    },
    requireRoot({ isRoot }) {
      if (isRoot) return;
      throw new AnnalsError('forbidden', 'this needs the root token', { limit: 'root' });
    },
    forget() {
      for (const known of remembered.values()) known.untilMs = Number.NEGATIVE_INFINITY;
    },
  };
}

function credentialOf({ view, resource: { type, id } }: Found): Principal {
  return { kind: 'credential', organization: view.organization, type, id, scopes: undefined };
}

function rootCaller(organization: Organization): Caller {
  return {
    isRoot: true,
    id: 'root',
    name: 'root',
    rights: ALL_RIGHTS,
    organization,
    actor: { type: 'system', id: 'root' },
    mayWriteForOthers: true,
  };
}

function applicationCaller(view: DirectoryView, { id, state }: DirectoryResource): Caller {
  const [name, kind] = [String(state.name), String(state.kind)];
  const role = typeof state.role_id === 'string' ? state.role_id : undefined;
  return {
    isRoot: false,
    id,
    name,
    rights: typeof state.scopes === 'string' ? rightsOfScopes(state.scopes.split(' ')) : view.rightsOf(role),
    organization: view.organization,
    actor: { type: 'application', id, name, application: { id, name, kind, public: false } },
    mayWriteForOthers: true,
  };
}

function memberOf(view: DirectoryView, { id, state }: DirectoryResource): Caller {
  const user = String(state.user_id);
  const email = String(state.user_email);
  const { first_name, last_name } = view.get('users', user)?.state ?? {};
  const name = [first_name, last_name].filter((part) => typeof part === 'string').join(' ') || email;
  return {
    isRoot: false,
    id,
    name,
    rights: view.rightsOf(String(state.role_id)),
    organization: view.organization,
    actor: { type: 'user', id: user, name: [...name].slice(0, 200).join(''), loginName: email },
    mayWriteForOthers: false,
    membership: id,
    user,
  };
}

/** In whose name a caller writes to the directory. */
export function authorOf(
  { actor, rights, isRoot, membership, user }: Caller,
  context: Author['context'],
): Author {
  return { actor, context, rights, isRoot, membership, user };
}

/** The token in an `Authorization` header, undefined where there is none of the form `Bearer <token>`. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}
