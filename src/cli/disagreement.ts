// What verification and copying found, in one line.

import type { Disagreement } from '../query/reseal.ts';
import { plain, style } from './output.ts';

/** `position 25, change 01…: section after: its digest is not that of its content and salt` */
export function disagreementText({ position, id, what, detail }: Disagreement): string {
  const where =
    position === undefined
      ? 'the log as a whole'
      : `position ${position}${id === undefined ? '' : `, change ${id}`}`;
  return `${where}: ${style('bold', plain(what))}: ${plain(detail)}`;
}
