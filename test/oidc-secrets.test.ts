// What nobody may see of an identity provider: its client secret, wherever one looks.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Organization } from '../src/directory/directory.ts';
import { type CommandLine, startCommandLine } from './command.ts';
import { CLIENT_SECRET, organizationOf, ROOT, trust } from './oidc-server.ts';

const ROTATED = 'another-secret-that-nobody-may-see';
let cli: CommandLine;
let acme: Organization;
let provider: string;

beforeAll(async () => {
  cli = await startCommandLine();
  const { directory } = cli.server.annals;
  acme = await organizationOf(directory, 'acme');
  provider = await trust(directory, acme, 'https://login.example');
  const input = { attributes: { client_secret: ROTATED }, relationships: {} };
  await directory.update(acme, 'identity_providers', provider, input, ROOT);
});
afterAll(() => cli.stop());

const isSecret = (text: string): boolean => text.includes(CLIENT_SECRET) || text.includes(ROTATED);

it.each([
  ['GET', '/v1/changes?include=states'],
  ['GET', '/v1/resources?type=identity_providers'],
  ['GET', '/v1/resources/identity_providers/:id'],
  ['GET', '/v1/resources/identity_providers/:id/diff?from=1&to=2'],
  ['GET', '/v1/resources/identity_providers/:id/changes?include=states'],
  ['GET', '/history/'],
  ['GET', '/reltio/api/acme/entities/:id/_changes'],
  ['POST', '/management/v1/orgs/me/changes/_search'],
])('%s %s does not show it', async (method, path) => {
  const headers = { 'annals-organization': acme.id, 'x-zitadel-orgid': acme.id };
  const body = method === 'POST' ? {} : undefined;
  const { text, status } = await cli.server.request(method, path.replace(':id', provider), body, headers);
  expect([200, 404]).toContain(status);
  expect(isSecret(text)).toBe(false);
});

it('is in no export', async () => {
  const { code, stdout } = await cli.annals(['export'], { env: { ANNALS_ORGANIZATION: 'acme' } });
  expect(code).toBe(0);
  expect(stdout).toContain('https://login.example');
  expect(isSecret(stdout)).toBe(false);
});

it('is nowhere in the database', () => {
  const files = [cli.database, `${cli.database}-wal`].map((path) => readFileSync(path, 'latin1'));
  expect(files.join()).toContain('https://login.example');
  expect(isSecret(files.join())).toBe(false);
});
