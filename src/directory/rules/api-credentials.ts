// A credential's secret is made with it; what is kept is its hash.

import { rightsOfScopes } from '../rights.ts';
import { locked, type Rules } from './rules.ts';

/** Seconds for which access tokens are good where nobody said so: of people who shop, and of all others. */
const EXPIRES_IN = { sales_channel: 14_400, others: 7_200 };

export const apiCredentials: Rules = {
  complete: (_scene, state) => ({
    expires_in: state.kind === 'sales_channel' ? EXPIRES_IN.sales_channel : EXPIRES_IN.others,
    ...state,
  }),
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
