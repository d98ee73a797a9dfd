// The directory: organizations, users, memberships, roles, permissions and credentials. Whoever needs one
// asks here. They are resources in the log of their organization, and have no other place.

import { AnnalsError } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import type { Sha256 } from '../core/merkle.ts';
import { keyInFlight, type Record as Recorder } from '../ingest/record.ts';
import type { RequestKey } from '../ingest/sealed-batch.ts';
import type { LogId, Organization, Store } from '../store/store.ts';
import { Organizations, type WantedOrganization } from './organizations.ts';
import type { Scope } from './rights.ts';
import { rowsOf } from './rows.ts';
import { verification } from './rules/identity-providers.ts';
import { activation } from './rules/memberships.ts';
import { OwnershipMoved, organizationState, transferSteps } from './rules/organizations.ts';
import type { Author, Scene, Step } from './rules/rules.ts';
import { logOfSecret, makeSecret, secretHash } from './secrets.ts';
import type { Input } from './validate.ts';
import type { DirectoryResource, DirectoryView } from './view.ts';
import { Views } from './views.ts';
import { creation, type Extra, recordSteps, removing, updating } from './write.ts';

export type { Organization } from '../store/store.ts';
export type { Scope } from './rights.ts';
export type { Author } from './rules/rules.ts';

/** A resource of the directory, and the view in which it is. */
export interface Found {
  view: DirectoryView;
  resource: DirectoryResource;
}

/** An identity provider as its log had it when it was read. */
export interface Provider {
  organization: Organization;
  id: string;
  state: JsonObject;
}

/** A credential that was made: its secret is in this answer and nowhere else. */
export interface Made extends Found {
  secret: string | undefined;
}

/** What a token is made for: an application with scopes, or a member. */
export type WantedToken = { name: string } & ({ scopes: readonly Scope[] } | { membership: string });

export interface Directory {
  /** All organizations, the oldest first. */
  organizations(): Promise<Organization[]>;
  /** By id or slug; undefined where there is none. */
  organization(idOrSlug: string): Promise<Organization | undefined>;
  /**
   * @param wanted its slug follows from its name, or its name from its slug
   * @param input the attributes of its resource
   * @throws AnnalsError `invalid_field`, `slug_taken`, with an id `idempotency_key_reused`; with an input `invalid_resource`,
   *   `unknown_field`
   */
  createOrganization(wanted: WantedOrganization, by: Author, input?: Input): Promise<Organization>;
  /** The installation's first organization; the log says nothing of it before its directory is used. */
  ensureOrganization(wanted: { slug: string; name: string }): Promise<void>;
  /** What is in the directory of an organization. */
  view(organization: Organization): Promise<DirectoryView>;
  /** @throws AnnalsError `invalid_resource`, `unknown_field`, `not_unique`, `forbidden` */
  create(organization: Organization, type: string, input: Input, by: Author): Promise<Made>;
  /** @throws AnnalsError `not_found`, `invalid_resource`, `unknown_field`, `forbidden` */
  update(organization: Organization, type: string, id: string, input: Input, by: Author): Promise<Found>;
  /** @throws AnnalsError `not_found`, `locked` */
  remove(
    organization: Organization,
    type: string,
    id: string,
    by: Author,
    requestKey?: RequestKey,
  ): Promise<void>;
  /** Says in the log that a pending invitation is to be sent again. @throws AnnalsError `not_found`, `invalid_resource` */
  resend(organization: Organization, membership: string, by: Author): Promise<void>;
  /** @throws AnnalsError `invalid_resource`, `forbidden` */
  transferOwnership(organization: Organization, newOwnerEmail: string, by: Author): Promise<void>;
  /**
   * @param requestKey one that nothing was recorded under
   * @throws AnnalsError `invalid_resource`, `forbidden`; with a key `idempotency_key_in_flight`
   */
  createToken(
    organization: Organization,
    wanted: WantedToken,
    by: Author,
    requestKey?: RequestKey,
  ): Promise<Made>;
  /** The credential or personal access token with this secret; undefined where there is none. */
  bySecret(secret: string): Promise<Found | undefined>;
  /** A member has proven who they are for the first time. */
  activate(organization: Organization, membership: DirectoryResource, by: Author): Promise<void>;
  /**
   * Marks an identity provider as one whose tokens were verified.
   * @param identity who it was then, by `identityOf`: it may have changed meanwhile
   */
  markVerified(organization: Organization, provider: string, identity: string, by: Author): Promise<void>;
  /** The identity providers of all organizations: one read of the store for each of them, past the views. */
  identityProviders(): Promise<Provider[]>;
  /** What is at hand may be out of date: of one log, or of all. */
  suspect(log?: LogId): void;
}

/** What the directory needs from outside. */
export interface DirectoryMeans {
  now(): Instant;
  nowMs(): number;
  uuid(): string;
  randomBytes(length: number): Uint8Array;
  sha256: Sha256;
  record: Recorder;
}

/** How often a transfer of the ownership begins again because of others. */
const MOST_TRANSFERS = 50;
/** Organizations that are read at the same time. */
const AT_ONCE = 20;

export function makeDirectory(store: Store, means: DirectoryMeans): Directory {
  const { sha256, randomBytes, record, nowMs } = means;
  const organizations = new Organizations(store, means);
  const views = new Views(store, sha256, nowMs);

  async function sceneOf(organization: Organization, by: Author): Promise<Scene> {
    return { ...means, view: await views.fresh(organization), by };
  }

  /** Records steps; answers the first one's resource as it is then. */
  async function run(
    scene: Scene,
    steps: readonly [Step, ...Step[]],
    requestKey?: RequestKey,
  ): Promise<Found> {
    await recordSteps(record, scene, steps, undefined, requestKey);
    const view = await views.fresh(scene.view.organization);
    const [{ type, id }] = steps;
    const resource = view.get(type, id);
    // Under the key another one was made, a moment before: the next request with it is told which.
    if (resource === undefined) throw requestKey === undefined ? notThere(type, id) : keyInFlight();
    return { view, resource };
  }

  async function create(
    organization: Organization,
    type: string,
    input: Input,
    by: Author,
    extra: Extra = {},
    requestKey?: RequestKey,
  ): Promise<Found> {
    const scene = await sceneOf(organization, by);
    return run(scene, creation(scene, type, input, extra) as [Step, ...Step[]], requestKey);
  }

  function mustFind(view: DirectoryView, type: string, id: string): DirectoryResource {
    const found = view.get(type, id);
    if (found === undefined) throw notThere(type, id);
    return found;
  }

  async function makeCredential(
    organization: Organization,
    type: string,
    input: Input,
    by: Author,
    extra: Extra = {},
    requestKey?: RequestKey,
  ): Promise<Made> {
    const secret = makeSecret(organization.id, randomBytes);
    const kept = { ...extra, secret_hash: secretHash(sha256, secret) };
    return { ...(await create(organization, type, input, by, kept, requestKey)), secret };
  }

  return {
    organizations: () => organizations.all(),
    organization: (idOrSlug) => organizations.find(idOrSlug),
    async createOrganization(wanted, by, input) {
      const more = input === undefined ? {} : organizationState(input);
      const created = await organizations.add(wanted);
      const scene = await sceneOf(created, by);
      const state = scene.view.get('organizations', created.id)?.state ?? {};
      const step: Step = {
        type: 'organizations',
        id: created.id,
        change: (before) => ({ ...(before ?? state), ...more }),
      };
      await recordSteps(record, scene, [step], by);
      await views.fresh(created);
      return created;
    },
    async ensureOrganization(wanted) {
      if ((await organizations.find(wanted.slug)) === undefined) await organizations.add(wanted);
    },
    view: (organization) => views.of(organization),
    async create(organization, type, input, by) {
      if (type === 'api_credentials') return makeCredential(organization, type, input, by);
      return { ...(await create(organization, type, input, by)), secret: undefined };
    },
    async update(organization, type, id, input, by) {
      const scene = await sceneOf(organization, by);
      const steps = updating(scene, mustFind(scene.view, type, id), input);
      return run(scene, steps as [Step, ...Step[]]);
    },
    async remove(organization, type, id, by, requestKey) {
      const scene = await sceneOf(organization, by);
      const steps = removing(scene, mustFind(scene.view, type, id));
      await recordSteps(record, scene, steps, undefined, requestKey);
      await views.fresh(organization);
    },
    async resend(organization, id, by) {
      const scene = await sceneOf(organization, by);
      const { state } = mustFind(scene.view, 'memberships', id);
      if (state.status !== 'pending') {
        throw new AnnalsError(
          'invalid_resource',
          `memberships: status must be pending, got ${state.status}`,
          {
            faults: [{ at: 'attributes', name: 'status', error: 'invalid', message: 'must be pending' }],
          },
        );
      }
      const event = 'org.member.invitation.resent';
      await recordSteps(record, scene, [
        { type: 'memberships', id, isAccess: true, event, change: (before) => before },
      ]);
    },
    async transferOwnership(organization, newOwnerEmail, by) {
      for (let tries = 1; ; tries++) {
        const scene = await sceneOf(organization, by);
        try {
          await recordSteps(record, scene, transferSteps(scene, newOwnerEmail));
          break;
        } catch (error) {
          if (!(error instanceof OwnershipMoved) || tries === MOST_TRANSFERS) throw error;
        }
      }
      await views.fresh(organization);
    },
    createToken(organization, wanted, by, requestKey) {
      const { name } = wanted;
      if ('membership' in wanted) {
        const input = { attributes: { name }, relationships: { membership: wanted.membership } };
        return makeCredential(organization, 'personal_access_tokens', input, by, {}, requestKey);
      }
      const input = {
        attributes: { name, kind: 'integration' },
        relationships: { organization: organization.id },
      };
      const extra = { scopes: wanted.scopes.join(' ') };
      return makeCredential(organization, 'api_credentials', input, by, extra, requestKey);
    },
    async bySecret(secret) {
      const log = logOfSecret(secret);
      const organization = log === undefined ? undefined : await organizations.find(log);
      if (organization === undefined) return undefined;
      const hash = secretHash(sha256, secret);
      const view = await views.of(organization);
      const known = view.credential(hash);
      if (known !== undefined) return { view, resource: known };
      // Another server may have made it a moment ago.
      const fresh = await views.fresh(organization);
      const resource = fresh.credential(hash);
      return resource && { view: fresh, resource };
    },
    async activate(organization, { id, state }, by) {
      const scene = await sceneOf(organization, by);
      await recordSteps(record, scene, activation(id, String(state.user_id)));
      await views.fresh(organization);
    },
    async markVerified(organization, id, identity, by) {
      const scene = await sceneOf(organization, by);
      await recordSteps(record, scene, [verification(id, identity, means.now())]);
      await views.fresh(organization);
    },
    async identityProviders() {
      const all = await organizations.all();
      const found: Provider[] = [];
      for (let at = 0; at < all.length; at += AT_ONCE) {
        const lists = await Promise.all(all.slice(at, at + AT_ONCE).map((one) => providersIn(store, one)));
        found.push(...lists.flat());
      }
      return found;
    },
    suspect(log) {
      views.suspect(log);
      if (log === undefined) organizations.suspect();
    },
  };
}

async function providersIn(store: Store, organization: Organization): Promise<Provider[]> {
  const found: Provider[] = [];
  for await (const { id, state } of rowsOf(store, organization.id, 'identity_providers')) {
    found.push({ organization, id, state });
  }
  return found;
}

function notThere(type: string, id: string): AnnalsError {
  return new AnnalsError('not_found', `there is no ${type}/${id}`, { got: id });
}
