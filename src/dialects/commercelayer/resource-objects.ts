// Resources of the directory become resource objects, and what is included with them is gathered.

import type { Entry } from '../../core/entry.ts';
import type { Json } from '../../core/json.ts';
import type { Declaration } from '../../directory/declaration.ts';
import { declarationOf } from '../../directory/declarations.ts';
import { type Shown, shownBy } from '../../directory/values.ts';
import type { DirectoryResource, DirectoryView } from '../../directory/view.ts';
import type { Include, ResourceQuery } from './from-wire.ts';
import { versionObject } from './to-wire.ts';
import type { ResourceObject } from './wire.ts';

/** A resource and the directory in which it is. */
export interface Seen {
  view: DirectoryView;
  resource: DirectoryResource;
}

/** What making a document needs to know of the request. */
export interface Making {
  origin: string;
  query: ResourceQuery;
  /** The versions of a resource, the oldest first. */
  versionsOf(seen: Seen): Promise<readonly Entry[]>;
}

/** The objects of the resources that were asked for, and of those that are included with them, each once. */
export async function objectsOf(
  making: Making,
  resources: readonly Seen[],
): Promise<{ data: ResourceObject[]; included: ResourceObject[] | undefined }> {
  const { include } = making.query;
  const versions = new Map<string, readonly Entry[]>();
  const gathered = new Gathered(resources);
  await gather(making, resources, include, gathered, versions);
  const objectOf = (seen: Seen): ResourceObject =>
    toObject(making, seen, gathered.branches(keyOf(seen)), versions);
  const included = [
    ...gathered.included.map(objectOf),
    ...[...versions.values()].flat().map((entry) => versionObject(making.origin, entry, making.query)),
  ];
  return { data: resources.map(objectOf), included: include.size === 0 ? undefined : included };
}

function keyOf({ resource: { type, id } }: Seen): string {
  return `${type}/${id}`;
}

/** What is walked, and with which branches of the include: the same is not walked twice. */
class Gathered {
  readonly included: Seen[] = [];
  readonly #branches = new Map<string, Set<Include>>();

  constructor(resources: readonly Seen[]) {
    for (const seen of resources) this.#branches.set(keyOf(seen), new Set());
  }

  branches(key: string): ReadonlySet<Include> {
    return this.#branches.get(key) ?? new Set();
  }

  /** False where it was walked with this branch before. */
  add(seen: Seen, include: Include): boolean {
    const key = keyOf(seen);
    const known = this.#branches.get(key);
    if (known === undefined) {
      this.included.push(seen);
      this.#branches.set(key, new Set([include]));
      return true;
    }
    if (known.has(include)) return false;
    known.add(include);
    return true;
  }
}

async function gather(
  making: Making,
  resources: readonly Seen[],
  include: Include,
  gathered: Gathered,
  versions: Map<string, readonly Entry[]>,
): Promise<void> {
  const walked = resources.filter((seen) => gathered.add(seen, include));
  for (const [name, deeper] of include) {
    const targets: Seen[] = [];
    for (const { view, resource } of walked) {
      const { to } = declarationOf(resource.type).relationships[name] as { to: string };
      if (to === 'versions') {
        versions.set(keyOf({ view, resource }), await making.versionsOf({ view, resource }));
      }
      for (const target of view.related(resource, name)) targets.push({ view, resource: target });
    }
    if (targets.length > 0) await gather(making, targets, deeper, gathered, versions);
  }
}

function toObject(
  { origin, query }: Making,
  seen: Seen,
  includes: ReadonlySet<Include>,
  versions: ReadonlyMap<string, readonly Entry[]>,
): ResourceObject {
  const { view, resource } = seen;
  const { type, id } = resource;
  const declaration = declarationOf(type);
  const self = `${origin}/api/${pathOf(declaration, id)}`;
  const fields = query.fields.get(type);
  const isWanted = (name: string): boolean => fields === undefined || fields.has(name);
  const attributes: Record<string, Json> = {};
  for (const [name, shown] of shownAttributes(declaration)) {
    if (isWanted(name)) attributes[name] = shown(view, resource);
  }
  const relationships: Record<string, Json> = {};
  for (const [name, { to, isMany }] of Object.entries(declaration.relationships)) {
    if (!isWanted(name)) continue;
    const links = { self: `${self}/relationships/${name}`, related: `${self}/${name}` };
    const isIncluded = [...includes].some((include) => include.has(name));
    relationships[name] = isIncluded
      ? {
          links,
          data: to === 'versions' ? linkageOf(versions.get(keyOf(seen)) ?? []) : linkage(seen, name, isMany),
        }
      : { links };
  }
  return { id, type, links: { self }, attributes, relationships };
}

/** The path of a resource under `/api`; the caller's own user has no id in it. */
export function pathOf({ type, singular, isSingleton }: Declaration, id: string): string {
  return isSingleton ? singular : `${type}/${id}`;
}

export function linkage({ view, resource }: Seen, name: string, isMany: boolean): Json {
  const targets = view.related(resource, name).map(({ type, id }) => ({ type, id }));
  return isMany ? targets : (targets[0] ?? null);
}

export function linkageOf(entries: readonly Entry[]): Json {
  return entries.map(({ id }) => ({ type: 'versions', id }));
}

const known = new Map<string, [name: string, shown: Shown][]>();

function shownAttributes({ type, attributes }: Declaration): [name: string, shown: Shown][] {
  let shown = known.get(type);
  if (shown === undefined) {
    shown = Object.entries(attributes)
      .filter(([, { isFetchable }]) => isFetchable)
      .map(([name]) => [name, shownBy(type, name)]);
    known.set(type, shown);
  }
  return shown;
}
