// Entries by stream and by window, alone and together, against a brute-force search.

import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import type { Subject } from '../contract.ts';
import { appendAll, LogSealer, type Random } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import {
  type Filter,
  filtersOf,
  inRange,
  type Kept,
  matching,
  modelOf,
  plainWith,
  type Question,
  selectionOf,
} from '../contract-model.ts';
import type { Range } from '../store.ts';

const SIZE = 400;
const BYS = ['position', 'occurredAt'] as const;
const ORDERS = ['asc', 'desc'] as const;

export function selectionSentences(subject: Subject): void {
  const { store, random, hint } = subject;
  const log = randomUUID();
  const others = randomUUID();
  let model: Kept[] = [];
  let filters: Filter[] = [];

  beforeAll(async () => {
    const seeded = random();
    const sealer = new LogSealer(log, seeded);
    const neighbour = new LogSealer(others, seeded);
    for (let rest = SIZE; rest > 0; rest -= 50) {
      await appendAll(store(), sealer, randomChanges(seeded, 50), 1 + seeded.below(20));
      await appendAll(store(), neighbour, randomChanges(seeded, 10));
    }
    model = modelOf(sealer.written);
    filters = filtersOf(model);
  });

  /** Asks the store, and expects what brute force finds. */
  async function check(question: Question, range: Range): Promise<void> {
    const rows = await store().select(log, selectionOf(question), range);
    const expected = inRange(model, question, range);
    const positions = rows.map(({ position }) => position);
    const message = `${JSON.stringify({ ...selectionOf(question), ...range })}, ${hint}`;
    expect(positions, message).toEqual(expected.map(({ position }) => position));
    expect(plainWith(rows[0]!, {}), message).toEqual(expected[0] && plainWith(expected[0], {}));
  }

  async function checkCount(question: Question): Promise<void> {
    const message = `count of ${JSON.stringify(selectionOf(question))}, ${hint}`;
    expect(await store().count(log, selectionOf(question)), message).toBe(matching(model, question).length);
  }

  async function checkAllOf(question: Question): Promise<void> {
    await checkCount(question);
    for (const by of BYS) for (const order of ORDERS) await check(question, { by, order, limit: SIZE });
  }
}
