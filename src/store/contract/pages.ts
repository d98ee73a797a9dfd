// Jumps into streams that are longer than a page, and longer than whatever an adapter marks or caches.

import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import type { Change } from '../../core/entry.ts';
import { streamOf } from '../../core/streams.ts';
import { appendAll, LogSealer } from '../contract-batches.ts';
import { changeOf } from '../contract-changes.ts';
import { inRange, type Kept, modelOf, type Question, selectionOf } from '../contract-model.ts';
import type { Range } from '../store.ts';
import type { Subject } from './subject.ts';

const SIZE = 700;
const JUMPS = [0, 1, 2, 62, 63, 64, 65, 66, 126, 127, 128, 129, 190, 191, 192, 193, 200, 254, 255, 256, 257];
const DIRECTIONS = [
  { by: 'position', order: 'asc' },
  { by: 'position', order: 'desc' },
  { by: 'occurredAt', order: 'asc' },
  { by: 'occurredAt', order: 'desc' },
] as const;

/** Streams of some 230, 470, and exactly 128 entries. */
const LONG: Question[] = [
  {
    filters: [
      { stream: streamOf.type('orders'), matches: ({ change }) => change.resource.type === 'orders' },
    ],
  },
  { filters: [{ stream: streamOf.actor('ada'), matches: ({ change }) => change.actor.id === 'ada' }] },
  { filters: [{ stream: streamOf.event('even'), matches: ({ change }) => change.event === 'even' }] },
];

export function pageSentences(subject: Subject): void {
  const { store, random, hint } = subject;
  const log = randomUUID();
  let model: Kept[] = [];

  beforeAll(async () => {
    const seeded = random();
    const sealer = new LogSealer(log, seeded);
    const changes = Array.from({ length: SIZE }, (_, index): Change => {
      const isOrder = index % 3 === 0;
      return changeOf(seeded, {
        action: 'access',
        resource: { type: isOrder ? 'orders' : 'countries', id: 'one' },
        actor: { type: 'user', id: isOrder ? 'bob' : 'ada' },
        ...(index < 256 && index % 2 === 0 ? { event: 'even' } : {}),
        occurredAt: seeded.below(1_000_000),
      });
    });
    await appendAll(store(), sealer, changes, 96);
    model = modelOf(sealer.written);
  });

  it('jumps to any entry of a stream, in both orders', async () => {
    for (const question of LONG) {
      const { length } = inRange(model, question, { ...DIRECTIONS[0], limit: SIZE });
      const fromTheEnd = JUMPS.map((jump) => length - jump).filter((skip) => skip >= 0);
      for (const skip of [...JUMPS, ...fromTheEnd]) {
        for (const direction of DIRECTIONS) await check(question, { ...direction, skip, limit: 3 });
      }
    }
  });

  it('gives whole pages from the middle of a stream', async () => {
    for (const question of LONG) {
      for (const direction of DIRECTIONS) {
        for (let page = 0; page < 5; page++)
          await check(question, { ...direction, skip: page * 100, limit: 100 });
      }
    }
  });

  it('gives nothing past the end of a stream, and what is left just before it', async () => {
    for (const question of [{ filters: [] }, ...LONG]) {
      const { length } = inRange(model, question, { ...DIRECTIONS[0], limit: SIZE });
      for (const direction of DIRECTIONS) {
        const read = (skip: number): Promise<unknown[]> =>
          store().select(log, selectionOf(question), { ...direction, skip, limit: 10 });
        expect(await read(length - 2), hint).toHaveLength(2);
        expect(await read(length), hint).toEqual([]);
        expect(await read(length + 64), hint).toEqual([]);
        expect(await read(1_000_000_000), hint).toEqual([]);
      }
    }
  });

  it('jumps into the whole log, and into what two streams share', async () => {
    const shared = { filters: LONG.slice(1).flatMap(({ filters }) => filters) };
    for (const skip of JUMPS) {
      for (const direction of DIRECTIONS) {
        await check({ filters: [] }, { ...direction, skip, limit: 3 });
        await check(shared, { ...direction, skip, limit: 3 });
      }
    }
  });

  it('gives as the nth entry of a resource its nth version', async () => {
    const selection = { streams: [streamOf.resource({ type: 'countries', id: 'one' })] };
    for (const version of [1, 63, 64, 65, 128, 466]) {
      const range = { by: 'position', order: 'asc', limit: 1, skip: version - 1 } as const;
      expect(await store().select(log, selection, range), hint).toMatchObject([{ version }]);
    }
  });

  async function check(question: Question, range: Range): Promise<void> {
    const rows = await store().select(log, selectionOf(question), range);
    const expected = inRange(model, question, range).map(({ position }) => position);
    const message = `${JSON.stringify({ ...selectionOf(question), ...range })}, ${hint}`;
    expect(
      rows.map(({ position }) => position),
      message,
    ).toEqual(expected);
  }
}
