// Who owns the organization: one of its memberships, which says so.

import { AnnalsError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { declarationOf } from '../declarations.ts';
import { ALL_RIGHTS } from '../rights.ts';
import { attributeFaults, checkNames, type Input, refuseFaults, withInput } from '../validate.ts';
import { membershipId } from './memberships.ts';
import { refuseGrants, type Scene, type Step } from './rules.ts';

/** What was sent for a new organization. @throws AnnalsError `invalid_resource`, `unknown_field` */
export function organizationState(input: Input): JsonObject {
  const declaration = declarationOf('organizations');
  checkNames(declaration, input, 'create');
  refuseFaults('organizations', attributeFaults(declaration, input, 'create'));
  return withInput(declaration, {}, input);
}

/** Somebody else has handed the ownership over since the view was read: this transfer begins again. */
export class OwnershipMoved extends Error {
  override name = 'OwnershipMoved';
}

/**
 * The memberships that change when the ownership goes to the member with an address. The owner gives it
 * away, or the root token; where there is no owner yet, whoever has all rights.
 *
 * Each transfer looks once more at the latest state of whoever the view says is the owner, or of all who
 * could have become it where the view knows none: two at once would leave two owners.
 * @throws AnnalsError `invalid_resource`, `forbidden`; the steps throw OwnershipMoved
 */
export function transferSteps(scene: Scene, email: string): Step[] {
  const { view, sha256, by } = scene;
  const log = view.organization.id;
  refuseGrants(scene, ALL_RIGHTS);
  const members = view.list('memberships');
  const owners = members.filter(({ state }) => state.owner === true);
  const isOwned = owners.length > 0;
  const isOwner = by.membership !== undefined && view.get('memberships', by.membership)?.state.owner === true;
  if (isOwned && !isOwner && by.isRoot !== true)
    throw new AnnalsError('forbidden', 'only the owner gives the ownership away');
  const owner = membershipId(sha256, log, email);
  const admin = view.list('roles').find(({ state }) => state.kind === 'admin')?.id;
  return [
    ...(isOwned ? owners : members.filter(({ state }) => state.status === 'active'))
      .filter(({ id }) => id !== owner)
      .map(
        ({ id }): Step => ({
          type: 'memberships',
          id,
          change(state) {
            if ((state?.owner === true) !== isOwned) throw new OwnershipMoved();
            return isOwned ? { ...state, owner: false } : state;
          },
        }),
      ),
    {
      type: 'memberships',
      id: owner,
      change(state) {
        if (owners.some(({ id }) => id === owner) && state?.owner !== true) throw new OwnershipMoved();
        if (state === null || state.status !== 'active') {
          const message = 'must be the address of an active member';
          throw new AnnalsError('invalid_resource', `new_owner_email ${message}`, {
            field: '/data/attributes/new_owner_email',
            faults: [{ at: 'attributes', name: 'new_owner_email', error: 'invalid', message }],
          });
        }
        return { ...state, owner: true, ...(admin === undefined ? {} : { role_id: admin }) };
      },
    },
  ];
}
