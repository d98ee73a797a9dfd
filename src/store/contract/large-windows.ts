// Windows with more entries than a store may collect and sort (`COLLECTED`), over logs that took their
// entries in the order in which they occurred, but for a block of history imported later, and in a
// shuffled one.

import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import type { Change } from '../../core/entry.ts';
import { COLLECTED } from '../../core/plan.ts';
import { streamOf } from '../../core/streams.ts';
import { appendAll, LogSealer, type Random } from '../contract-batches.ts';
import { changeOf } from '../contract-changes.ts';
import {
  type Filter,
  inRange,
  type Kept,
  matching,
  modelOf,
  type Question,
  selectionOf,
} from '../contract-model.ts';
import type { Range } from '../store.ts';
import type { Subject } from './subject.ts';

const SIZE = 12_500;
/** The oldest entries, which the log in order took last. */
const IMPORTED = 5000;
const BY_POSITION = [
  { by: 'position', order: 'asc' },
  { by: 'position', order: 'desc' },
] as const;
const BY_TIME = [
  { by: 'occurredAt', order: 'asc' },
  { by: 'occurredAt', order: 'desc' },
] as const;

/** Of 12,500 entries: 11,250, 1,250 and some 60, of which 14 are among the 1,250. */
const LARGE: Filter = { stream: streamOf.actor('ada'), matches: ({ change }) => change.actor.id === 'ada' };
const MIDDLE: Filter = { stream: streamOf.actor('bob'), matches: ({ change }) => change.actor.id === 'bob' };
const SMALL: Filter = { stream: streamOf.event('rare'), matches: ({ change }) => change.event === 'rare' };
const FILTERS = [[], [LARGE], [MIDDLE], [SMALL], [LARGE, SMALL], [MIDDLE, SMALL]];

interface LargeLog {
  log: string;
  model: Kept[];
}

export function largeWindowSentences(subject: Subject): void {
  const { store, random, hint } = subject;
  const logs: Record<string, LargeLog> = {};

  beforeAll(async () => {
    const seeded = random();
    const numbers = Array.from({ length: SIZE }, (_, index) => index);
    const orders = {
      'in order': [...numbers.slice(IMPORTED), ...numbers.slice(0, IMPORTED)],
      shuffled: seeded.shuffled(numbers),
    };
    for (const [name, order] of Object.entries(orders)) {
      const sealer = new LogSealer(randomUUID(), seeded);
      await appendAll(
        store(),
        sealer,
        order.map((number, index) => smallChange(seeded, number, index)),
        2500,
      );
      logs[name] = { log: sealer.log, model: modelOf(sealer.written) };
    }
  }, 60_000);

  const names = ['in order', 'shuffled'];

  it.each(names)('counts exactly the entries of windows around the limit, of a log %s', async (name) => {
    for (const size of [COLLECTED - 1, COLLECTED, COLLECTED + 1, SIZE - 1, SIZE]) {
      for (const filters of FILTERS) {
        await checkCount(name, { filters, until: instantOf(size) });
        await checkCount(name, { filters, since: instantOf(SIZE - size) });
        await checkCount(name, { filters, since: instantOf(1), until: instantOf(1 + size) });
      }
    }
  });

  it.each(names)('gives either end of a large window, of a log %s', async (name) => {
    for (const size of [COLLECTED, COLLECTED + 1, SIZE - 700]) {
      for (const filters of FILTERS) {
        for (const direction of [...BY_POSITION, ...BY_TIME]) {
          await check(name, { filters, until: instantOf(size) }, { ...direction, limit: 30 });
          await check(name, { filters, since: instantOf(SIZE - size) }, { ...direction, limit: 30 });
        }
      }
    }
  });

  it.each(names)('gives all of a large window and a small stream, of a log %s', async (name) => {
    for (const direction of [...BY_POSITION, ...BY_TIME]) {
      const window = { since: instantOf(1100), until: instantOf(SIZE - 1100) };
      await check(name, { filters: [SMALL], ...window }, { ...direction, limit: SIZE });
      await check(name, { filters: [MIDDLE], ...window }, { ...direction, limit: SIZE });
    }
  });

  it.each(names)('includes since and excludes until, wherever they stand in a log %s', async (name) => {
    const edges = logs[name]!.model.map(({ stored }) => stored).filter(({ position }) =>
      [0, 1023].includes(position % 1024),
    );
    for (const { occurredAt } of edges) {
      for (const direction of BY_POSITION) {
        await check(name, { filters: [SMALL], since: occurredAt }, { ...direction, limit: SIZE });
        await check(name, { filters: [SMALL], until: occurredAt }, { ...direction, limit: SIZE });
        await check(name, { filters: [SMALL], until: occurredAt + 1 }, { ...direction, limit: SIZE });
      }
    }
  });

  it.each(names)('gives any part of a large window, of a log %s', async (name) => {
    const seeded = random();
    const { model } = logs[name]!;
    for (let round = 0; round < 60; round++) {
      const { position, occurredAt } = seeded.pick(model).stored;
      const since = seeded.below(SIZE - COLLECTED);
      const until = since + COLLECTED + seeded.below(SIZE - COLLECTED - since + 1);
      await check(
        name,
        { filters: seeded.pick(FILTERS), since: instantOf(since), until: instantOf(until) },
        {
          ...seeded.pick([...BY_POSITION, ...BY_POSITION, ...BY_TIME]),
          limit: seeded.pick([1, 20, 1100]),
          skip: seeded.pick([undefined, 0, 1, 1500, SIZE]),
          below: seeded.pick([undefined, 1024, 5000, SIZE]),
          behind: seeded.pick([undefined, { position, occurredAt }]),
        },
      );
    }
  });

  it.each(names)('jumps deep into large streams without a window, of a log %s', async (name) => {
    for (const skip of [1, 1023, 1024, 9999, 10_000, 11_249, 11_250, SIZE]) {
      for (const direction of [...BY_POSITION, ...BY_TIME]) {
        await check(name, { filters: [LARGE] }, { ...direction, skip, limit: 5 });
        await check(name, { filters: [] }, { ...direction, skip, limit: 5 });
      }
    }
  });

  async function check(name: string, question: Question, range: Range): Promise<void> {
    const { log, model } = logs[name]!;
    const rows = await store().select(log, selectionOf(question), range);
    const expected = inRange(model, question, range).map(({ position }) => position);
    const message = `${JSON.stringify({ ...selectionOf(question), ...range })}, ${hint}`;
    expect(
      rows.map(({ position }) => position),
      message,
    ).toEqual(expected);
  }

  async function checkCount(name: string, question: Question): Promise<void> {
    const { log, model } = logs[name]!;
    const message = `count of ${JSON.stringify(selectionOf(question))}, ${hint}`;
    expect(await store().count(log, selectionOf(question)), message).toBe(matching(model, question).length);
  }
}

function instantOf(number: number): number {
  return 1000 * number;
}

/** An access: the smallest entry that there is. */
function smallChange(random: Random, number: number, index: number): Change {
  return changeOf(random, {
    action: 'access',
    actor: { type: 'user', id: index % 10 === 9 ? 'bob' : 'ada' },
    ...(isRare(index) ? { event: 'rare' } : {}),
    occurredAt: instantOf(number),
  });
}

/** Among them the first and the last of every 1,024 positions. */
function isRare(index: number): boolean {
  return index % 500 === 0 || index % 1000 === 9 || index % 1024 === 0 || index % 1024 === 1023;
}
