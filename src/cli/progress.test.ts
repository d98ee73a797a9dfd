import { describe, expect, it } from 'vitest';
import { progressText } from './progress.ts';

describe('a progress bar', () => {
  it('shows the share, the count, the rate and the time left', () => {
    const text = progressText({ done: 30, total: 100, count: 4444 }, 'lines', 2);
    expect(text).toBe('██████░░░░░░░░░░░░░░ 30 %  4,444 lines  2,222/s  4.7 s left');
  });

  it('shows the count and the rate where nobody knows how much there is', () => {
    expect(progressText({ done: 30, total: undefined, count: 10 }, 'lines', 4)).toBe('10 lines  3/s');
  });

  it('says nothing of rate and time before a second has passed, nor of time before anything is done', () => {
    expect(progressText({ done: 50, total: 100, count: 9 }, 'pages', 0.5)).toBe(
      '██████████░░░░░░░░░░ 50 %  9 pages',
    );
    expect(progressText({ done: 0, total: 100, count: 0 }, 'pages', 5)).toBe(
      '░░░░░░░░░░░░░░░░░░░░ 0 %  0 pages  0/s',
    );
  });

  it('stays within its bounds where more is done than was foreseen, or nothing is to be done', () => {
    expect(progressText({ done: 11, total: 10, count: 11 }, 'entries', 2)).toContain(
      '100 %  11 entries  6/s  0.0 s left',
    );
    expect(progressText({ done: 0, total: 0, count: 0 }, 'entries', 2)).toBe('0 entries  0/s');
  });
});
