import { expect, it } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import type { Directory } from '../directory/directory.ts';
import { identityOf } from '../directory/rules/identity-providers.ts';
import { DirectoryView } from '../directory/view.ts';
import { sha256 } from '../server.ts';
import { makeAccess } from './access.ts';

const ORGANIZATION = { id: '11111111-1111-7111-8111-111111111111', slug: 'acme', name: 'Acme', createdAt: 0 };

it('looks again at a member whose role changed while their first request was being answered', async () => {
  const view = new DirectoryView(ORGANIZATION);
  const provider: JsonObject = { issuer: 'https://login.example', status: 'pending' };
  const membership = { user_id: 'dir_user', user_email: 'ada@acme.example', status: 'active' };
  view.learn('roles', 'dir_admin', { kind: 'admin' }, 1);
  view.learn('roles', 'dir_reader', { kind: 'read_only' }, 1);
  view.learn('identity_providers', 'dir_provider', provider, 1);
  view.learn('memberships', 'dir_member', { ...membership, role_id: 'dir_admin' }, 1);

  const directory: Pick<Directory, 'view' | 'markVerified'> = {
    view: async () => view,
    async markVerified() {
      view.learn('identity_providers', 'dir_provider', { ...provider, status: 'verified' }, 2);
      view.learn('memberships', 'dir_member', { ...membership, role_id: 'dir_reader' }, 2);
    },
  };
  const principal = {
    kind: 'member' as const,
    organization: ORGANIZATION,
    membership: 'dir_member',
    provider: 'dir_provider',
    identity: identityOf(provider),
  };
  const access = makeAccess(
    directory as Directory,
    'root',
    {
      own: { verify: async () => undefined },
      foreign: { identify: async () => ({ principal, forMs: 60_000 }) },
    },
    { now: () => 0, nowMs: () => 0, sha256 },
  );

  await access.authenticate('a.b.c', '192.0.2.1');
  const { rights } = await access.authenticate('a.b.c', '192.0.2.1');
  expect([rights.may('read', 'changes'), rights.may('create', 'changes')]).toEqual([true, false]);
});
