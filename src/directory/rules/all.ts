// The rules of each type, by its name.

import { apiCredentials } from './api-credentials.ts';
import { applicationMemberships } from './application-memberships.ts';
import { identityProviders } from './identity-providers.ts';
import { membershipProfiles } from './membership-profiles.ts';
import { emailFaults, memberships } from './memberships.ts';
import { permissions } from './permissions.ts';
import { personalAccessTokens } from './personal-access-tokens.ts';
import { roles } from './roles.ts';
import type { Rules } from './rules.ts';

const RULES: Readonly<Record<string, Rules>> = {
  api_credentials: apiCredentials,
  application_memberships: applicationMemberships,
  identity_providers: identityProviders,
  membership_profiles: membershipProfiles,
  memberships,
  permissions,
  personal_access_tokens: personalAccessTokens,
  roles,
  users: { faults: (_scene, { attributes }) => emailFaults('email', attributes.email) },
};

export function rulesOf(type: string): Rules {
  return RULES[type] ?? {};
}
