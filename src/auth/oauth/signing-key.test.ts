import { describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { makeKeyRing } from './signing-key.ts';

describe('the key of access tokens', () => {
  it('is not made before it is needed', async () => {
    const ring = makeKeyRing(openMemoryStore());
    expect(await ring.known()).toBeUndefined();
    const { kid } = await ring.key();
    expect((await ring.known())?.kid).toBe(kid);
  });

  it('is one for all who ask at once, in one server or in several', async () => {
    const store = openMemoryStore();
    const rings = [makeKeyRing(store), makeKeyRing(store)];
    const keys = await Promise.all([...rings, ...rings].map((ring) => ring.key()));
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
  });

  it('is the same after a restart', async () => {
    const store = openMemoryStore();
    const { jwk } = await makeKeyRing(store).key();
    expect((await makeKeyRing(store).known())?.jwk).toEqual(jwk);
  });

  it('shows its public half alone', async () => {
    const { jwk } = await makeKeyRing(openMemoryStore()).key();
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  it('is asked for again where the store failed', async () => {
    const store = openMemoryStore();
    let failures = 1;
    const ring = makeKeyRing({
      secret: (name) => (failures-- > 0 ? Promise.reject(new Error('not now')) : store.secret(name)),
      addSecret: (...args) => store.addSecret(...args),
    });
    await expect(ring.key()).rejects.toThrow('not now');
    expect((await ring.key()).jwk.kty).toBe('RSA');
  });
});
