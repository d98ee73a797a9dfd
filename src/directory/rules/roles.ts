// A role that is made here is a custom one. Built-in roles need no permissions: what they allow follows
// from their kind, so that nobody can lock everybody out.

import { directoryId } from '../ids.ts';
import { SUBJECTS, VERBS } from '../subjects.ts';
import type { Rules, Step } from './rules.ts';

export const roles: Rules = {
  complete: (_scene, state, _input, before) => (before === undefined ? { ...state, kind: 'custom' } : state),
  along(scene, id, state, { attributes }): Step[] {
    if (attributes._add_missing_base_permissions !== true || state.kind !== 'custom') return [];
    const { view, sha256 } = scene;
    const known = view.pointing('permissions', 'role', id).map(({ state: { subject } }) => subject);
    const nothing = Object.fromEntries(VERBS.map((verb) => [`can_${verb}`, false]));
    return SUBJECTS.filter((subject) => !known.includes(subject)).map((subject) => ({
      type: 'permissions',
      id: permissionId(sha256, view.organization.id, id, subject),
      change: (before) => before ?? { ...nothing, subject, role_id: id },
    }));
  },
};

/** A role has one permission for each subject. */
export function permissionId(
  sha256: Parameters<typeof directoryId>[0],
  log: string,
  role: string,
  subject: string,
): string {
  return directoryId(sha256, log, 'permissions', role, subject);
}
