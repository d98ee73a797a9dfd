// Streams: the numbered readings of a log under which every entry is filed. Their names are stored,
// so their form is for ever: `kind:value`.

import type { Action, Resource, ResourceRef } from './entry.ts';

/** The name of a stream. */
export type Stream = string;

export const streamOf = {
  resource: (ref: ResourceRef): Stream => `resource:${ref.type}/${ref.id}`,
  related: (ref: ResourceRef): Stream => `related:${ref.type}/${ref.id}`,
  /** Entries of the resource itself, and entries to which it is related. */
  about: (ref: ResourceRef): Stream => `about:${ref.type}/${ref.id}`,
  /** Entries of every resource with this id, whatever its type. */
  id: (id: string): Stream => `id:${id}`,
  type: (type: string): Stream => `type:${type}`,
  actor: (id: string): Stream => `actor:${id}`,
  action: (action: Action): Stream => `action:${action}`,
  event: (event: string): Stream => `event:${event}`,
  ip: (ip: string): Stream => `ip:${ip}`,
  /** Entries that changed this top-level attribute. */
  changed: (attribute: string): Stream => `changed:${attribute}`,
} as const;

/** Under this name a store's timeline has every entry of a log; no entry is filed under it. */
export const WHOLE_LOG: Stream = 'log:';

/** Entries that are versions: see `isVersion`. */
export const VERSIONS: Stream = 'versions:';

/** Directory types: which of their actions make a version. Every other type makes one for each difference. */
const DIRECTORY_VERSIONS: Record<string, readonly Action[]> = {
  api_credentials: [],
  application_memberships: [],
  identity_providers: [],
  membership_profiles: [],
  memberships: ['update', 'delete'],
  organizations: [],
  permissions: ['update', 'delete'],
  personal_access_tokens: [],
  roles: ['create', 'update', 'delete'],
  users: [],
};

/** Is this a type that Annals manages itself, through the Provisioning API? */
export function isDirectoryType(type: string): boolean {
  return Object.hasOwn(DIRECTORY_VERSIONS, type);
}

export interface Filed {
  resource: Resource;
  related: readonly ResourceRef[];
  action: Action;
  actor: { id: string };
  event?: string | undefined;
  context?: { [key: string]: unknown } | undefined;
  changed: boolean;
}

/**
 * Is this entry a version, as the Versions API means it? It has a difference, and its type is one
 * that Annals does not manage itself, or one whose history the Provisioning API tracks.
 */
export function isVersion(entry: Pick<Filed, 'resource' | 'action' | 'changed'>): boolean {
  if (!entry.changed) return false;
  const actions = Object.hasOwn(DIRECTORY_VERSIONS, entry.resource.type)
    ? DIRECTORY_VERSIONS[entry.resource.type]
    : undefined;
  return actions === undefined || actions.includes(entry.action);
}

/**
 * The streams under which an entry is filed, beside the log itself: each name once. `attributes` are
 * the top-level attributes that it changed, each once. The first is its resource's stream, in which its number
 * is its version.
 */
export function streamsOf(entry: Filed, attributes: readonly string[]): Stream[] {
  const streams = [
    streamOf.resource(entry.resource),
    streamOf.id(entry.resource.id),
    streamOf.type(entry.resource.type),
    streamOf.actor(entry.actor.id),
    streamOf.action(entry.action),
    streamOf.about(entry.resource),
  ];
  for (const related of entry.related) streams.push(streamOf.related(related), streamOf.about(related));
  if (entry.event !== undefined) streams.push(streamOf.event(entry.event));
  if (typeof entry.context?.ip === 'string') streams.push(streamOf.ip(entry.context.ip));
  if (isVersion(entry)) streams.push(VERSIONS);
  for (const attribute of attributes) streams.push(streamOf.changed(attribute));
  // Only a resource can be named twice.
  return entry.related.length === 0 ? streams : [...new Set(streams)];
}
