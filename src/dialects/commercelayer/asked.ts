// Who asks, and whose directories and logs that reaches.

import type { FastifyRequest } from 'fastify';
import { bearerToken, type Caller } from '../../auth/access.ts';
import type { Organization } from '../../directory/directory.ts';
import { subjectOf, type Verb } from '../../directory/subjects.ts';
import type { DirectoryView } from '../../directory/view.ts';
import type { Annals } from '../dialect.ts';
import { unauthorized } from './errors.ts';

export interface Asked {
  caller: Caller;
  /** The one that the request names, else all that the token may use, the oldest first. */
  organizations: readonly Organization[];
}

/** @throws AnnalsError `unauthenticated`, `forbidden`, `not_found` */
export async function ask(
  { access, directory }: Annals,
  { headers, ip }: Pick<FastifyRequest, 'headers' | 'ip'>,
): Promise<Asked> {
  const caller = await access.authenticate(bearerToken(headers.authorization), ip);
  const named = headers['annals-organization'];
  if (caller.isRoot && named === undefined) return { caller, organizations: await directory.organizations() };
  return { caller, organizations: [await access.organization(caller, named?.toString())] };
}

/** The directories that a request reaches, in the order of their organizations. */
export function viewsOf({ directory }: Annals, { organizations }: Asked): Promise<DirectoryView[]> {
  return Promise.all(organizations.map((organization) => directory.view(organization)));
}

/** @throws WireError `UNAUTHORIZED` */
export function mustMay({ caller }: Asked, verb: Verb, type: string): void {
  const subject = subjectOf(type);
  if (subject === undefined || !caller.rights.may(verb, subject)) throw unauthorized();
}
