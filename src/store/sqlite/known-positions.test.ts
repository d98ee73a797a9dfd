import { describe, expect, it } from 'vitest';
import type { Range, Selection } from '../store.ts';
import { KnownPositions } from './known-positions.ts';

const LAST: Range = { by: 'position', order: 'desc', limit: 20 };
const ONE: Selection = { streams: ['one'] };

describe('known positions', () => {
  it('are found once, as long as nothing is committed', async () => {
    const { ask, finds } = makeKnown();
    expect(await ask(ONE, [3, 2])).toEqual([3, 2]);
    expect(await ask(ONE, [4, 3, 2])).toEqual([3, 2]);
    expect(finds()).toBe(1);
  });

  it('are found again after a commit', async () => {
    const { ask, commit } = makeKnown();
    await ask(ONE, [3, 2]);
    commit();
    expect(await ask(ONE, [4, 3, 2])).toEqual([4, 3, 2]);
    expect(await ask(ONE, [])).toEqual([4, 3, 2]);
  });

  it('are found for every question where the database does not say whether anything was committed', async () => {
    const { ask, finds } = makeKnown(() => undefined);
    expect(await ask(ONE, [1])).toEqual([1]);
    expect(await ask(ONE, [2, 1])).toEqual([2, 1]);
    expect(finds()).toBe(2);
  });

  it('are forgotten where the database once did not say', async () => {
    let version: number | undefined = 1;
    const { ask } = makeKnown(() => version);
    await ask(ONE, [1]);
    version = undefined;
    await ask(ONE, [1]);
    version = 1;
    expect(await ask(ONE, [2, 1])).toEqual([2, 1]);
  });

  it('are looked for once, however many ask at the same time', async () => {
    const { ask, finds } = makeKnown();
    const answers = await Promise.all([ask(ONE, [1]), ask(ONE, [2]), ask(ONE, [3])]);
    expect(answers).toEqual([[1], [1], [1]]);
    expect(finds()).toBe(1);
  });

  it('are not taken from a reading that began before a commit', async () => {
    const { known, commit } = makeKnown();
    const slow = Promise.withResolvers<number[]>();
    const before = known.positions('log', ONE, LAST, () => slow.promise);
    await turn();
    commit();
    const after = known.positions('log', ONE, LAST, async () => [2, 1]);
    await turn();
    slow.resolve([1]);
    expect(await before).toEqual([1]);
    expect(await after).toEqual([2, 1]);
    expect(await known.positions('log', ONE, LAST, async () => [])).toEqual([2, 1]);
  });

  it('are not kept where a commit came while they were read', async () => {
    const { known, commit } = makeKnown();
    const slow = Promise.withResolvers<number[]>();
    const reading = known.positions('log', ONE, LAST, () => slow.promise);
    await turn();
    commit();
    slow.resolve([1]);
    await reading;
    expect(await known.positions('log', ONE, LAST, async () => [2, 1])).toEqual([2, 1]);
  });

  it('are looked for again after a reading that failed', async () => {
    const { known, ask } = makeKnown();
    const failing = known.positions('log', ONE, LAST, () => Promise.reject(new Error('no disk')));
    await expect(failing).rejects.toThrow('no disk');
    expect(await ask(ONE, [1])).toEqual([1]);
  });

  it('are those of one log, one selection and one range', async () => {
    const { known } = makeKnown();
    const questions: [string, Selection, Range][] = [
      ['log', ONE, LAST],
      ['other', ONE, LAST],
      ['log', { streams: [] }, LAST],
      ['log', { streams: ['one', 'two'] }, LAST],
      ['log', { streams: ['["one","two"]'] }, LAST],
      ['log', { streams: ['one","two'] }, LAST],
      ['log', { streams: ['one'], since: 1 }, LAST],
      ['log', { streams: ['one'], until: 1 }, LAST],
      ['log', ONE, { ...LAST, by: 'occurredAt' }],
      ['log', ONE, { ...LAST, order: 'asc' }],
      ['log', ONE, { ...LAST, limit: 21 }],
      ['log', ONE, { ...LAST, skip: 20 }],
      ['log', ONE, { ...LAST, below: 20 }],
      ['log', ONE, { ...LAST, behind: { position: 20, occurredAt: 1 } }],
      ['log', ONE, { ...LAST, behind: { position: 20, occurredAt: 2 } }],
    ];
    for (let round = 0; round < 2; round++) {
      for (const [index, question] of questions.entries()) {
        expect(await known.positions(...question, async () => [index])).toEqual([index]);
      }
    }
  });

  it('are bounded: those that were found first are found again', async () => {
    const { ask, finds } = makeKnown(() => 1, 500);
    const many = Array.from({ length: 100 }, (_, index) => index);
    for (let name = 0; name < 20; name++) await ask({ streams: [`${name}`] }, many);
    expect(finds()).toBe(20);
    await ask({ streams: ['19'] }, many);
    expect(finds()).toBe(20);
    await ask({ streams: ['0'] }, many);
    expect(finds()).toBe(21);
  });

  it('are not kept where they alone are more than the bound', async () => {
    const { ask, finds } = makeKnown(() => 1, 50);
    const many = Array.from({ length: 100 }, (_, index) => index);
    expect(await ask(ONE, many)).toEqual(many);
    expect(await ask(ONE, many)).toEqual(many);
    expect(finds()).toBe(2);
  });
});

function makeKnown(look?: () => number | undefined, most?: number) {
  let version = 1;
  let found = 0;
  const known = new KnownPositions(look ?? (() => version), most);
  return {
    known,
    finds: () => found,
    commit: () => {
      version += 1;
    },
    ask: (selection: Selection, positions: number[]) =>
      known.positions('log', selection, LAST, async () => {
        found += 1;
        return positions;
      }),
  };
}

/** Until what was asked in this turn is under way. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
