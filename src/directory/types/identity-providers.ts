// Identity providers: whose OpenID Connect tokens are good here, for members with an address of its domains.

import { attribute, declare, one } from '../declaration.ts';

const text = attribute('string', 'CUFQS', { isRequired: true });

export const identityProviders = declare({
  type: 'identity_providers',
  singular: 'identity_provider',
  event: 'org.idp.config',
  attributes: {
    name: text,
    client_id: text,
    client_secret: attribute('string', 'CUFQS', {
      isRequired: true,
      about: 'Kept as a salted hash; it reads null',
    }),
    issuer: text,
    domains: text,
    token_url: text,
    authorize_url: text,
    jwks_url: text,
    organization: attribute('string', 'CUFQS'),
    status: attribute('string', 'FQS', { values: ['pending', 'verified', 'error'], default: 'pending' }),
    txt_record: attribute('string', 'FQS'),
    disabled_at: attribute('datetime', 'FQS'),
    _disable: attribute('boolean', 'CU', { isTrigger: true }),
    _enable: attribute('boolean', 'CU', { isTrigger: true }),
  },
  relationships: { user: one('users', 'user_id', '') },
  hidden: ['client_secret_hash', 'verified_at'],
});
