// Application memberships: which application a member uses, and in which role.

import { attribute, declare, one, organization } from '../declaration.ts';

export const applicationMemberships = declare({
  type: 'application_memberships',
  singular: 'application_membership',
  event: 'org.application_member',
  attributes: {
    filters: attribute('object', 'CUFQ', { about: 'What of the application the member sees' }),
  },
  relationships: {
    api_credential: one('api_credentials', 'api_credential_id', 'C', true),
    membership: one('memberships', 'membership_id', 'C'),
    membership_profile: one('membership_profiles', 'membership_profile_id', 'CU'),
    organization: organization(),
    role: one('roles', 'role_id', 'CU', true),
  },
});
