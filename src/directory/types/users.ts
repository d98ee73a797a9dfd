// Users: people, one for each e-mail address that was invited into the organization.

import { attribute, declare } from '../declaration.ts';

export const users = declare({
  type: 'users',
  singular: 'user',
  operations: ['retrieve', 'update'],
  isSingleton: true,
  attributes: {
    email: attribute('string', 'UFQS', { isNullable: false }),
    first_name: attribute('string', 'UFQS'),
    last_name: attribute('string', 'UFQS'),
    time_zone: attribute('string', 'UFQ'),
    otp_required_for_login: attribute('boolean', 'F', { default: false }),
  },
  hidden: ['has_signed_in'],
});
