// What commands name: organizations by slug, members by address, roles and credentials by name; all of
// them by id as well.

import type { RoleKind } from '../directory/types/roles.ts';
import type { Client } from './client.ts';
import { CliError, EXIT } from './exit.ts';
import { type Flat, getAll, pathOf } from './provisioning.ts';

/** As the native API has it. */
export interface Organization {
  id: string;
  slug: string;
  name: string;
  createdAt: string;
}

export interface Role extends Flat {
  name: string;
  kind: RoleKind;
  created_at: string;
}

export interface Member extends Flat {
  user_email: string;
  user_first_name: string | null;
  user_last_name: string | null;
  status: 'pending' | 'active';
  owner: boolean;
  access_scope: string | null;
  created_at: string;
  role: Role;
}

export interface Credential extends Flat {
  name: string;
  kind: string;
  client_id: string;
  client_secret: string | null;
  scopes: string | null;
  expires_in: number | null;
  created_at: string;
  role?: Role | null;
}

/** The organization with this id or slug, else the one that was chosen, else the token's own. */
export async function organizationOf(client: Client, named = client.organization): Promise<Organization> {
  if (named !== undefined) return client.get(`/v1/organizations/${encodeURIComponent(named)}`);
  const { data } = await client.get<{ data: Organization[] }>('/v1/organizations');
  // The root token, which sees all of them, belongs to the first one.
  const own = data.length === 1 ? data[0] : data.find(({ slug }) => slug === 'default');
  if (own !== undefined) return own;
  throw new CliError(EXIT.usage, 'say which organization is meant: --organization');
}

/** An organization as the Provisioning API names it. */
export function organizationRef({ id }: Organization): Flat {
  return { type: 'organizations', id };
}

/**
 * Where the organization's resources of a type are listed. Where none was chosen, the path says which: the
 * root token would list those of all. A token that may not read organizations is no root token.
 */
export async function listPath(client: Client, type: string): Promise<string> {
  const all = `/api/${type}`;
  if (client.organization !== undefined) return all;
  try {
    return pathOf(organizationRef(await organizationOf(client)), `/${type}`);
  } catch (error) {
    if (error instanceof CliError && error.exitCode === EXIT.refused) return all;
    throw error;
  }
}

export async function findMember(client: Client, named: string): Promise<Member> {
  // Addresses that differ in case are one.
  const filter = named.includes('@')
    ? { 'filter[q][user_email_eq]': named.toLowerCase() }
    : { 'filter[q][id_eq]': named };
  const path = await listPath(client, 'memberships');
  return onlyOne('user', named, await getAll<Member>(client, path, { ...filter, include: 'role' }));
}

/** By name or id; the built-in roles by their kind as well, unless another role has that for a name. */
export async function findRole(client: Client, named: string): Promise<Role> {
  const roles = await getAll<Role>(client, await listPath(client, 'roles'));
  const called = calledOrWithId(roles, named);
  const found = called.length > 0 ? called : roles.filter(({ kind }) => kind !== 'custom' && kind === named);
  const names = roles.map(({ name }) => name).join(', ');
  return onlyOne('role', named, found, `; the roles are: ${names}`);
}

export async function findCredential(client: Client, named: string): Promise<Credential> {
  const path = await listPath(client, 'api_credentials');
  const credentials = await getAll<Credential>(client, path, { include: 'role' });
  return onlyOne('credential', named, calledOrWithId(credentials, named));
}

/** An id is nobody's name, so whoever has it is meant. */
function calledOrWithId<Named extends Flat & { name: string }>(
  all: readonly Named[],
  named: string,
): Named[] {
  const withId = all.filter(({ id }) => id === named);
  return withId.length > 0 ? withId : all.filter(({ name }) => name === named);
}

function onlyOne<Found extends Flat>(
  what: string,
  named: string,
  found: readonly Found[],
  instead = '',
): Found {
  const [first, ...others] = found;
  if (first === undefined) {
    throw new CliError(EXIT.notFound, `there is no ${what} ${JSON.stringify(named)}${instead}`);
  }
  if (others.length === 0) return first;
  const ids = found.map(({ id }) => id).join(', ');
  throw new CliError(
    EXIT.usage,
    `${found.length} ${what}s are called ${JSON.stringify(named)}: name one by its id, ${ids}`,
  );
}
