// Memberships: who belongs to the organization, in which role. One for each e-mail address.

import { attribute, declare, many, one, organization } from '../declaration.ts';

export const ACCESS_SCOPES = ['live_access', 'test_access', 'all_access'] as const;

export const memberships = declare({
  type: 'memberships',
  singular: 'membership',
  event: 'org.member',
  actions: [
    {
      name: 'resend',
      method: 'POST',
      status: 202,
      about: 'Says in the log that a pending invitation is to be sent again',
    },
  ],
  attributes: {
    user_email: attribute('string', 'CFQ', { isRequired: true }),
    user_first_name: attribute('string', 'F'),
    user_last_name: attribute('string', 'F'),
    status: attribute('string', 'FQS', { values: ['pending', 'active'], default: 'pending' }),
    owner: attribute('boolean', 'FQ', { default: false }),
    test_enabled: attribute('boolean', 'F', { default: false }),
    access_scope: attribute('string', 'CUFQ', {
      values: ACCESS_SCOPES,
      default: 'live_access',
      isNullable: true,
    }),
  },
  relationships: {
    organization: organization(),
    role: one('roles', 'role_id', 'CU', true),
    application_memberships: many('application_memberships', 'membership', 'CU'),
    membership_profile: one('membership_profiles', 'membership_profile_id', 'CU'),
    versions: many('versions', ''),
  },
  hidden: ['user_id'],
});
