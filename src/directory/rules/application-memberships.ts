// An application membership gives its role.

import { rightsOfPermissions } from '../rights.ts';
import type { Rules } from './rules.ts';

export const applicationMemberships: Rules = {
  // A member's id follows from their address: to be told whether it names one is to be told who is a member.
  needs({ by }, { relationships: { membership } }) {
    if (membership === undefined || membership === by.membership) return undefined;
    return rightsOfPermissions([{ subject: 'memberships', verbs: ['read'] }]);
  },
  grants: ({ view }, state) => view.rightsOf(String(state.role_id)),
};
