// What a resource of the directory shows: its state, what follows from others, and what it is by default.

import { formatInstant } from '../core/instant.ts';
import type { Json } from '../core/json.ts';
import { declarationOf } from './declarations.ts';
import type { DirectoryResource, DirectoryView } from './view.ts';

/** Gives an attribute of a resource as the API shows it: null where it has none, instants with milliseconds. */
export type Shown = (view: DirectoryView, resource: DirectoryResource) => Json;

/** Attributes that are kept nowhere, because they follow from something else. */
const DERIVED: Readonly<Record<string, Shown>> = {
  'api_credentials.client_id': (_view, { id }) => id,
  // Shown once, in the answer to its creation.
  'api_credentials.client_secret': () => null,
  'identity_providers.client_secret': () => null,
  'memberships.user_first_name': (view, resource) => userOf(view, resource)?.state.first_name ?? null,
  'memberships.user_last_name': (view, resource) => userOf(view, resource)?.state.last_name ?? null,
  'memberships.test_enabled': (_view, { state }) => isTestEnabled(state.access_scope),
  'membership_profiles.test_enabled': (_view, { state }) => isTestEnabled(state.access_scope),
  'organizations.slug': ({ organization }) => organization.slug,
  'organizations.name': ({ organization }, { state }) =>
    typeof state.name === 'string' ? state.name : organization.name,
};

const COMMON: Readonly<Record<string, Shown>> = {
  id: (_view, { id }) => id,
  created_at: (_view, { createdAt }) => shownInstant(createdAt),
  updated_at: (_view, { updatedAt }) => shownInstant(updatedAt),
};

/** How an attribute of a type is shown; made once where many resources are looked at. */
export function shownBy(type: string, name: string): Shown {
  const derived = COMMON[name] ?? DERIVED[`${type}.${name}`];
  if (derived !== undefined) return derived;
  const missing = declarationOf(type).attributes[name]?.default ?? null;
  return (_view, { state }) => (Object.hasOwn(state, name) ? state[name] : undefined) ?? missing;
}

export function shownValue(view: DirectoryView, resource: DirectoryResource, name: string): Json {
  return shownBy(resource.type, name)(view, resource);
}

function shownInstant(instant: number): string {
  return formatInstant(Math.floor(instant / 1000) * 1000);
}

function userOf(view: DirectoryView, { state }: DirectoryResource): DirectoryResource | undefined {
  return typeof state.user_id === 'string' ? view.get('users', state.user_id) : undefined;
}

function isTestEnabled(accessScope: Json | undefined): boolean {
  return accessScope === 'test_access' || accessScope === 'all_access';
}
