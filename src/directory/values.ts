// What a resource of the directory shows: its state, what follows from others, and what it is by default.

import { formatInstant } from '../core/instant.ts';
import type { Json } from '../core/json.ts';
import { declarationOf } from './declarations.ts';
import type { DirectoryResource, DirectoryView } from './view.ts';

type Derive = (view: DirectoryView, resource: DirectoryResource) => Json;

/** Attributes that are kept nowhere, because they follow from something else. */
const DERIVED: Readonly<Record<string, Derive>> = {
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

/** An attribute as the API shows it; null where it has none. Instants have milliseconds. */
export function shownValue(view: DirectoryView, resource: DirectoryResource, name: string): Json {
  const { type, state, createdAt, updatedAt } = resource;
  if (name === 'id') return resource.id;
  if (name === 'created_at') return shownInstant(createdAt);
  if (name === 'updated_at') return shownInstant(updatedAt);
  const derive = DERIVED[`${type}.${name}`];
  if (derive !== undefined) return derive(view, resource);
  const kept = Object.hasOwn(state, name) ? state[name] : undefined;
  return kept ?? declarationOf(type).attributes[name]?.default ?? null;
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
