// What belongs to the whole installation: organizations, and its secrets.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { START } from '../contract-batches.ts';
import type { Organization } from '../store.ts';
import type { Subject } from './subject.ts';

export function installationSentences(subject: Subject): void {
  const { store, random } = subject;

  function organizationOf(given: Partial<Organization> = {}): Organization {
    return {
      id: randomUUID(),
      slug: `slug-${randomUUID()}`,
      name: 'Zürich 狐',
      createdAt: START + 1,
      ...given,
    };
  }

  it('lists organizations by age', async () => {
    const added = [3, 1, 2].map((age) => organizationOf({ createdAt: START + age }));
    for (const organization of added) expect(await store().addOrganization(organization)).toBe(true);
    const ids = new Set(added.map(({ id }) => id));
    const listed = (await store().organizations()).filter(({ id }) => ids.has(id));
    expect(listed).toEqual([added[1], added[2], added[0]]);
  });

  it('refuses an organization whose id or slug is taken, and keeps the first', async () => {
    const first = organizationOf();
    const [sameId, sameSlug] = [organizationOf({ id: first.id }), organizationOf({ slug: first.slug })];
    await store().addOrganization(first);
    expect(await store().addOrganization(sameId)).toBe(false);
    expect(await store().addOrganization(sameSlug)).toBe(false);
    const ids = [first.id, sameSlug.id];
    expect((await store().organizations()).filter(({ id }) => ids.includes(id))).toEqual([first]);
  });

  it('takes one of two organizations that ask for the same slug at once', async () => {
    const first = organizationOf();
    const rivals = [first, organizationOf({ slug: first.slug })];
    const answers = await Promise.all(rivals.map((organization) => store().addOrganization(organization)));
    expect(answers.toSorted()).toEqual([false, true]);
  });

  it('keeps a secret under its name, and the first where the name is taken', async () => {
    const name = `key-${randomUUID()}`;
    const [first, second] = [random().bytes(300), new Uint8Array(3)];
    expect(await store().secret(name)).toBeUndefined();
    expect(await store().addSecret(name, first)).toBe(true);
    expect(await store().addSecret(name, second)).toBe(false);
    expect(Buffer.from((await store().secret(name)) ?? [])).toEqual(Buffer.from(first));
  });

  it('takes one of two secrets that ask for the same name at once', async () => {
    const name = `key-${randomUUID()}`;
    const answers = await Promise.all([1, 2].map((byte) => store().addSecret(name, Uint8Array.of(byte))));
    expect(answers.toSorted()).toEqual([false, true]);
    expect(await store().secret(name)).toEqual(Uint8Array.of(answers[0] ? 1 : 2));
  });

  it('drops the secrets whose time is over, and no other', async () => {
    const [past, present, lasting] = [`key-${randomUUID()}`, `key-${randomUUID()}`, `key-${randomUUID()}`];
    await store().addSecret(past, Uint8Array.of(1), START - 1);
    await store().addSecret(present, Uint8Array.of(2), START);
    await store().addSecret(lasting, Uint8Array.of(3));
    await store().dropSecrets(START);
    expect(await store().secret(past)).toBeUndefined();
    expect(await store().secret(present)).toEqual(Uint8Array.of(2));
    expect(await store().secret(lasting)).toEqual(Uint8Array.of(3));
  });
}
