// Who belongs to the organization. A member is invited by an address, which stays: it is what an identity
// provider vouches for. The user behind it may call themselves what they like.

import type { Fault } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import type { Sha256 } from '../../core/merkle.ts';
import type { LogId } from '../../store/store.ts';
import { directoryId } from '../ids.ts';
import { pointHere } from './point-here.ts';
import { locked, type Rules, removalOf, type Step } from './rules.ts';

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const MOST_EMAIL = 254;

/** Addresses that differ in case are one. */
export function emailOf(text: string): string {
  return text.trim().toLowerCase();
}

export function emailFaults(name: string, value: Json | undefined): Fault[] {
  // That it is missing, or no string, the declaration says.
  if (typeof value !== 'string' || value.trim() === '') return [];
  if (EMAIL.test(emailOf(value)) && value.length <= MOST_EMAIL) return [];
  const message = `must be an e-mail address of at most ${MOST_EMAIL} characters`;
  return [{ at: 'attributes', name, error: 'invalid', message }];
}

export function membershipId(sha256: Sha256, log: LogId, email: string): string {
  return directoryId(sha256, log, 'memberships', emailOf(email));
}

export function userId(sha256: Sha256, log: LogId, email: string): string {
  return directoryId(sha256, log, 'users', emailOf(email));
}

export const memberships: Rules = {
  id: ({ view, sha256 }, state) => membershipId(sha256, view.organization.id, String(state.user_email)),
  faults: (_scene, { attributes }) => emailFaults('user_email', attributes.user_email),
  complete({ view, sha256 }, state, _input, before) {
    if (before !== undefined) return state;
    const email = emailOf(String(state.user_email));
    const user_id = userId(sha256, view.organization.id, email);
    // Whoever has signed in before need not accept again.
    const status = view.get('users', user_id)?.state.has_signed_in === true ? 'active' : 'pending';
    return { access_scope: 'live_access', ...state, user_email: email, user_id, status, owner: false };
  },
  grants: ({ view }, state) => view.rightsOf(String(state.role_id)),
  along(scene, id, state, input): Step[] {
    const user: Step = {
      type: 'users',
      id: String(state.user_id),
      change: (before) => before ?? { email: String(state.user_email) },
    };
    return [user, ...pointHere(scene, 'application_memberships', 'membership', id, input)];
  },
  removal({ view }, { id }) {
    const isOwner = view.get('memberships', id)?.state.owner === true;
    if (isOwner) throw ownerStays();
    return [
      ...view.pointing('application_memberships', 'membership', id).map(removalOf),
      ...view.pointing('personal_access_tokens', 'membership', id).map(removalOf),
    ];
  },
};

/** The removal itself looks at the latest state once more: ownership may have been handed over meanwhile. */
export function ownerStays(): Error {
  return locked('the owner cannot leave: transfer the ownership of the organization first');
}

/** The member becomes active, and the user one who has signed in. Whoever was removed meanwhile stays so. */
export function activation(membership: string, user: string): Step[] {
  return [
    {
      type: 'memberships',
      id: membership,
      event: 'org.member.activated',
      change: (state) => (state === null ? null : { ...state, status: 'active' }),
    },
    {
      type: 'users',
      id: user,
      change: (state) => (state === null ? null : { ...state, has_signed_in: true }),
    },
  ];
}
