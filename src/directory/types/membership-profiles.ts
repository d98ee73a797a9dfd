// Membership profiles: what several memberships have in common.

import { attribute, declare, many, organization } from '../declaration.ts';
import { ACCESS_SCOPES } from './memberships.ts';

export const membershipProfiles = declare({
  type: 'membership_profiles',
  singular: 'membership_profile',
  event: 'org.member_profile',
  attributes: {
    name: attribute('string', 'CUFQS', { isRequired: true }),
    test_enabled: attribute('boolean', 'F', { default: false }),
    access_scope: attribute('string', 'CUFQ', { isRequired: true, values: ACCESS_SCOPES }),
  },
  relationships: {
    organization: organization(),
    application_memberships: many('application_memberships', 'membership_profile', 'CU'),
  },
});
