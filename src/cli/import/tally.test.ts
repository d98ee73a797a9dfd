import { describe, expect, it } from 'vitest';
import { Tally } from './tally.ts';

const receipt = (position: number, changed = true) => ({ id: `id-${position}`, position, changed });
const refusal = (line: number) => ({
  line,
  error: { type: '', title: '', status: 400, code: 'invalid_field' as const, detail: 'wrong' },
});

describe('the tally of an import', () => {
  it('tells new entries from those below the size that the log had', () => {
    const tally = new Tally(100);
    for (const position of [99, 100, 101, 0]) tally.add(receipt(position));
    expect(tally).toMatchObject({ lines: 4, recorded: 2, alreadyThere: 2 });
  });

  it('counts a change that stands in the file twice once, also where positions come in no order', () => {
    const tally = new Tally(0);
    for (const position of [0, 90_000, 5, 0, 5, 4, 90_000]) tally.add(receipt(position));
    expect(tally).toMatchObject({ lines: 7, recorded: 4, alreadyThere: 3 });
  });

  it('counts what has no difference among what was recorded', () => {
    const tally = new Tally(10);
    for (const position of [9, 10, 11]) tally.add(receipt(position, position === 11));
    expect(tally).toMatchObject({ recorded: 2, withoutDifference: 1, alreadyThere: 1 });
  });

  it('keeps the first ten refusals, and counts all', () => {
    const tally = new Tally(0);
    for (let line = 1; line <= 1000; line++) tally.add(refusal(line));
    expect(tally).toMatchObject({ lines: 1000, refused: 1000 });
    expect(tally.refusals.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('counts changes of the directory apart from refusals', () => {
    const tally = new Tally(0);
    const { error } = refusal(1);
    tally.add({ line: 1, error: { ...error, code: 'reserved' } });
    expect(tally).toMatchObject({ lines: 1, leftOut: 1, refused: 0, refusals: [] });
  });

  it('does not guess where the size is not known', () => {
    const tally = new Tally(undefined);
    for (const position of [3, 3]) tally.add(receipt(position));
    expect(tally).toMatchObject({ isExact: false, recorded: 2, alreadyThere: 0 });
  });
});
