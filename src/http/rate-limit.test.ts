import { describe, expect, it } from 'vitest';
import { SlidingWindow } from './rate-limit.ts';

describe('a sliding window', () => {
  it('takes as many requests as it may, and refuses the next', () => {
    const { window } = at(0);
    const remaining = [1, 2, 3, 4].map(() => window.take('a'));
    expect(remaining.map((taken) => taken.remaining)).toEqual([2, 1, 0, 0]);
    expect(remaining.map((taken) => taken.isRefused)).toEqual([false, false, false, true]);
  });

  it('counts each key for itself', () => {
    const { window } = at(0);
    for (let taken = 0; taken < 4; taken++) window.take('a');
    expect(window.take('b').remaining).toBe(2);
  });

  it('slides: what was used late in one window still counts early in the next', () => {
    const { window, clock } = at(9_900);
    for (let taken = 0; taken < 3; taken++) window.take('a');
    clock.ms = 10_100;
    expect(window.take('a').isRefused).toBe(true);
    clock.ms = 14_000;
    expect(window.take('a')).toMatchObject({ isRefused: false, remaining: 0 });
    clock.ms = 30_000;
    expect(window.take('a').remaining).toBe(2);
  });

  it('does not count what it refuses', () => {
    const { window, clock } = at(0);
    for (let taken = 0; taken < 100; taken++) window.take('a');
    clock.ms = 20_000;
    expect(window.take('a').remaining).toBe(2);
  });

  it('remembers a bounded number of keys, and forgets the oldest first', () => {
    const { window } = at(0);
    for (let key = 0; key < 20_001; key++) window.take(String(key));
    expect(window.take('1').remaining).toBe(1);
    expect(window.take('0').remaining).toBe(2);
  });

  function at(ms: number) {
    const clock = { ms };
    return { window: new SlidingWindow({ requests: 3, seconds: 10 }, () => clock.ms), clock };
  }
});
