// An application membership gives its role.

import type { Rules } from './rules.ts';

export const applicationMemberships: Rules = {
  grants: ({ view }, state) => view.rightsOf(String(state.role_id)),
};
