// The directory of one organization as it is now, in memory: what its log says, and nothing else.

import { type Instant, parseInstant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { LogId, Organization } from '../store/store.ts';
import type { Relationship } from './declaration.ts';
import { declarationOf, KEPT } from './declarations.ts';
import { ALL_RIGHTS, NO_RIGHTS, READ_ONLY, type Rights, rightsOfPermissions } from './rights.ts';
import { VERBS } from './subjects.ts';

/** A resource of the directory: its latest state. */
export interface DirectoryResource {
  log: LogId;
  type: string;
  id: string;
  state: JsonObject;
  createdAt: Instant;
  updatedAt: Instant;
}

export class DirectoryView {
  /** Where the log is, and what it was called when it was made. */
  readonly organization: Organization;
  /** Grows with everything that is learned: what is derived from the view holds while it stays. */
  revision = 0;
  /** Does the log say what was there from the start? It does with the first change of the directory. */
  isFounded = false;
  readonly #resources = new Map<string, Map<string, DirectoryResource>>();
  /** Ids by the relationship that points to another resource: `type.key:id`. */
  readonly #pointing = new Map<string, Set<string>>();
  readonly #credentials = new Map<string, DirectoryResource>();
  /** Sorted when they are first asked for. */
  readonly #lists = new Map<string, DirectoryResource[]>();
  readonly #rights = new Map<string, { revision: number; rights: Rights }>();

  constructor(organization: Organization) {
    this.organization = organization;
    for (const { type } of KEPT) this.#resources.set(type, new Map());
  }

  /** How many resources it holds. */
  get size(): number {
    let size = 0;
    for (const resources of this.#resources.values()) size += resources.size;
    return size;
  }

  get(type: string, id: string): DirectoryResource | undefined {
    return this.#resources.get(type)?.get(id);
  }

  /** All of a type, the oldest first. */
  list(type: string): readonly DirectoryResource[] {
    let list = this.#lists.get(type);
    if (list === undefined) {
      list = [...(this.#resources.get(type)?.values() ?? [])].sort(byAge);
      this.#lists.set(type, list);
    }
    return list;
  }

  /** Whom a relationship names, the oldest first where it is to many. */
  related(resource: DirectoryResource, name: string): readonly DirectoryResource[] {
    const { to, isMany, inverse } = declarationOf(resource.type).relationships[name] as Relationship;
    if (isMany) return to === 'versions' ? [] : this.pointing(to, inverse as string, resource.id);
    const target = this.target(resource, name);
    return target === undefined ? [] : [target];
  }

  /** The credential or personal access token whose secret has this hash. */
  credential(secretHash: string): DirectoryResource | undefined {
    return this.#credentials.get(secretHash);
  }

  /** What a to-one relationship names; undefined where it names nothing that is there. */
  target({ type, id, state }: DirectoryResource, name: string): DirectoryResource | undefined {
    const relationship = declarationOf(type).relationships[name] as Relationship;
    if (relationship.to === 'organizations' && relationship.key === undefined) {
      return type === 'organizations' ? this.get(type, id) : this.get('organizations', this.organization.id);
    }
    const target = state[relationship.key ?? ''];
    return typeof target === 'string' ? this.get(relationship.to, target) : undefined;
  }

  /** Those that name a resource in their relationship, the oldest first. */
  pointing(type: string, relationship: string, id: string): readonly DirectoryResource[] {
    const { key, to } = declarationOf(type).relationships[relationship] as Relationship;
    if (to === 'organizations' && key === undefined) return this.list(type);
    const ids = this.#pointing.get(`${type}.${key}:${id}`) ?? [];
    return [...ids].map((pointer) => this.get(type, pointer) as DirectoryResource).sort(byAge);
  }

  /** What a role allows; undefined: none. */
  rightsOf(role: string | undefined): Rights {
    const found = role === undefined ? undefined : this.get('roles', role);
    if (found === undefined) return NO_RIGHTS;
    if (found.state.kind === 'admin') return ALL_RIGHTS;
    if (found.state.kind === 'read_only') return READ_ONLY;
    const known = this.#rights.get(found.id);
    if (known?.revision === this.revision) return known.rights;
    const permissions = this.pointing('permissions', 'role', found.id);
    const rights = rightsOfPermissions(
      permissions.map(({ state }) => ({
        subject: state.subject,
        verbs: VERBS.filter((verb) => state[`can_${verb}`] === true),
      })),
    );
    this.#rights.set(found.id, { revision: this.revision, rights });
    return rights;
  }

  /**
   * Learns the state that an entry left; null where it was deleted.
   * @param version the resource's version that left it
   */
  learn(type: string, id: string, state: JsonObject | null, changedAt: Instant, version?: number): void {
    const resources = this.#resources.get(type);
    if (resources === undefined) return;
    this.revision += 1;
    // Applications record changes of their organization as well: those say nothing of the directory.
    if (type !== 'organizations') this.isFounded = true;
    this.#lists.delete(type);
    const before = resources.get(id);
    if (before !== undefined) this.#index(before, false);
    if (state === null) {
      resources.delete(id);
      return;
    }
    const createdAt = before?.createdAt ?? instantIn(state.created_at) ?? changedAt;
    const log = this.organization.id;
    // What its creation left was not updated since, though it was recorded a moment after it was made.
    const isAsMade = version === 1 && state.created_at !== undefined;
    const updatedAt = isAsMade ? createdAt : changedAt;
    const resource = { log, type, id, state, createdAt, updatedAt };
    resources.set(id, resource);
    this.#index(resource, true);
  }

  #index(resource: DirectoryResource, isThere: boolean): void {
    const { type, id, state } = resource;
    const hash = state.secret_hash;
    if (typeof hash === 'string') {
      if (isThere) this.#credentials.set(hash, resource);
      else this.#credentials.delete(hash);
    }
    for (const { key } of Object.values(declarationOf(type).relationships)) {
      const target = key === undefined ? undefined : state[key];
      if (typeof target !== 'string') continue;
      const name = `${type}.${key}:${target}`;
      const ids = this.#pointing.get(name) ?? new Set();
      if (isThere) this.#pointing.set(name, ids.add(id));
      else if (ids.delete(id) && ids.size === 0) this.#pointing.delete(name);
    }
  }
}

function instantIn(value: Json | undefined): Instant | undefined {
  return typeof value === 'string' ? parseInstant(value) : undefined;
}

export function byAge(left: DirectoryResource, right: DirectoryResource): number {
  return left.createdAt - right.createdAt || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0);
}
