// All types of the directory by name: those of the Provisioning API, and what else is kept there.

import type { Declaration } from './declaration.ts';
import { apiCredentials, personalAccessTokens } from './types/api-credentials.ts';
import { applicationMemberships } from './types/application-memberships.ts';
import { identityProviders } from './types/identity-providers.ts';
import { membershipProfiles } from './types/membership-profiles.ts';
import { memberships } from './types/memberships.ts';
import { organizations } from './types/organizations.ts';
import { permissions } from './types/permissions.ts';
import { roles } from './types/roles.ts';
import { users } from './types/users.ts';
import { versions } from './types/versions.ts';

/** The Provisioning API, in the order of its names. */
export const PROVISIONING: readonly Declaration[] = [
  apiCredentials,
  applicationMemberships,
  identityProviders,
  memberships,
  membershipProfiles,
  organizations,
  permissions,
  roles,
  users,
  versions,
];

/** The types whose resources are kept in the directory. */
export const KEPT: readonly Declaration[] = [
  ...PROVISIONING.filter((declaration) => declaration !== versions),
  personalAccessTokens,
];

const BY_TYPE: ReadonlyMap<string, Declaration> = new Map(
  [...PROVISIONING, personalAccessTokens].map((declaration) => [declaration.type, declaration]),
);

/** @throws where there is no such type: the caller names one of ours */
export function declarationOf(type: string): Declaration {
  const declaration = BY_TYPE.get(type);
  if (declaration === undefined) throw new Error(`the directory has no type ${type}`);
  return declaration;
}
