// API credentials: what an application proves itself with. Its secret is shown when it is made, and kept
// as its SHA-256 alone. The tokens of the native API are such credentials, with scopes instead of a role.

import { attribute, declare, one, organization } from '../declaration.ts';

const LEAST_EXPIRES_IN = 7_200;
const MOST_EXPIRES_IN = 31_536_000;

export const apiCredentials = declare({
  type: 'api_credentials',
  singular: 'api_credential',
  event: 'org.credential',
  attributes: {
    name: attribute('string', 'CUFQ', { isRequired: true }),
    kind: attribute('string', 'CFQ', { isRequired: true }),
    confidential: attribute('boolean', 'FQ', { default: true }),
    redirect_uri: attribute('string', 'CUFQ'),
    client_id: attribute('string', 'FQ', { isNullable: false }),
    client_secret: attribute('string', 'F', { about: 'In the answer to its creation alone' }),
    scopes: attribute('string', 'FQ'),
    expires_in: attribute('integer', 'CUFQ', {
      min: LEAST_EXPIRES_IN,
      max: MOST_EXPIRES_IN,
      about: 'Seconds for which its access tokens are good',
    }),
    mode: attribute('string', 'CFQS', { values: ['test', 'live'] }),
    custom: attribute('boolean', 'CFQ'),
  },
  relationships: {
    organization: organization(),
    role: one('roles', 'role_id', 'CU'),
  },
  hidden: ['secret_hash'],
});

/** A token that acts for a member: no part of the Provisioning API, kept beside the credentials. */
export const personalAccessTokens = declare({
  type: 'personal_access_tokens',
  singular: 'personal_access_token',
  event: 'user.pat',
  operations: [],
  attributes: { name: attribute('string', 'CF', { isRequired: true }) },
  relationships: { membership: one('memberships', 'membership_id', 'C', true) },
  hidden: ['secret_hash', 'member_since'],
});
