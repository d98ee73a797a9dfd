// A personal access token acts as its member, whatever that member may do one day. So a member makes them
// for themselves; for somebody else only whoever has all rights does.

import { ALL_RIGHTS } from '../rights.ts';
import type { Rules } from './rules.ts';

export const personalAccessTokens: Rules = {
  needs: ({ by }, { relationships: { membership } }) =>
    by.membership !== undefined && membership === by.membership ? undefined : ALL_RIGHTS,
  // A member who was removed and comes again is another one: what is left of the first opens nothing.
  complete({ view }, state) {
    const since = view.get('memberships', String(state.membership_id))?.state.created_at;
    return since === undefined ? state : { ...state, member_since: since };
  },
  grants: ({ view }, state) =>
    view.rightsOf(String(view.get('memberships', String(state.membership_id))?.state.role_id)),
};
