// Nobody gets more than they were given, and nobody gives more than they have: every way that somebody who
// manages the directory, but has not all rights, could try.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from './harness.ts';
import { Home, PROVIDER, startWorld, type World } from './world.ts';

const FORBIDDEN = 401;

let world: World;
let root: Home;
let admin: string;
let readOnly: string;
/** Manages members, roles, permissions, credentials and providers; may neither read nor write changes. */
let clerk: Home;
let clerkId: string;
let clerkRole: string;
let boss: { id: string; secret: string };

const ANYTHING = 'create, read, update, destroy';

beforeAll(async () => {
  world = await startWorld();
  root = await Home.of(world, 'default');
  [admin, readOnly] = [await root.builtIn('admin'), await root.builtIn('read_only')];
  clerkRole = await root.role(
    'clerk',
    ...[
      'organizations',
      'memberships',
      'membership_profiles',
      'roles',
      'permissions',
      'api_credentials',
      'application_memberships',
      'identity_providers',
    ].map((subject) => `${ANYTHING} ${subject}`),
  );
  const member = await root.member('clerk@home.example', clerkRole);
  clerkId = member.id;
  clerk = root.by(member.secret);
  boss = await root.member('boss@home.example', admin);
});
afterAll(() => world?.stop());

let sizeBefore: number;
beforeEach(async () => {
  sizeBefore = await size();
});

async function size(): Promise<number> {
  return ((await root.request('GET', '/v1/head')).json as { size: number }).size;
}

/** Refused, and nothing of it is in the log. */
async function refused(...answers: Promise<Answer>[]): Promise<void> {
  for (const answer of await Promise.all(answers)) {
    expect([FORBIDDEN, 403], answer.text).toContain(answer.status);
  }
  expect(await size()).toBe(sizeBefore);
}

const allows = (...verbs: string[]): object =>
  Object.fromEntries(
    ['create', 'read', 'update', 'destroy'].map((verb) => [`can_${verb}`, verbs.includes(verb)]),
  );

describe('a member who manages the directory and has not all rights', () => {
  it('does what the role allows', async () => {
    const role = await clerk.role('made by the clerk', 'read memberships');
    await clerk.make('memberships', { user_email: 'new@home.example' }, { role });
    await clerk.credential('made by the clerk', role);
    expect((await clerk.update('memberships', clerkId, { access_scope: 'all_access' })).status).toBe(200);
  });

  it('gives no role more than they have, by a permission that is new or changed', async () => {
    const role = await root.role('some role', 'read roles');
    sizeBefore = await size();
    await refused(
      clerk.create('permissions', { subject: 'changes', ...allows('read') }, { role }),
      clerk.create('permissions', { subject: 'changes', ...allows('read') }, { role: clerkRole }),
    );
    const made = await clerk.make('permissions', { subject: 'changes', ...allows() }, { role });
    sizeBefore = await size();
    await refused(clerk.update('permissions', made.id, { can_create: true }));
    expect((await clerk.update('permissions', made.id, { reference: 'harmless' })).status).toBe(200);
  });

  it('gives no member, nor themselves, a role that allows more', async () => {
    const { id } = await root.make('memberships', { user_email: 'x@home.example' }, { role: clerkRole });
    sizeBefore = await size();
    await refused(
      ...[admin, readOnly].flatMap((role) => [
        clerk.update('memberships', clerkId, {}, { role }),
        clerk.update('memberships', id, {}, { role }),
        clerk.create('memberships', { user_email: 'friend@home.example' }, { role }),
      ]),
    );
  });

  it('neither lowers nor removes a member who may do more', async () => {
    const powerless = await root.role('powerless');
    sizeBefore = await size();
    await refused(
      clerk.update('memberships', boss.id, {}, { role: powerless }),
      clerk.request('DELETE', `/api/memberships/${boss.id}`),
    );
  });

  it('lowers no role below what it has and they have not', async () => {
    const role = await root.role('auditors', 'read changes');
    const { json } = await root.request('GET', `/api/roles/${role}/permissions`);
    const permission = (json as { data: { id: string }[] }).data[0]?.id as string;
    sizeBefore = await size();
    await refused(clerk.update('permissions', permission, { can_read: false }));
  });

  it('makes no credential that may do more, and gives none more', async () => {
    const { id } = await clerk.credential('weak', clerkRole);
    sizeBefore = await size();
    await refused(
      clerk.create('api_credentials', { name: 'strong', kind: 'x' }, { role: admin }),
      clerk.create('api_credentials', { name: 'reads', kind: 'x' }, { role: readOnly }),
      clerk.update('api_credentials', id, {}, { role: admin }),
      ...[['read'], ['write'], ['read', 'write']].map((scopes) =>
        clerk.request('POST', '/v1/tokens', { body: { name: 'x', scopes } }),
      ),
    );
  });

  it('sends no scopes, secrets or kinds of roles that the server gives', async () => {
    const given = [
      clerk.create('api_credentials', { name: 'x', kind: 'x', scopes: 'read write' }),
      clerk.create('api_credentials', { name: 'x', kind: 'x', secret_hash: 'x', role_id: admin }),
      clerk.create('api_credentials', { name: 'x', kind: 'x', client_secret: 'x' }),
      clerk.create('roles', { name: 'x', kind: 'admin' }),
      clerk.update('roles', clerkRole, { kind: 'admin' }),
      clerk.update('memberships', clerkId, { role_id: admin }),
      clerk.update('memberships', clerkId, { owner: true }),
      clerk.update('memberships', clerkId, { user_email: 'boss@home.example' }),
      clerk.update('memberships', clerkId, { user_id: boss.id }),
      clerk.request('PATCH', '/api/user', {
        body: { data: { type: 'users', attributes: { role_id: admin, has_signed_in: true } } },
      }),
    ];
    for (const { status, text } of await Promise.all(given)) expect(status, text).toBe(400);
    expect(await size()).toBe(sizeBefore);
  });

  it('makes a personal access token for themselves, and for nobody else', async () => {
    const weaker = await root.make('memberships', { user_email: 'weaker@home.example' }, { role: clerkRole });
    sizeBefore = await size();
    const tokens = [boss.id, weaker.id, 'dir_nobodyhere'].map((membership) =>
      clerk.request('POST', '/v1/tokens', { body: { name: 'x', membership } }),
    );
    await refused(...tokens);
    // Who is a member is not told by the refusal either.
    const texts = (await Promise.all(tokens)).map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
    const own = await clerk.request('POST', '/v1/tokens', { body: { name: 'mine', membership: clerkId } });
    expect(own.status, own.text).toBe(201);
    const { secret } = own.json as { secret: string };
    expect((await world.ask(secret, 'GET', '/v1/changes')).status).toBe(403);
  });

  it('makes, changes and enables no identity provider: it could vouch for the address of an administrator', async () => {
    const { id } = await root.make('identity_providers', PROVIDER);
    sizeBefore = await size();
    await refused(
      clerk.create('identity_providers', { ...PROVIDER, domains: 'home.example' }),
      clerk.update('identity_providers', id, { jwks_url: 'https://mine.example/keys' }),
      clerk.update('identity_providers', id, { domains: 'home.example' }),
      clerk.update('identity_providers', id, { issuer: 'https://mine.example' }),
      clerk.update('identity_providers', id, { _enable: true }),
      clerk.update('identity_providers', id, { name: 'mine' }),
    );
    const by = root.by(boss.secret);
    expect((await by.update('identity_providers', id, { name: 'the boss knows' })).status).toBe(200);
  });

  it('makes nobody the owner, who becomes an administrator by it', async () => {
    const attributes = { new_owner_email: 'clerk@home.example' };
    const body = { data: { type: 'organizations', attributes } };
    await refused(clerk.request('PATCH', `/api/organizations/${root.id}/transfer_ownership`, { body }));
  });

  it('gives no role by an application membership', async () => {
    const { id: api_credential } = await clerk.credential('for a membership', clerkRole);
    sizeBefore = await size();
    await refused(clerk.create('application_memberships', {}, { api_credential, role: admin }));
  });

  it('says nothing of the directory by the native API', async () => {
    const role = await root.role('writers', 'create, read, update, destroy changes', `${ANYTHING} resources`);
    const writer = root.by((await root.credential('a writer', role)).secret);
    const body = { name: 'x', kind: 'admin' };
    sizeBefore = await size();
    await refused(
      writer.request('PUT', `/v1/resources/roles/${role}`, { body }),
      writer.request('PATCH', `/v1/resources/memberships/${clerkId}`, { body: { role_id: admin } }),
      writer.request('DELETE', `/v1/resources/memberships/${boss.id}`),
      writer.request('PUT', '/v1/resources/api_credentials/dir_AbCdEfGhIj', { body: { secret_hash: 'x' } }),
      writer.request('POST', '/v1/changes', {
        body: { resource: { type: 'roles', id: role }, action: 'update', after: body },
      }),
    );
    const lines = await writer.request('POST', '/v1/changes', {
      body: JSON.stringify({ resource: { type: 'roles', id: role }, action: 'update', after: body }),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(lines.text).toContain('"code":"reserved"');
    // A change that says it belongs to the directory is still none of it.
    const related = [{ type: 'annals.directory', id: root.id }];
    const change = { resource: { type: 'roles', id: 'mine' }, action: 'create', after: body, related };
    expect((await writer.request('POST', '/v1/changes', { body: change })).status).toBe(201);
    expect((await root.request('GET', '/api/roles/mine')).status).toBe(404);
  });
});

describe('a member who writes changes', () => {
  const change = (actor: object): object => ({
    resource: { type: 'things', id: 'one' },
    action: 'update',
    after: {},
    actor,
  });
  let writer: Home;
  let own: { id: string };

  beforeAll(async () => {
    const role = await root.role(
      'writers',
      'create, read changes',
      'create, read, update, destroy resources',
    );
    writer = root.by((await root.member('writer@home.example', role)).secret);
    const { json } = await writer.request('PUT', '/v1/resources/things/first', { body: {} });
    const { json: entry } = await writer.request('GET', `/v1/changes/${(json as { id: string }).id}`);
    own = (entry as { actor: { id: string } }).actor;
  });

  it("writes in nobody else's name, by the body or the header", async () => {
    const others = [
      { type: 'user', id: boss.id },
      { type: 'system', id: 'root' },
      { type: 'application', id: own.id },
    ];
    sizeBefore = await size();
    await refused(
      ...others.flatMap((actor) => [
        writer.request('POST', '/v1/changes', { body: change(actor) }),
        writer.request('PUT', '/v1/resources/things/x', {
          body: {},
          headers: { 'annals-actor': JSON.stringify(actor) },
        }),
      ]),
    );
    const lines = others.map((actor) => JSON.stringify(change(actor))).join('\n');
    const { text } = await writer.request('POST', '/v1/changes', {
      body: lines,
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(text.match(/"code":"forbidden"/g)).toHaveLength(others.length);
    expect(await size()).toBe(sizeBefore);
  });

  it('is called in the log what the directory calls them, whatever they say', async () => {
    const selves = [
      own,
      { type: 'user', id: own.id },
      { ...own, name: 'The Boss' },
      { ...own, loginName: 'boss@home.example' },
      { ...own, avatarUrl: 'https://boss.example/face.png' },
      { ...own, application: { id: 'the-banking-application' } },
    ];
    for (const [n, actor] of selves.entries()) {
      const headers = { 'annals-actor': JSON.stringify(actor) };
      const written = [
        await writer.request('POST', '/v1/changes', { body: change(actor) }),
        await writer.request('PUT', `/v1/resources/things/of-${n}`, { body: {}, headers }),
      ];
      for (const { json } of written) {
        const entry = await writer.request('GET', `/v1/changes/${(json as { id: string }).id}`);
        expect((entry.json as { actor: object }).actor).toEqual(own);
      }
    }
  });
});

describe('a right to one type', () => {
  it('changes no other type by a relationship from its side', async () => {
    const role = await root.role(
      'keepers of members',
      'read, update memberships',
      `${ANYTHING} membership_profiles`,
    );
    const keeper = root.by((await root.credential('a keeper', role)).secret);
    const { id: api_credential } = await root.credential('used by a member');
    const { id } = await root.make(
      'application_memberships',
      {},
      { api_credential, role, membership: boss.id },
    );
    const profile = { name: 'x', access_scope: 'live_access' };
    sizeBefore = await size();
    await refused(
      keeper.update('memberships', clerkId, {}, { application_memberships: [id] }),
      keeper.update('memberships', boss.id, {}, { application_memberships: [] }),
      keeper.create('membership_profiles', profile, { application_memberships: [id] }),
    );
  });

  it('tells nobody who is a member by what is refused', async () => {
    const role = await root.role('nearly nothing', 'create, update, destroy application_memberships');
    const curious = root.by((await root.credential('curious', role)).secret);
    const { id: api_credential } = await root.credential('another');
    const answers = [boss.id, 'dir_nobodyhere'].map(async (id) => [
      await curious.request('DELETE', `/api/memberships/${id}`),
      await curious.request('GET', `/api/memberships/${id}`),
      await curious.request('GET', `/api/memberships/${id}/role`),
      await curious.request('POST', `/api/memberships/${id}/resend`),
      await curious.update('memberships', id, {}),
      await curious.create('application_memberships', {}, { api_credential, role, membership: id }),
    ]);
    const [there, nowhere] = await Promise.all(answers);
    const shown = (list: Answer[] | undefined) => list?.map(({ status, text }) => [status, text]);
    expect(shown(there)).toEqual(shown(nowhere));
    for (const { status } of there ?? []) expect(status).toBe(FORBIDDEN);
  });

  it('shows no state of another type of the directory by the native API', async () => {
    const role = await root.role('reads states', 'read resources', 'read roles');
    const reader = root.by((await root.credential('reads states', role)).secret);
    await root.request('PUT', '/v1/resources/memberships/of-an-application', { body: { own: true } });
    const path = `/v1/resources/memberships/${boss.id}`;
    for (const hidden of [path, `${path}?version=1`, `${path}/diff?from=0&to=1`]) {
      expect((await reader.request('GET', hidden)).status).toBe(403);
    }
    expect((await reader.request('GET', `/v1/resources/roles/${role}`)).status).toBe(200);

    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const at: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { json, text } = await reader.request('GET', `/v1/resources?limit=3${at}`);
      const page = json as { data: { resource: { type: string; id: string } }[]; next: string | null };
      seen.push(...page.data.map(({ resource: { type, id } }) => `${type}/${id}`));
      expect(text).not.toMatch(/secret_hash|user_email/);
      cursor = page.next;
    }
    expect(seen).toContain('memberships/of-an-application');
    expect(seen).toContain(`roles/${role}`);
    const ofDirectory = seen.filter((name) => name.includes('/dir_'));
    expect(new Set(ofDirectory.map((name) => name.split('/')[0]))).toEqual(new Set(['roles']));
    const one = await reader.request('GET', '/v1/resources?type=memberships&limit=1');
    expect(one.json).toMatchObject({ data: [{ resource: { id: 'of-an-application' } }], next: null });
  });
});
