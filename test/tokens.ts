// Tokens and organizations of a started server, for tests of who may read.

import type { Author, Directory, Organization, Scope } from '../src/directory/directory.ts';
import { ALL_RIGHTS } from '../src/directory/rights.ts';
import type { TestServer } from './harness.ts';

/** In whose name the tests write to the directory where they make no request. */
export const ROOT: Author = { actor: { type: 'system', id: 'root' }, context: {}, rights: ALL_RIGHTS };

/** The organization with a slug, made where there is none. */
export async function organizationOf(directory: Directory, slug: string): Promise<Organization> {
  return (await directory.organization(slug)) ?? (await directory.createOrganization({ slug }, ROOT));
}

/** Makes a token without a request, of the organization with a slug; answers its id and its secret. */
export async function newToken(
  directory: Directory,
  scopes: readonly Scope[],
  slug = 'default',
): Promise<{ id: string; secret: string }> {
  const organization = await organizationOf(directory, slug);
  const { resource, secret } = await directory.createToken(
    organization,
    { name: scopes.join(), scopes },
    ROOT,
  );
  return { id: resource.id, secret: String(secret) };
}

/** Makes an organization; answers its id. */
export async function makeOrganization(server: TestServer, slug: string): Promise<string> {
  const { json } = await server.request('POST', '/v1/organizations', { slug });
  return (json as { id: string }).id;
}

/** Makes a token, of the organization `default` unless another is named; answers its secret. */
export async function makeToken(
  server: TestServer,
  scopes: string[],
  organization = 'default',
): Promise<string> {
  const headers = { 'annals-organization': organization };
  const { json } = await server.request('POST', '/v1/tokens', { name: scopes.join(), scopes }, headers);
  return (json as { secret: string }).secret;
}

/** The header that sends a token. */
export function bearing(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}
