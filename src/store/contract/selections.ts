// Entries by stream and by window, alone and together, against a brute-force search.

import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { streamOf } from '../../core/streams.ts';
import { appendAll, LogSealer, type Random } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import {
  type Filter,
  filtersOf,
  inRange,
  type Kept,
  matching,
  modelOf,
  type Question,
  selectionOf,
} from '../contract-model.ts';
import type { Range } from '../store.ts';
import type { Subject } from './subject.ts';

const SIZE = 400;
const DIRECTIONS = [
  { by: 'position', order: 'asc' },
  { by: 'position', order: 'desc' },
  { by: 'occurredAt', order: 'asc' },
  { by: 'occurredAt', order: 'desc' },
] as const;

export function selectionSentences(subject: Subject): void {
  const { store, random, hint } = subject;
  const log = randomUUID();
  let model: Kept[] = [];
  let filters: Filter[] = [];

  beforeAll(async () => {
    const seeded = random();
    const sealer = new LogSealer(log, seeded);
    const neighbour = new LogSealer(randomUUID(), seeded);
    const [ours, theirs] = [randomChanges(seeded, SIZE), randomChanges(seeded, SIZE)];
    for (let start = 0; start < SIZE; start += 50) {
      await appendAll(store(), sealer, ours.slice(start, start + 50), 1 + seeded.below(20));
      await appendAll(store(), neighbour, theirs.slice(start, start + 50));
    }
    model = modelOf(sealer.written);
    filters = filtersOf(model);
  });

  it('gives the whole log, and counts it', async () => {
    await checkAllDirections({ filters: [] });
  });

  it('gives the entries of every stream, and counts them', async () => {
    await Promise.all(filters.map((filter) => checkAllDirections({ filters: [filter] })));
  });

  it('gives nothing, and counts none, of a stream without entries', async () => {
    const unknown: Filter = { stream: streamOf.event('unheard.of'), matches: () => false };
    await checkAllDirections({ filters: [unknown] });
    await checkAllDirections({ filters: [{ stream: streamOf.id('a\0b'), matches: () => false }] });
    await checkAllDirections({ filters: [filters[0]!, unknown] });
    await checkAllDirections({ filters: [unknown], since: model[0]!.stored.occurredAt });
  });

  it('gives the entries that every two kinds of streams share, and counts them', async () => {
    const some = someOfEachKind(filters, random());
    for (const [index, one] of some.entries()) {
      await Promise.all(some.slice(index).map((other) => checkAllDirections({ filters: [one, other] })));
    }
  });

  it('gives the entries that many streams share, and counts them', async () => {
    const seeded = random();
    for (let round = 0; round < 60; round++) {
      const { stored } = seeded.pick(model);
      const itsFilters = filters.filter((filter) => filter.matches(model[stored.position]!));
      await checkAllDirections({ filters: seeded.shuffled(itsFilters).slice(0, 2 + seeded.below(5)) });
    }
  });

  it('gives the entries of a window from since, inclusive, to until, exclusive', async () => {
    const instants = model.map(({ stored }) => stored.occurredAt).toSorted((left, right) => left - right);
    const [early, middle, late] = [instants[40]!, instants[200]!, instants[360]!];
    const windows = [
      { since: middle },
      { since: middle + 1 },
      { until: middle },
      { until: middle + 1 },
      { since: early, until: late },
      { since: middle, until: middle },
      { since: middle, until: middle + 1 },
      { since: late, until: early },
      { since: instants[0]!, until: instants.at(-1)! + 1 },
      { since: instants.at(-1)! },
      { since: instants.at(-1)! + 1 },
      { until: instants[0]! },
      { since: Number.MIN_SAFE_INTEGER, until: Number.MAX_SAFE_INTEGER },
    ];
    for (const window of windows) {
      await checkAllDirections({ filters: [], ...window });
      const some = someOfEachKind(filters, random());
      await Promise.all(some.map((filter) => checkAllDirections({ filters: [filter], ...window })));
    }
  });

  it('starts behind any entry, in the direction of the order, even one outside the selection', async () => {
    const seeded = random();
    for (let round = 0; round < 150; round++) {
      const { position, occurredAt } = seeded.pick(model).stored;
      const behind = { position, occurredAt };
      const question = randomQuestion(seeded, model, filters);
      await check(question, { ...seeded.pick(DIRECTIONS), behind, limit: 1 + seeded.below(20) });
    }
  });

  it('goes through a selection page by page, behind the last entry of each', async () => {
    const seeded = random();
    for (const direction of DIRECTIONS) {
      for (const question of [{ filters: [] }, { filters: [seeded.pick(filters)] }]) {
        const positions: number[] = [];
        let behind: Range['behind'];
        for (;;) {
          const page = await store().select(log, selectionOf(question), { ...direction, behind, limit: 17 });
          positions.push(...page.map(({ position }) => position));
          behind = page.at(-1);
          if (page.length < 17) break;
        }
        const expected = inRange(model, question, { ...direction, limit: SIZE });
        expect(positions, hint).toEqual(expected.map(({ position }) => position));
      }
    }
  });

  it('leaves out entries from the start, and entries at or above a position, in any combination', async () => {
    const seeded = random();
    for (let round = 0; round < 400; round++) {
      const { position, occurredAt } = seeded.pick(model).stored;
      await check(randomQuestion(seeded, model, filters), {
        ...seeded.pick(DIRECTIONS),
        limit: seeded.pick([0, 1, 2, 10, SIZE]),
        skip: seeded.pick([undefined, 0, 1, 5, 60, SIZE]),
        below: seeded.pick([undefined, 0, 1, 64, 300, SIZE, SIZE + 1]),
        behind: seeded.pick([undefined, { position, occurredAt }]),
      });
    }
  });

  it('gives the same pages below a position while others append', async () => {
    const sealer = new LogSealer(randomUUID(), random());
    await appendAll(store(), sealer, randomChanges(sealer.random, 60));
    const question = { filters: [] };
    const ranges = DIRECTIONS.map((direction) => ({ ...direction, limit: 20, skip: 15, below: 60 }));
    const read = async (range: Range): Promise<string[]> =>
      (await store().select(sealer.log, selectionOf(question), range)).map(({ id }) => id);
    const before = await Promise.all(ranges.map(read));
    await appendAll(store(), sealer, randomChanges(sealer.random, 60));
    expect(await Promise.all(ranges.map(read)), hint).toEqual(before);
  });

  /** Asks the store, and expects what brute force finds. */
  async function check(question: Question, range: Range): Promise<void> {
    const rows = await store().select(log, selectionOf(question), range);
    const expected = inRange(model, question, range);
    const message = `${JSON.stringify({ ...selectionOf(question), ...range })}, ${hint}`;
    expect(
      rows.map(({ position }) => position),
      message,
    ).toEqual(expected.map(({ position }) => position));
  }

  async function checkAllDirections(question: Question): Promise<void> {
    const message = `count of ${JSON.stringify(selectionOf(question))}, ${hint}`;
    expect(await store().count(log, selectionOf(question)), message).toBe(matching(model, question).length);
    await Promise.all(DIRECTIONS.map((direction) => check(question, { ...direction, limit: SIZE })));
  }
}

/** Two streams of each kind: `resource:…`, `type:…`, and so on. */
function someOfEachKind(filters: readonly Filter[], random: Random): Filter[] {
  const kinds = Map.groupBy(filters, ({ stream }) => stream.slice(0, stream.indexOf(':')));
  return [...kinds.values()].flatMap((kind) => random.shuffled(kind).slice(0, 2));
}

/** Up to three streams, and a window in two of three cases. */
function randomQuestion(random: Random, model: readonly Kept[], filters: readonly Filter[]): Question {
  const instant = (): number => random.pick(model).stored.occurredAt + random.below(2);
  return {
    filters: Array.from({ length: random.below(4) }, () => random.pick(filters)),
    ...(random.chance(0.4) ? { since: instant() } : {}),
    ...(random.chance(0.4) ? { until: instant() } : {}),
  };
}
