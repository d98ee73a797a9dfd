import { describe, expect, it } from 'vitest';
import { storeContract } from '../contract.ts';
import { LogSealer, Random } from '../contract-batches.ts';
import { changeOf } from '../contract-changes.ts';
import { Faults } from './faults.ts';
import { openMemoryStore } from './memory-store.ts';

storeContract('the memory store', async () => {
  const store = openMemoryStore();
  return { store, close: () => store.close() };
});

describe('faults of the memory store', () => {
  const log = '11111111-1111-4111-8111-111111111111';
  const unavailable = { name: 'AnnalsError', code: 'store_unavailable' };

  it('fails an append and keeps nothing', async () => {
    const { faults, store, batch } = arranged();
    faults.next('append failed and nothing was kept');
    await expect(store.append(log, 0, batch)).rejects.toMatchObject(unavailable);
    expect((await store.tip(log)).tree.size).toBe(0);
    expect(await store.append(log, 0, batch)).toEqual({ outcome: 'appended' });
  });

  it('loses the reply of an append that it kept', async () => {
    const { faults, store, batch } = arranged();
    faults.next('append failed and everything was kept');
    await expect(store.append(log, 0, batch)).rejects.toMatchObject(unavailable);
    expect(await store.tip(log)).toEqual(batch.tip);
    expect(await store.find(log, [batch.entries[0]!.id])).toHaveLength(1);
  });

  it('answers stale and keeps nothing', async () => {
    const { faults, store, batch } = arranged();
    faults.next('append is stale');
    expect(await store.append(log, 0, batch)).toEqual({ outcome: 'stale' });
    expect(await store.append(log, 0, batch)).toEqual({ outcome: 'appended' });
  });

  it('fails a read', async () => {
    const { faults, store } = arranged();
    faults.next('read failed');
    await expect(store.latest(log, [])).rejects.toMatchObject(unavailable);
    expect(await store.latest(log, [])).toEqual([]);
  });

  it('strikes as often as it was told to, and only calls of that kind', async () => {
    const { faults, store, batch } = arranged();
    faults.next('append is stale');
    faults.next('append is stale');
    await store.tip(log);
    expect(faults.coming).toEqual(['append is stale', 'append is stale']);
    expect(await store.append(log, 0, batch)).toEqual({ outcome: 'stale' });
    expect(await store.append(log, 0, batch)).toEqual({ outcome: 'stale' });
    expect(await store.append(log, 0, batch)).toEqual({ outcome: 'appended' });
    expect(faults.coming).toEqual([]);
  });

  function arranged() {
    const faults = new Faults();
    const sealer = new LogSealer(log, new Random(1));
    return { faults, store: openMemoryStore({ faults }), batch: sealer.batch([changeOf(sealer.random)]) };
  }
});
