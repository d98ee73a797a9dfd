// A profile stays as long as a membership has it.

import { pointHere } from './point-here.ts';
import { locked, type Rules } from './rules.ts';

export const membershipProfiles: Rules = {
  along: (scene, id, _state, input) =>
    pointHere(scene, 'application_memberships', 'membership_profile', id, input),
  removal({ view }, { id }) {
    const count =
      view.pointing('memberships', 'membership_profile', id).length +
      view.pointing('application_memberships', 'membership_profile', id).length;
    if (count > 0) throw locked(`${count} memberships have this profile`);
    return [];
  },
};
