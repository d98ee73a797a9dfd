// A benchmark is a question with a figure to reach, and an answer: a ratio taken in one run, with the
// absolute figures beside it.

export interface Answer {
  question: string;
  /** What the figure is: a ratio, or a plain measure. */
  figure: number;
  /** The figure to reach, and in which direction. */
  reach: { atLeast: number } | { atMost: number };
  unit: string;
  /** Absolute figures of the same run, for the eye. */
  beside: string;
}

export type Question = () => Promise<Answer[]>;

export function isReached({ figure, reach }: Answer): boolean {
  return 'atLeast' in reach ? figure >= reach.atLeast : figure <= reach.atMost;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The answer where two rates were taken in turn: the median of the pairs' ratios. */
export function ratioOfRates(question: string, ours: readonly number[], bare: readonly number[]): Answer {
  const pairs = ours.map((rate, index) => rate / (bare[index] as number));
  const beside = `${median(ours).toFixed(0)}/s, bare ${median(bare).toFixed(0)}/s`;
  return { question, figure: median(pairs), reach: { atLeast: 0.5 }, unit: '', beside };
}

/** `1,000,000` */
export function amount(count: number): string {
  return count.toLocaleString('en');
}

export function tableOf(answers: readonly Answer[]): string {
  const rows = answers.map((answer) => [
    answer.question,
    `${answer.figure.toFixed(answer.figure < 10 ? 2 : 0)} ${answer.unit}`.trim(),
    'atLeast' in answer.reach ? `at least ${answer.reach.atLeast}` : `at most ${answer.reach.atMost}`,
    isReached(answer) ? 'reached' : 'NOT REACHED',
    answer.beside,
  ]);
  const head = ['question', 'figure', 'to reach', '', 'beside'];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] as string).length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
