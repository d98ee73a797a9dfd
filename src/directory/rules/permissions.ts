// A custom role has one permission for each subject; a built-in role has none.

import { rightsOfPermissions } from '../rights.ts';
import { VERBS } from '../subjects.ts';
import { permissionId } from './roles.ts';
import type { Rules } from './rules.ts';

export const permissions: Rules = {
  id: ({ view, sha256 }, state) =>
    permissionId(sha256, view.organization.id, String(state.role_id), String(state.subject)),
  faults({ view }, { relationships }) {
    const role = view.get('roles', String(relationships.role));
    if (role === undefined || role.state.kind === 'custom') return [];
    const message = `must be a custom role: what ${role.state.kind} allows follows from its kind`;
    return [{ at: 'relationships', name: 'role', error: 'invalid', message }];
  },
  grants: (_scene, state) =>
    rightsOfPermissions([
      { subject: state.subject, verbs: VERBS.filter((verb) => state[`can_${verb}`] === true) },
    ]),
};
