// The resource types of a log, in an order that never changes: numbers are given out by it.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { streamOf } from '../../core/streams.ts';
import { appendAll, LogSealer } from '../contract-batches.ts';
import { changeOf, randomChanges } from '../contract-changes.ts';
import type { Subject } from './subject.ts';

export function typeSentences(subject: Subject): void {
  const { store, random, hint } = subject;

  it('lists resource types in the order of their first entries, whatever came of their resources', async () => {
    const seeded = random();
    const sealer = new LogSealer(randomUUID(), seeded);
    const expected: string[] = [];
    for (const change of randomChanges(seeded, 60)) {
      await appendAll(store(), sealer, [change]);
      if (!expected.includes(change.resource.type)) expected.push(change.resource.type);
      expect(await store().types(sealer.log), hint).toEqual(expected);
    }
  });

  it('keeps the order of the entries within one append', async () => {
    const seeded = random();
    const sealer = new LogSealer(randomUUID(), seeded);
    const types = seeded.shuffled(['zones', 'a', 'Bücher', '狐', 'type:', 'type;', "it's", '%_', ' ', 'A']);
    const changes = types.map((type) => changeOf(seeded, { resource: { type, id: '1' } }));
    await appendAll(store(), sealer, [...changes, ...randomChanges(seeded, 20)]);
    expect((await store().types(sealer.log)).slice(0, types.length), hint).toEqual(types);
  });

  it("lists no other log's types, no related type, and none of a log that is not known", async () => {
    const seeded = random();
    const [one, other] = [new LogSealer(randomUUID(), seeded), new LogSealer(randomUUID(), seeded)];
    await appendAll(store(), one, [changeOf(seeded, { related: [{ type: 'regions', id: 'north' }] })]);
    await appendAll(store(), other, [changeOf(seeded, { resource: { type: 'orders', id: '1' } })]);
    expect(await store().types(one.log)).toEqual(['countries']);
    expect(await store().types(other.log)).toEqual(['orders']);
    expect(await store().types(randomUUID())).toEqual([]);
    expect(await store().count(one.log, { streams: [streamOf.type('regions')] })).toBe(0);
  });
}
