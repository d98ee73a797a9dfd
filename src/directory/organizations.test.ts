import { describe, expect, it } from 'vitest';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import type { Organization, Store } from '../store/store.ts';
import { Organizations } from './organizations.ts';

const START_MS = Date.UTC(2026, 0, 1);

/** The list of a server, with a clock that stands. Ids end in 00000001, 00000002, … */
function serverOn(store: Store, first = 0) {
  const clock = { nowMs: START_MS };
  let ids = first;
  const organizations = new Organizations(store, {
    now: () => clock.nowMs * 1000 + ids,
    nowMs: () => clock.nowMs,
    uuid: () => {
      ids += 1;
      return `00000000-0000-7000-8000-${String(ids).padStart(12, '0')}`;
    },
  });
  return { organizations, clock };
}

const slugs = (list: readonly Organization[]): string[] => list.map(({ slug }) => slug);

describe('a slug', () => {
  it.each([
    ['Acme', 'acme'],
    ['Zürich & Söhne AG', 'zurich-sohne-ag'],
    ['  --A  b--  ', 'a-b'],
    ['ﬁne №1', 'fine-no1'],
    ['a'.repeat(80), 'a'.repeat(63)],
    [`${'a'.repeat(62)} b`, 'a'.repeat(62)],
    ['狐', 'organization-00000001'],
    ['!!!', 'organization-00000001'],
  ])('of %j is %s', async (name, slug) => {
    const { organizations } = serverOn(openMemoryStore());
    expect(await organizations.add({ name })).toMatchObject({ slug, name });
  });

  it('is the chosen one, and the name then, where there is no other', async () => {
    const { organizations } = serverOn(openMemoryStore());
    expect(await organizations.add({ slug: 'chosen', name: 'Acme' })).toMatchObject({
      slug: 'chosen',
      name: 'Acme',
    });
    expect(await organizations.add({ slug: 'alone' })).toMatchObject({ slug: 'alone', name: 'alone' });
  });

  it('gives way where it is taken, and nobody chose it', async () => {
    const { organizations } = serverOn(openMemoryStore());
    const name = `Acme ${'x'.repeat(70)}`;
    const added = [
      await organizations.add({ name }),
      await organizations.add({ name }),
      await organizations.add({ name }),
    ];
    expect(slugs(added)).toEqual([
      `acme-${'x'.repeat(58)}`,
      `acme-${'x'.repeat(49)}-00000002`,
      `acme-${'x'.repeat(49)}-00000004`,
    ]);
    expect(added.map((one) => one.name)).toEqual([name, name, name]);
  });

  it('is refused where it was chosen and is taken', async () => {
    const { organizations } = serverOn(openMemoryStore());
    await organizations.add({ slug: 'acme' });
    await expect(organizations.add({ slug: 'acme', name: 'Another' })).rejects.toMatchObject({
      code: 'slug_taken',
      facts: { field: '/slug', got: 'acme' },
    });
    expect(slugs(await organizations.all())).toEqual(['acme']);
  });

  it.each(['', '-a', 'a-', 'A', 'a_b', 'a b', 'ä', 'a'.repeat(64), 'a\n'])('is not %j', async (slug) => {
    const { organizations } = serverOn(openMemoryStore());
    await expect(organizations.add({ slug })).rejects.toMatchObject({
      code: 'invalid_field',
      facts: { field: '/slug' },
    });
    expect(await organizations.all()).toEqual([]);
  });

  it('goes with a name of 1 to 200 characters', async () => {
    const { organizations } = serverOn(openMemoryStore());
    for (const name of ['', 'n'.repeat(201)]) {
      await expect(organizations.add({ slug: 'a', name })).rejects.toMatchObject({
        code: 'invalid_field',
        facts: { field: '/name' },
      });
    }
    expect(await organizations.add({ slug: 'a', name: 'n'.repeat(200) })).toMatchObject({ slug: 'a' });
  });
});

describe('the list of organizations', () => {
  it('has those of this server at once, the oldest first', async () => {
    const { organizations } = serverOn(openMemoryStore());
    expect(await organizations.all()).toEqual([]);
    for (const slug of ['c', 'a', 'b']) {
      await organizations.add({ slug });
      expect(slugs(await organizations.all()).at(-1)).toBe(slug);
    }
    expect(slugs(await organizations.all())).toEqual(['c', 'a', 'b']);
  });

  it('has those of another server within a second, or when it is suspected', async () => {
    const store = openMemoryStore();
    const [ours, theirs] = [serverOn(store), serverOn(store, 100)];
    await ours.organizations.add({ slug: 'ours' });
    expect(slugs(await ours.organizations.all())).toEqual(['ours']);
    await theirs.organizations.add({ slug: 'theirs' });
    ours.clock.nowMs += 999;
    expect(slugs(await ours.organizations.all())).toEqual(['ours']);
    ours.clock.nowMs += 1;
    expect(slugs(await ours.organizations.all())).toEqual(['ours', 'theirs']);
    await theirs.organizations.add({ slug: 'later' });
    ours.organizations.suspect();
    expect(slugs(await ours.organizations.all())).toEqual(['ours', 'theirs', 'later']);
  });

  it('has one that is added while it is read', async () => {
    const store = openMemoryStore();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = new Proxy(store, {
      get: (target, name) =>
        name === 'organizations'
          ? async () => {
              const list = await target.organizations();
              await held;
              return list;
            }
          : Reflect.get(target, name).bind(target),
    });
    const { organizations } = serverOn(slow);
    const reading = organizations.all();
    await organizations.add({ slug: 'new' });
    release();
    await reading;
    expect(slugs(await organizations.all())).toEqual(['new']);
  });

  it('finds one by id and by slug, also one that another server has just made', async () => {
    const store = openMemoryStore();
    const [ours, theirs] = [serverOn(store), serverOn(store, 100)];
    expect(await ours.organizations.find('theirs')).toBeUndefined();
    const made = await theirs.organizations.add({ slug: 'theirs' });
    expect(await ours.organizations.find('theirs')).toEqual(made);
    expect(await ours.organizations.find(made.id)).toEqual(made);
    expect(await ours.organizations.find('unknown')).toBeUndefined();
  });
});
