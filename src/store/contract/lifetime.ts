// A store answers while it is open, and says so when it no longer is.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { LogSealer } from '../contract-batches.ts';
import { changeOf } from '../contract-changes.ts';
import type { Subject } from './subject.ts';

export function lifetimeSentences(subject: Subject): void {
  const { store, open, random } = subject;

  it('answers a ping', async () => {
    await expect(store().ping()).resolves.toBeUndefined();
  });

  it('finishes what is under way before it closes', async () => {
    const opened = await open();
    const sealer = new LogSealer(randomUUID(), random());
    const append = opened.store.append(sealer.log, 0, sealer.batch([changeOf(sealer.random)]));
    const tip = opened.store.tip(randomUUID());
    const count = opened.store.count(randomUUID(), { streams: [] });
    const range = { by: 'position', order: 'asc', limit: 1 } as const;
    const positions = opened.store.local?.positions(randomUUID(), { streams: [] }, range) ?? [];
    await opened.store.close();
    expect(await append).toEqual({ outcome: 'appended' });
    expect((await tip).tree.size).toBe(0);
    expect(await count).toBe(0);
    expect(await positions).toEqual([]);
    await opened.close();
  });

  it('is unavailable once it is closed', async () => {
    const opened = await open();
    const sealer = new LogSealer(randomUUID(), random());
    const batch = sealer.batch([changeOf(sealer.random)]);
    await opened.store.close();
    const unavailable = { name: 'AnnalsError', code: 'store_unavailable' };
    await expect(opened.store.ping()).rejects.toMatchObject(unavailable);
    await expect(opened.store.tip(sealer.log)).rejects.toMatchObject(unavailable);
    await expect(opened.store.append(sealer.log, 0, batch)).rejects.toMatchObject(unavailable);
    await opened.close();
  });

  it('closes twice without complaint', async () => {
    const opened = await open();
    await opened.store.close();
    await expect(opened.store.close()).resolves.toBeUndefined();
    await opened.close();
  });
}
