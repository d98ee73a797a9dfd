// What an organization has from the start: itself, and the roles `admin` and `read_only`. It follows from
// the organization alone, so it is known before the log says it, and the log says it with the first change
// of the directory: the log of an organization that never uses the directory holds its users' changes alone.

import { formatInstant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import type { Sha256 } from '../core/merkle.ts';
import type { LogId, Organization } from '../store/store.ts';
import { directoryId } from './ids.ts';
import type { DirectoryView } from './view.ts';

export interface Founded {
  type: string;
  id: string;
  state: JsonObject;
}

function roleId(sha256: Sha256, log: LogId, kind: 'admin' | 'read_only'): string {
  return directoryId(sha256, log, 'roles', kind);
}

/** The organization itself. */
export function foundedState({ name, slug, createdAt }: Organization): JsonObject {
  return { name, slug, created_at: formatInstant(createdAt) };
}

export function foundingOf(organization: Organization, sha256: Sha256): Founded[] {
  const { id: log } = organization;
  // A microsecond apart, so that they are always listed in this order.
  const createdAt = (index: number): string => formatInstant(organization.createdAt + index);
  const role = (kind: 'admin' | 'read_only', called: string, index: number): Founded => ({
    type: 'roles',
    id: roleId(sha256, log, kind),
    state: { name: called, kind, created_at: createdAt(index) },
  });
  return [
    { type: 'organizations', id: log, state: foundedState(organization) },
    role('admin', 'Admin', 1),
    role('read_only', 'Read only', 2),
  ];
}

/** Tells a view what is there from the start; what the log says later takes its place. */
export function found(view: DirectoryView, sha256: Sha256): void {
  for (const { type, id, state } of foundingOf(view.organization, sha256)) {
    view.learn(type, id, state, view.organization.createdAt);
  }
  view.isFounded = false;
}
