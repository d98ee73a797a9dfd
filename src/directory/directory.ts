// Organizations and tokens. The seam for the full directory: whoever needs an organization or a
// credential asks here, never the store.

import { AnnalsError } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import type { Sha256 } from '../core/merkle.ts';
import type { Organization, Store, Token } from '../store/store.ts';

export type Scope = 'read' | 'write';
export type { Organization } from '../store/store.ts';

/** A token as it is shown: without its secret. */
export type ShownToken = Omit<Token, 'secretHash'>;

export interface Directory {
  organizations(): Promise<Organization[]>;
  /** By id or slug; undefined where there is none. */
  organization(idOrSlug: string): Promise<Organization | undefined>;
  /** @throws AnnalsError `invalid_field`, `slug_taken` */
  createOrganization(wanted: { slug: string; name?: string | undefined }): Promise<Organization>;
  tokens(organization: string): Promise<ShownToken[]>;
  /** The token with this id; undefined where there is none. */
  token(organization: string, id: string): Promise<ShownToken | undefined>;
  /** The secret is in this answer and nowhere else. */
  createToken(
    organization: string,
    wanted: { name: string; scopes: Scope[] },
  ): Promise<ShownToken & { secret: string }>;
  /** @throws AnnalsError `not_found` */
  revokeToken(organization: string, id: string): Promise<void>;
  /** The token with this secret; undefined where there is none. */
  tokenBySecret(secret: string): Promise<ShownToken | undefined>;
}

/** What the directory needs from outside. */
export interface DirectoryMeans {
  now(): Instant;
  uuid(): string;
  randomBytes(length: number): Uint8Array;
  sha256: Sha256;
}

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST_NAME = 200;
const SECRET_BYTES = 32;
/** Marks a secret as one of Annals' own, for people and for scanners that look for leaked secrets. */
const SECRET_PREFIX = 'annals_';

export function makeDirectory(store: Store, { now, uuid, randomBytes, sha256 }: DirectoryMeans): Directory {
  let known: Organization[] | undefined;

  async function organizations(): Promise<Organization[]> {
    known ??= await store.organizations();
    return known;
  }

  async function organization(idOrSlug: string): Promise<Organization | undefined> {
    const isIt = ({ id, slug }: Organization): boolean => id === idOrSlug || slug === idOrSlug;
    const found = (await organizations()).find(isIt);
    if (found !== undefined) return found;
    // Another server on the same database may have made it.
    known = undefined;
    return (await organizations()).find(isIt);
  }

  return {
    organizations: async () => {
      known = undefined;
      return organizations();
    },
    organization,
    async createOrganization({ slug, name = slug }) {
      if (!SLUG.test(slug)) {
        throw new AnnalsError(
          'invalid_field',
          `slug must be 1 to 63 of a-z, 0-9 and - (not at an end), got "${slug}"`,
          {
            field: '/slug',
            limit: SLUG.source,
            got: slug,
          },
        );
      }
      checkName(name);
      const created = { id: uuid(), slug, name, createdAt: now() };
      if (!(await store.addOrganization(created))) {
        throw new AnnalsError('slug_taken', `there is an organization with the slug "${slug}" already`, {
          field: '/slug',
          got: slug,
        });
      }
      known = undefined;
      return created;
    },
    async tokens(id) {
      return (await store.tokens(id)).map(shown);
    },
    async token(id, token) {
      const found = (await store.tokens(id)).find((candidate) => candidate.id === token);
      return found && shown(found);
    },
    async createToken(id, { name, scopes }) {
      checkName(name);
      const secret = SECRET_PREFIX + Buffer.from(randomBytes(SECRET_BYTES)).toString('base64url');
      const token = {
        id: uuid(),
        organization: id,
        name,
        scopes,
        secretHash: hashOf(secret),
        createdAt: now(),
      };
      await store.addToken(token);
      return { ...shown(token), secret };
    },
    async revokeToken(id, token) {
      if (!(await store.removeToken(id, token))) {
        throw new AnnalsError('not_found', `there is no token ${token} in this organization`, { got: token });
      }
    },
    async tokenBySecret(secret) {
      const token = await store.token(hashOf(secret));
      return token && shown(token);
    },
  };

  function hashOf(secret: string): Uint8Array {
    return sha256(new TextEncoder().encode(secret));
  }
}

function shown({ secretHash: _, ...token }: Token): ShownToken {
  return token;
}

function checkName(name: string): void {
  if (name.length >= 1 && name.length <= MOST_NAME) return;
  throw new AnnalsError('invalid_field', `name must have 1 to ${MOST_NAME} characters, got ${name.length}`, {
    field: '/name',
    limit: MOST_NAME,
    got: name.length,
  });
}
