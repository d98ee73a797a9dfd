// Roles: what someone may do. `admin` and `read_only` are there from the start; custom ones have permissions.

import { attribute, declare, many, organization } from '../declaration.ts';

const ROLE_KINDS = ['custom', 'admin', 'read_only'] as const;
export type RoleKind = (typeof ROLE_KINDS)[number];

export const roles = declare({
  type: 'roles',
  singular: 'role',
  event: 'org.role',
  operations: ['create', 'list', 'retrieve', 'update'],
  attributes: {
    name: attribute('string', 'CUFQ', { isRequired: true }),
    kind: attribute('string', 'FQ', { values: ROLE_KINDS, default: 'custom' }),
    _add_missing_base_permissions: attribute('boolean', 'U', {
      isTrigger: true,
      about: 'Adds, for every subject without one, a permission that allows nothing yet',
    }),
  },
  relationships: {
    organization: organization(),
    permissions: many('permissions', 'role'),
    memberships: many('memberships', 'role'),
    api_credentials: many('api_credentials', 'role'),
    versions: many('versions', ''),
  },
});
