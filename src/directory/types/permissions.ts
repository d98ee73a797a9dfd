// Permissions: what a custom role may do with one subject.

import { attribute, declare, one, organization } from '../declaration.ts';
import { SUBJECTS } from '../subjects.ts';

const flag = attribute('boolean', 'CUFQ', { isRequired: true });

export const permissions = declare({
  type: 'permissions',
  singular: 'permission',
  event: 'org.permission',
  operations: ['create', 'list', 'retrieve', 'update'],
  attributes: {
    can_create: flag,
    can_read: flag,
    can_update: flag,
    can_destroy: flag,
    subject: attribute('string', 'CFQ', { isRequired: true, values: SUBJECTS }),
    restrictions: attribute('object', 'FQ', { default: {} }),
  },
  relationships: {
    organization: { ...organization(), isCreatable: false, isRequired: false },
    role: one('roles', 'role_id', 'C', true),
    versions: {
      to: 'versions',
      isMany: true,
      isCreatable: false,
      isUpdatable: false,
      isFetchable: true,
      isRequired: false,
    },
  },
});
