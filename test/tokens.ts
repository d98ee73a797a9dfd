// Tokens and organizations of a started server, for tests of who may read.

import type { TestServer } from './harness.ts';

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
