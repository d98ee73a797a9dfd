import { beforeEach, describe, expect, it } from 'vitest';
import { type Clock, type OpenDirectory, openDirectory } from '../../test/directories.ts';
import { ROOT } from '../../test/tokens.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import type { Organization } from '../store/store.ts';

/** Two servers on one store. */
let servers: OpenDirectory[];
let acme: Organization;

beforeEach(async () => {
  const clock: Clock = { nowMs: Date.UTC(2026, 0, 1) };
  const store = openMemoryStore();
  servers = [openDirectory(store, clock), openDirectory(store, clock)];
  acme = await (servers[0] as OpenDirectory).directory.createOrganization({ slug: 'acme' }, ROOT);
});

describe('a request that comes to two servers at once', () => {
  it('makes one token under its key: the other is told to send it again', async () => {
    const requestKey = { key: 'root:k', fingerprint: 'f' };
    const wanted = { name: 'ci', scopes: ['read'] } as const;
    const made = await Promise.allSettled(
      servers.map(({ directory }) => directory.createToken(acme, wanted, ROOT, requestKey)),
    );
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(made.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'idempotency_key_in_flight' },
    });
    for (const { directory } of servers) {
      directory.suspect();
      expect((await directory.view(acme)).list('api_credentials')).toHaveLength(1);
    }
  });

  it('makes one organization of its id, and answers it to both', async () => {
    const wanted = { slug: 'one', name: 'One', id: crypto.randomUUID() };
    const [one, other] = await Promise.all(
      servers.map(({ directory }) => directory.createOrganization(wanted, ROOT)),
    );
    expect(one).toMatchObject(wanted);
    expect(other).toEqual(one);
  });

  it('makes no second organization of an id', async () => {
    const [{ directory }] = servers as [OpenDirectory];
    const wanted = { slug: 'one', name: 'One', id: crypto.randomUUID() };
    await directory.createOrganization(wanted, ROOT);
    for (const other of [{ slug: 'two' }, { name: 'Two' }]) {
      await expect(directory.createOrganization({ ...wanted, ...other }, ROOT)).rejects.toMatchObject({
        code: 'idempotency_key_reused',
      });
    }
  });
});
