// A credential's secret is made with it; what is kept is its hash.

import { rightsOfScopes } from '../rights.ts';
import { locked, type Rules } from './rules.ts';

export const apiCredentials: Rules = {
  grants: ({ view }, state) =>
    typeof state.scopes === 'string'
      ? rightsOfScopes(state.scopes.split(' '))
      : view.rightsOf(typeof state.role_id === 'string' ? state.role_id : undefined),
  removal({ view }, { id }) {
    const { length } = view.pointing('application_memberships', 'api_credential', id);
    if (length > 0) throw locked(`${length} application memberships use this credential`);
    return [];
  },
};
