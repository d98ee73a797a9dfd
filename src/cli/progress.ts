// A progress bar on standard error, where that is a terminal: done of total, how fast, how long yet.

import { cut, durationText, numberText } from './output.ts';

/** How far a command has come. */
export interface Step {
  /** How much is done, of `total`. */
  done: number;
  /** undefined where nobody knows how much there is. */
  total: number | undefined;
  /** Things that the user counts, such as lines. */
  count: number;
}

export interface Progress {
  update(step: Step): void;
  /** Takes the bar away. */
  stop(): void;
}

const NO_PROGRESS: Progress = { update: () => undefined, stop: () => undefined };

/** @param unit what is counted, in the plural */
export async function startProgress(title: string, unit: string): Promise<Progress> {
  const stream = process.stderr;
  if (!stream.isTTY) return NO_PROGRESS;
  // Loaded here, because most commands start without it.
  const { default: ora } = await import('ora');
  const startedAt = performance.now();
  // Standard input may be what is read: it must be left alone.
  const spinner = ora({ text: title, stream, discardStdin: false }).start();
  return {
    update(step) {
      const seconds = (performance.now() - startedAt) / 1000;
      spinner.text = cut(`${title}  ${progressText(step, unit, seconds)}`, (stream.columns ?? 80) - 3);
    },
    stop() {
      spinner.stop();
    },
  };
}

const BAR_WIDTH = 20;
/** Before this, a rate says nothing. */
const FIRST_SECONDS = 1;

/** `██████░░░░░░░░░░░░░░ 30 %  4,444 lines  2,222/s  5.2 s left` */
export function progressText({ done, total, count }: Step, unit: string, seconds: number): string {
  const share = total === undefined || total === 0 ? undefined : Math.min(1, done / total);
  const parts = [`${numberText(count)} ${unit}`];
  if (share !== undefined) parts.unshift(`${barText(share)} ${Math.floor(share * 100)} %`);
  if (seconds >= FIRST_SECONDS) {
    parts.push(`${numberText(Math.round(count / seconds))}/s`);
    if (share !== undefined && share > 0) parts.push(`${durationText(seconds / share - seconds)} left`);
  }
  return parts.join('  ');
}

function barText(share: number): string {
  const full = Math.floor(share * BAR_WIDTH);
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
}
