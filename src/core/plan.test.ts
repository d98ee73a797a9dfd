import { describe, expect, it } from 'vitest';
import { COLLECTED, planWalk } from './plan.ts';

describe('the plan of a walk', () => {
  it('walks the log where nothing is filtered', () => {
    expect(planWalk([], undefined)).toEqual({ drive: 'log' });
  });

  it('walks the smallest stream, and checks the others', () => {
    expect(planWalk([7], undefined)).toEqual({ drive: 'stream', stream: 0, checks: [] });
    expect(planWalk([9, 3, 5], undefined)).toEqual({ drive: 'stream', stream: 1, checks: [0, 2] });
    expect(planWalk([4, 4], undefined)).toEqual({ drive: 'stream', stream: 0, checks: [1] });
  });

  it('finds nothing where a stream or the window is empty', () => {
    expect(planWalk([5, 0], undefined)).toEqual({ drive: 'nothing' });
    expect(planWalk([0], 100)).toEqual({ drive: 'nothing' });
    expect(planWalk([5], 0)).toEqual({ drive: 'nothing' });
    expect(planWalk([], 0)).toEqual({ drive: 'nothing' });
  });

  it('collects a window that is smaller than every stream, and checks all streams', () => {
    expect(planWalk([9, 6], 5)).toEqual({ drive: 'window', checks: [0, 1] });
    expect(planWalk([], 5)).toEqual({ drive: 'window', checks: [] });
    expect(planWalk([COLLECTED + 1], COLLECTED)).toEqual({ drive: 'window', checks: [0] });
  });

  it('walks a stream that is no larger than the window', () => {
    expect(planWalk([5, 9], 5)).toEqual({ drive: 'stream', stream: 0, checks: [1] });
    expect(planWalk([4, 9], 5)).toEqual({ drive: 'stream', stream: 0, checks: [1] });
  });

  it('collects no window with more entries than the limit', () => {
    expect(planWalk([], COLLECTED)).toEqual({ drive: 'window', checks: [] });
    expect(planWalk([], COLLECTED + 1)).toEqual({ drive: 'log' });
    const large = planWalk([COLLECTED * 5, COLLECTED * 9], COLLECTED + 1);
    expect(large).toEqual({ drive: 'stream', stream: 0, checks: [1] });
  });
});
