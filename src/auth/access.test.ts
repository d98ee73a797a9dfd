import { beforeEach, describe, expect, it } from 'vitest';
import { type Clock, openDirectory } from '../../test/directories.ts';
import { organizationOf, ROOT } from '../../test/tokens.ts';
import type { JsonObject } from '../core/json.ts';
import type { Directory, Organization } from '../directory/directory.ts';
import { identityOf } from '../directory/rules/identity-providers.ts';
import { DirectoryView } from '../directory/view.ts';
import { sha256 } from '../server.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { type Access, makeAccess } from './access.ts';
import type { AccessClaims } from './oauth/access-tokens.ts';

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

const ADDRESS = '192.0.2.1';
const ELSEWHERE = '192.0.2.2';
const ROOT_TOKEN = 'root-token-of-the-tests';
const FAILURES = { requests: 5, seconds: 60 };

describe('a token', () => {
  let clock: Clock;
  let directory: Directory;
  /** Of another server on the same store. */
  let theirs: Directory;
  let acme: Organization;
  let access: Access;
  /** What access tokens say, by their text. */
  let claims: Map<string, AccessClaims>;

  beforeEach(async () => {
    clock = { nowMs: Date.UTC(2026, 0, 1) };
    claims = new Map();
    const store = openMemoryStore();
    ({ directory } = openDirectory(store, clock));
    ({ directory: theirs } = openDirectory(store, clock));
    await directory.ensureOrganization({ slug: 'default', name: 'Default' });
    acme = await organizationOf(directory, 'acme');
    const tokens = {
      own: { verify: async (jwt: string) => claims.get(jwt) },
      foreign: { identify: async () => undefined },
    };
    const means = { now: () => clock.nowMs * 1000, nowMs: () => clock.nowMs, sha256 };
    access = makeAccess(directory, ROOT_TOKEN, tokens, means, FAILURES);
  });

  async function newSecret(scopes: ('read' | 'write')[] = ['read']): Promise<{ id: string; secret: string }> {
    const { resource, secret } = await directory.createToken(acme, { name: 'ci', scopes }, ROOT);
    return { id: resource.id, secret: String(secret) };
  }

  async function newRole(permissions: Record<string, boolean>): Promise<string> {
    const input = { attributes: { name: 'Custom' }, relationships: { organization: acme.id } };
    const { id } = (await directory.create(acme, 'roles', input, ROOT)).resource;
    const attributes = { can_create: false, can_read: false, can_update: false, can_destroy: false };
    const wanted = {
      attributes: { ...attributes, ...permissions, subject: 'changes' },
      relationships: { role: id },
    };
    await directory.create(acme, 'permissions', wanted, ROOT);
    return id;
  }

  async function wrong(address: string, count: number): Promise<void> {
    for (let number = 0; number < count; number++) {
      await expect(access.authenticate(`wrong ${number}`, address)).rejects.toMatchObject({
        code: 'unauthenticated',
      });
    }
  }

  it('is the root token, or a credential of one organization', async () => {
    expect(await access.authenticate(ROOT_TOKEN, ADDRESS)).toMatchObject({
      isRoot: true,
      organization: { slug: 'default' },
      actor: { type: 'system', id: 'root' },
    });
    const { id, secret } = await newSecret();
    expect(await access.authenticate(secret, ADDRESS)).toMatchObject({
      isRoot: false,
      id,
      organization: acme,
      actor: { type: 'application', id, name: 'ci' },
      mayWriteForOthers: true,
    });
  });

  it.each([undefined, ''])('is missing where it is %j, which is no guess', async (missing) => {
    for (let number = 0; number < FAILURES.requests + 3; number++) {
      await expect(access.authenticate(missing, ADDRESS)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
    const { secret } = await newSecret();
    expect(await access.authenticate(secret, ADDRESS)).toBeDefined();
  });

  it('is not looked at for an address from which too many were wrong', async () => {
    const { secret } = await newSecret();
    await wrong(ADDRESS, FAILURES.requests);
    for (const token of ['wrong again', 'wrong 0', secret]) {
      await expect(access.authenticate(token, ADDRESS)).rejects.toMatchObject({
        code: 'too_many_requests',
        facts: { limit: FAILURES.requests },
      });
    }
    expect(await access.authenticate(secret, ELSEWHERE)).toBeDefined();
  });

  it('that was good goes on from there, and is good until it is revoked', async () => {
    const { id, secret } = await newSecret();
    await access.authenticate(secret, ADDRESS);
    await access.authenticate(ROOT_TOKEN, ADDRESS);
    await wrong(ADDRESS, FAILURES.requests);
    expect((await access.authenticate(secret, ADDRESS)).id).toBe(id);
    expect((await access.authenticate(ROOT_TOKEN, ADDRESS)).isRoot).toBe(true);
    await directory.remove(acme, 'api_credentials', id, ROOT);
    await expect(access.authenticate(secret, ADDRESS)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is looked at again when the time of the wrong ones is over', async () => {
    const { secret } = await newSecret();
    await wrong(ADDRESS, FAILURES.requests);
    clock.nowMs += 2 * FAILURES.seconds * 1000;
    expect(await access.authenticate(secret, ADDRESS)).toBeDefined();
  });

  it('is refused on the next request after its credential was revoked here', async () => {
    const { id, secret } = await newSecret();
    await access.authenticate(secret, ADDRESS);
    await directory.remove(acme, 'api_credentials', id, ROOT);
    await expect(access.authenticate(secret, ADDRESS)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(access.authenticate(secret, ADDRESS)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is refused within four seconds after another server revoked its credential, or when that is heard', async () => {
    const [first, second] = [await newSecret(), await newSecret()];
    for (const { secret } of [first, second]) await access.authenticate(secret, ADDRESS);
    await theirs.remove(acme, 'api_credentials', first.id, ROOT);
    clock.nowMs += 4_000;
    await expect(access.authenticate(first.secret, ADDRESS)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    await theirs.remove(acme, 'api_credentials', second.id, ROOT);
    directory.suspect(acme.id);
    await expect(access.authenticate(second.secret, ADDRESS)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('that was bought with a credential ends with it', async () => {
    const { id, secret } = await newSecret();
    const expiresAt = (clock.nowMs + 7_200_000) * 1000;
    const more = { jti: 'one', scopes: ['read' as const], expiresAt };
    claims.set('a.b.c', { ...more, organization: acme.id, credential: id });
    expect(await access.authenticate('a.b.c', ADDRESS)).toMatchObject({ id, organization: acme });
    await directory.remove(acme, 'api_credentials', id, ROOT);
    for (const token of ['a.b.c', secret]) {
      await expect(access.authenticate(token, ADDRESS)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
  });

  it('has the rights of its role as they are now', async () => {
    const role = await newRole({ can_read: true });
    const attributes = { name: 'shop', kind: 'integration' };
    const relationships = { organization: acme.id, role };
    const { secret, resource } = await directory.create(
      acme,
      'api_credentials',
      { attributes, relationships },
      ROOT,
    );
    const rights = async (): Promise<boolean[]> => {
      const caller = await access.authenticate(String(secret), ADDRESS);
      return [caller.rights.may('read', 'changes'), caller.rights.may('create', 'changes')];
    };
    expect(await rights()).toEqual([true, false]);

    const view = await directory.view(acme);
    const [permission] = view.pointing('permissions', 'role', role);
    const flags = { attributes: { can_create: true }, relationships: {} };
    await directory.update(acme, 'permissions', String(permission?.id), flags, ROOT);
    expect(await rights()).toEqual([true, true]);

    const nothing = await newRole({});
    const other = { attributes: {}, relationships: { role: nothing } };
    await directory.update(acme, 'api_credentials', resource.id, other, ROOT);
    expect(await rights()).toEqual([false, false]);
    const caller = await access.authenticate(String(secret), ADDRESS);
    expect(() => access.require(caller, 'read', 'changes')).toThrow('the right to read changes');
  });

  it('opens its own organization alone, and tells nothing of another', async () => {
    await organizationOf(directory, 'other');
    const caller = await access.authenticate((await newSecret(['read', 'write'])).secret, ADDRESS);
    for (const named of [undefined, 'acme', acme.id]) {
      expect(await access.organization(caller, named)).toEqual(acme);
    }
    for (const named of ['other', 'nowhere', 'default']) {
      await expect(access.organization(caller, named)).rejects.toMatchObject({ code: 'forbidden' });
    }
    const root = await access.authenticate(ROOT_TOKEN, ADDRESS);
    expect(await access.organization(root, 'other')).toMatchObject({ slug: 'other' });
    await expect(access.organization(root, 'nowhere')).rejects.toMatchObject({ code: 'not_found' });
  });
});
