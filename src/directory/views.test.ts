import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Clock, type OpenDirectory, openDirectory } from '../../test/directories.ts';
import { ROOT } from '../../test/tokens.ts';
import type { Change } from '../core/entry.ts';
import type { JsonObject } from '../core/json.ts';
import { Random, sha256, testSeed } from '../store/contract-batches.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import type { Organization, Store } from '../store/store.ts';
import { KEPT } from './declarations.ts';
import { outsideDirectory } from './guard.ts';
import { directoryId } from './ids.ts';
import { SUBJECTS, VERBS } from './subjects.ts';
import type { DirectoryView } from './view.ts';
import { directoryRef, Views } from './views.ts';

const START_MS = Date.UTC(2026, 0, 1);
const seed = testSeed();
const hint = `ANNALS_SEED=${seed}`;

let clock: Clock;
let store: Store;
/** Two servers on one store. */
let ours: OpenDirectory;
let theirs: OpenDirectory;
let acme: Organization;

beforeEach(async () => {
  clock = { nowMs: START_MS };
  store = openMemoryStore();
  [ours, theirs] = [openDirectory(store, clock), openDirectory(store, clock)];
  acme = await theirs.directory.createOrganization({ slug: 'acme', name: 'Acme' }, ROOT);
});

async function roleOf({ directory }: OpenDirectory, name: string): Promise<string> {
  const input = { attributes: { name }, relationships: { organization: acme.id } };
  const { resource } = await directory.create(acme, 'roles', input, ROOT);
  return resource.id;
}

async function names({ directory }: OpenDirectory, type = 'roles'): Promise<unknown[]> {
  return (await directory.view(acme)).list(type).map(({ state }) => state.name);
}

/** All that a view tells. */
function toldBy(view: DirectoryView): object {
  const resources = KEPT.map(({ type }) => view.list(type));
  const hashes = resources.flat().flatMap(({ state }) => state.secret_hash ?? []);
  const roles = view.list('roles').map(({ id }) => id);
  return {
    size: view.size,
    isFounded: view.isFounded,
    resources,
    credentials: hashes.map((hash) => view.credential(String(hash))?.id),
    rights: roles.map((role) =>
      SUBJECTS.flatMap((subject) =>
        VERBS.filter((verb) => view.rightsOf(role).may(verb, subject)).map((verb) => `${verb} ${subject}`),
      ),
    ),
    pointing: roles.map((role) =>
      ['memberships', 'permissions', 'api_credentials'].map((type) =>
        view.pointing(type, 'role', role).map(({ id }) => id),
      ),
    ),
  };
}

describe('a view', () => {
  it('has what the organization begins with', async () => {
    expect(await names(ours)).toEqual(expect.arrayContaining(['Admin', 'Read only']));
    expect(await names(ours, 'organizations')).toEqual(['Acme']);
  });

  it('has the same of an organization whose log says nothing yet', async () => {
    await ours.directory.ensureOrganization({ slug: 'default', name: 'Default' });
    const organization = (await ours.directory.organization('default')) as Organization;
    const view = await ours.directory.view(organization);
    expect((await store.tip(organization.id)).tree.size).toBe(0);
    expect(view.isFounded).toBe(false);
    const before = toldBy(view);
    await ours.directory.createToken(organization, { name: 'ci', scopes: ['read'] }, ROOT);
    expect((await store.tip(organization.id)).tree.size).toBe(4);
    const fresh = await theirs.directory.view(organization);
    expect(fresh.isFounded).toBe(true);
    for (const type of ['organizations', 'roles']) {
      expect(fresh.list(type).map(({ id, state }) => [id, state])).toEqual(
        view.list(type).map(({ id, state }) => [id, state]),
      );
    }
    expect(before).toMatchObject({ size: 3 });
  });

  it('has what this server writes at once', async () => {
    await roleOf(ours, 'Editor');
    expect(await names(ours)).toContain('Editor');
  });

  it('learns what another server wrote within four seconds', async () => {
    await names(ours);
    const id = await roleOf(theirs, 'Editor');
    clock.nowMs += 3_999;
    expect(await names(ours)).not.toContain('Editor');
    clock.nowMs += 1;
    expect(await names(ours)).toContain('Editor');
    await theirs.directory.update(
      acme,
      'roles',
      id,
      { attributes: { name: 'Writer' }, relationships: {} },
      ROOT,
    );
    clock.nowMs += 4_000;
    expect(await names(ours)).toContain('Writer');
  });

  it('learns it at once where it hears that the log has grown', async () => {
    await names(ours);
    await roleOf(theirs, 'Editor');
    ours.directory.suspect(randomUUID());
    expect(await names(ours)).not.toContain('Editor');
    ours.directory.suspect(acme.id);
    expect(await names(ours)).toContain('Editor');
    await roleOf(theirs, 'Reviewer');
    ours.directory.suspect();
    expect(await names(ours)).toContain('Reviewer');
  });

  it('learns that a resource was deleted', async () => {
    const { resource } = await theirs.directory.createToken(acme, { name: 'ci', scopes: ['read'] }, ROOT);
    expect(await names(ours, 'api_credentials')).toEqual(['ci']);
    await theirs.directory.remove(acme, 'api_credentials', resource.id, ROOT);
    ours.directory.suspect(acme.id);
    expect(await names(ours, 'api_credentials')).toEqual([]);
    expect((await ours.directory.view(acme)).credential(String(resource.state.secret_hash))).toBeUndefined();
  });

  it('finds a secret that another server has just made', async () => {
    await names(ours);
    const { secret, resource } = await theirs.directory.createToken(
      acme,
      { name: 'ci', scopes: ['read'] },
      ROOT,
    );
    expect((await ours.directory.bySecret(String(secret)))?.resource.id).toBe(resource.id);
  });

  it('is not lost to what is heard while it is checked', async () => {
    let release: (() => void) | undefined;
    const slow = new Proxy(store, {
      get: (target, name) =>
        name === 'select'
          ? async (...given: Parameters<Store['select']>) => {
              const rows = await target.select(...given);
              if (release === undefined) {
                await new Promise<void>((resolve) => {
                  release = resolve;
                });
              }
              return rows;
            }
          : Reflect.get(target, name)?.bind(target),
    });
    const views = new Views(slow, sha256, () => clock.nowMs);
    const checking = views.of(acme);
    while (release === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    await roleOf(theirs, 'Editor');
    views.suspect(acme.id);
    release();
    await checking;
    expect((await views.of(acme)).list('roles').map(({ state }) => state.name)).toContain('Editor');
  });
});

describe('a view that is loaded', () => {
  it('is the one that learned entry by entry', async () => {
    const random = new Random(seed);
    const { directory } = ours;
    const learning = theirs.directory;
    const made: { type: string; id: string }[] = [];
    const wanted = (type: string): { attributes: JsonObject; relationships: Record<string, string> } => {
      const organization = acme.id;
      const name = `name ${random.below(1_000_000)}`;
      const role = random.pick(['admin', ...made.filter((one) => one.type === 'roles').map(({ id }) => id)]);
      const named = role === 'admin' ? adminRole : role;
      if (type === 'memberships') {
        const attributes = { user_email: `user${random.below(12)}@example.com` };
        return { attributes, relationships: { organization, role: named } };
      }
      if (type === 'permissions') {
        const flags = Object.fromEntries(VERBS.map((verb) => [`can_${verb}`, random.chance(0.5)]));
        return { attributes: { ...flags, subject: random.pick(SUBJECTS) }, relationships: { role: named } };
      }
      if (type === 'api_credentials') {
        return { attributes: { name, kind: 'integration' }, relationships: { organization, role: named } };
      }
      return { attributes: { name }, relationships: { organization } };
    };
    const adminRole = (await directory.view(acme)).list('roles').find(({ state }) => state.kind === 'admin')
      ?.id as string;
    const refused: unknown[] = [];
    for (let step = 0; step < 150; step++) {
      clock.nowMs += random.below(3);
      const one = made.length > 0 ? random.pick(made) : undefined;
      const doing = random.below(10);
      try {
        if (one === undefined || doing < 6) {
          const type = random.pick(['roles', 'memberships', 'permissions', 'api_credentials']);
          made.push((await directory.create(acme, type, wanted(type), ROOT)).resource);
        } else if (doing < 8) {
          const attributes = { reference: `reference ${random.below(50)}` };
          await directory.update(acme, one.type, one.id, { attributes, relationships: {} }, ROOT);
        } else {
          await directory.remove(acme, one.type, one.id, ROOT);
          made.splice(made.indexOf(one), 1);
        }
      } catch (error) {
        refused.push((error as { code?: string }).code);
      }
      learning.suspect(acme.id);
      await learning.view(acme);
    }
    expect(
      refused.filter((code) => typeof code !== 'string'),
      hint,
    ).toEqual([]);
    const learned = toldBy(await learning.view(acme));
    const loaded = toldBy(await openDirectory(store, clock).directory.view(acme));
    expect(loaded, hint).toEqual(learned);
    expect(toldBy(await directory.view(acme)), hint).toEqual(learned);
    expect((learned as { size: number }).size).toBeGreaterThan(30);
  });

  it('has everything, also where there is more of a type than one reading gives', async () => {
    await names(theirs);
    const ids = Array.from({ length: 1_203 }, (_, number) =>
      directoryId(sha256, acme.id, 'roles', String(number)),
    );
    for (let at = 0; at < ids.length; at += 400)
      await ours.record(acme.id, ids.slice(at, at + 400).map(roleChange));
    const loaded = await openDirectory(store, clock).directory.view(acme);
    expect(loaded.list('roles')).toHaveLength(1_205);
    theirs.directory.suspect(acme.id);
    expect(toldBy(await theirs.directory.view(acme))).toEqual(toldBy(loaded));
  });

  function roleChange(id: string): Change {
    return {
      id: randomUUID(),
      resource: { type: 'roles', id },
      action: 'create',
      actor: { type: 'system', id: 'annals' },
      related: [directoryRef(acme.id)],
      after: { name: id, kind: 'custom', created_at: '2026-01-01T00:00:00.000Z' },
    };
  }
});

describe('resources of applications', () => {
  const admin = (type: string, id: string, more: Partial<Change> = {}): Change => ({
    id: randomUUID(),
    resource: { type, id },
    action: 'create',
    actor: { type: 'application', id: 'shop' },
    // As the directory files its own.
    related: [directoryRef(acme.id), { type: 'organizations', id: acme.id }],
    after: { name: 'Forged', kind: 'admin', secret_hash: 'forged', created_at: '2026-01-01T00:00:00.000Z' },
    ...more,
  });

  it('of the same types are not read, neither entry by entry nor on loading', async () => {
    const before = toldBy(await ours.directory.view(acme));
    const written = outsideDirectory(theirs.record);
    const changes = KEPT.filter(({ type }) => type !== 'organizations').flatMap(({ type }) =>
      ['1', 'Dir_a', 'dir', 'dir-a', 'dirz', 'é', '~'].map((id) => admin(type, id)),
    );
    await written(acme.id, changes);
    ours.directory.suspect(acme.id);
    expect(toldBy(await ours.directory.view(acme))).toEqual(before);
    expect(toldBy(await openDirectory(store, clock).directory.view(acme))).toEqual(before);
  });

  it('of the organization itself are, and give nobody rights', async () => {
    const written = outsideDirectory(theirs.record);
    await written(acme.id, [
      admin('organizations', acme.id, { action: 'update', after: { name: 'Renamed' } }),
    ]);
    ours.directory.suspect(acme.id);
    expect(await names(ours, 'organizations')).toEqual(['Renamed']);
    expect((await ours.directory.view(acme)).credential('forged')).toBeUndefined();
  });

  it('of the organization that end with its deletion leave it as it was founded, at once and after a restart', async () => {
    const written = outsideDirectory(theirs.record);
    await written(acme.id, [
      admin('organizations', acme.id, { action: 'update', after: { name: 'Renamed' } }),
    ]);
    ours.directory.suspect(acme.id);
    expect(await names(ours, 'organizations')).toEqual(['Renamed']);
    await written(acme.id, [admin('organizations', acme.id, { action: 'delete', after: null })]);
    ours.directory.suspect(acme.id);
    expect(await names(ours, 'organizations')).toEqual(['Acme']);
    expect(await names(openDirectory(store, clock), 'organizations')).toEqual(['Acme']);
  });

  it('of the organization leave the founding to the first change of the directory', async () => {
    await ours.directory.ensureOrganization({ slug: 'default', name: 'Default' });
    const organization = (await ours.directory.organization('default')) as Organization;
    const { id } = organization;
    await outsideDirectory(ours.record)(id, [admin('organizations', id, { after: { name: 'Named first' } })]);
    await ours.directory.createToken(organization, { name: 'ci', scopes: ['read'] }, ROOT);
    const view = await theirs.directory.view(organization);
    expect(
      view
        .list('roles')
        .map(({ state }) => state.kind)
        .sort(),
    ).toEqual(['admin', 'read_only']);
    expect(view.get('organizations', id)?.state.name).toBe('Named first');
    expect((await store.tip(id)).tree.size).toBe(4);
  });
});
