// What a role allows, for people (a table) and for programs (the verbs by subject).

import { ALL_RIGHTS, READ_ONLY, type Rights, rightsOfPermissions } from '../directory/rights.ts';
import { SUBJECTS, type Subject, VERBS, type Verb } from '../directory/subjects.ts';
import type { Client } from './client.ts';
import type { Role } from './lookup.ts';
import { tableText } from './output.ts';
import { type Flat, getAll, pathOf } from './provisioning.ts';

export type Flags = Record<`can_${Verb}`, boolean>;

export interface Permission extends Flat, Flags {
  subject: Subject;
}

export function permissionsOf(client: Client, role: Role): Promise<Permission[]> {
  return getAll<Permission>(client, pathOf(role, '/permissions'));
}

/** What built-in roles allow follows from their kind. */
export async function rightsOf(client: Client, role: Role): Promise<Rights> {
  if (role.kind === 'admin') return ALL_RIGHTS;
  if (role.kind === 'read_only') return READ_ONLY;
  const permissions = await permissionsOf(client, role);
  return rightsOfPermissions(
    permissions.map((permission) => ({ subject: permission.subject, verbs: verbsOf(permission) })),
  );
}

export function verbsOf(flags: Flags): Verb[] {
  return VERBS.filter((verb) => flags[`can_${verb}`]);
}

export function verbsBySubject(rights: Rights): Record<string, Verb[]> {
  return Object.fromEntries(
    SUBJECTS.map((subject) => [subject, VERBS.filter((verb) => rights.may(verb, subject))]),
  );
}

export function rightsText(rights: Rights): string {
  const rows = SUBJECTS.map((subject) => [
    subject,
    ...VERBS.map((verb) => (rights.may(verb, subject) ? 'yes' : '-')),
  ]);
  return tableText(['subject', ...VERBS], rows);
}
