// The past: the state as it was at one instant, as it was known at another.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { MAX_INSTANT, MIN_INSTANT } from '../../core/instant.ts';
import { appendAll, LogSealer, START } from '../contract-batches.ts';
import { changeOf, randomChanges } from '../contract-changes.ts';
import { keyOf, lastKnown, modelOf, plain, plainWith } from '../contract-model.ts';
import type { Subject } from './subject.ts';

const COUNTRY = { type: 'countries', id: 'CHE' };

export function asOfSentences(subject: Subject): void {
  const { store, random, hint } = subject;

  it('gives the entry, with its states, that left the state at an instant, as known at another', async () => {
    const sealer = new LogSealer(randomUUID(), random());
    await appendAll(store(), sealer, randomChanges(sealer.random, 300), 6);
    const model = modelOf(sealer.written);
    const resources = new Map(model.map(({ change }) => [keyOf(change.resource), change.resource]));
    for (let round = 0; round < 600; round++) {
      const nudge = (): number => sealer.random.below(3) - 1;
      const resource = sealer.random.pick([...resources.values()]);
      const at = sealer.random.pick(model).stored.occurredAt + nudge();
      const knownAt = sealer.random.pick([
        MAX_INSTANT,
        sealer.random.pick(model).stored.recordedAt + nudge(),
      ]);
      const expected = lastKnown(model, resource, at, knownAt);
      const found = await store().asOf(sealer.log, resource, at, knownAt);
      const message = `${resource.type}/${resource.id} at ${at}, known at ${knownAt}, ${hint}`;
      expect(found && plain(found), message).toEqual(expected && plainWith(expected, { states: true }));
    }
  });

  it('includes the very instants of occurrence and of recording', async () => {
    const sealer = new LogSealer(randomUUID(), random());
    await appendAll(store(), sealer, [changeOf(sealer.random, { occurredAt: START })]);
    const { recordedAt } = sealer.tip;
    const isFound = async (at: number, knownAt: number): Promise<boolean> =>
      (await store().asOf(sealer.log, COUNTRY, at, knownAt)) !== undefined;
    expect(await isFound(START, recordedAt)).toBe(true);
    expect(await isFound(START - 1, recordedAt)).toBe(false);
    expect(await isFound(START, recordedAt - 1)).toBe(false);
    expect(await isFound(MAX_INSTANT, MAX_INSTANT)).toBe(true);
    expect(await isFound(MIN_INSTANT, MAX_INSTANT)).toBe(false);
  });

  it('gives, of several changes at one instant, the last that the log took', async () => {
    const sealer = new LogSealer(randomUUID(), random());
    const atOnce = [1, 2, 3].map((number) =>
      changeOf(sealer.random, { occurredAt: START, after: { number } }),
    );
    await appendAll(store(), sealer, atOnce);
    expect(await store().asOf(sealer.log, COUNTRY, START, MAX_INSTANT)).toMatchObject({
      after: '{"number":3}',
    });
  });

  it('gives the deletion of a resource that was deleted by then, and passes over accesses', async () => {
    const sealer = new LogSealer(randomUUID(), random());
    await appendAll(store(), sealer, [
      changeOf(sealer.random, { occurredAt: START }),
      changeOf(sealer.random, { occurredAt: START + 1, action: 'delete' }),
      changeOf(sealer.random, { occurredAt: START + 2, action: 'access' }),
    ]);
    const found = await store().asOf(sealer.log, COUNTRY, START + 2, MAX_INSTANT);
    expect(found).toMatchObject({ action: 'delete', version: 2, after: null });
  });

  it('gives nothing of a resource that another log has', async () => {
    const [sealer, other] = [1, 2].map(() => new LogSealer(randomUUID(), random())) as [LogSealer, LogSealer];
    await appendAll(store(), sealer, [changeOf(sealer.random)]);
    await appendAll(store(), other, [changeOf(other.random, { resource: { type: 'orders', id: '1' } })]);
    expect(await store().asOf(other.log, COUNTRY, MAX_INSTANT, MAX_INSTANT)).toBeUndefined();
  });
}
