// Differences for people: what was added, removed and changed, in colours, a line or a few each.

import type { Changes } from '../core/entry.ts';
import type { Json } from '../core/json.ts';
import { columns, cut, jsonText, plain, style } from './output.ts';

const ARROW = ' → ';
/** What is longer takes a line for each side. */
const LONGEST_PAIR = 120;

/** Differences that are shown where not all are asked for. */
const MOST_SHOWN = 12;

/**
 * Lines such as `~ /name  "Bern" → "Berne"`, `+ /borders/2  "LIE"` and `- /tld  ".ch"`.
 * @param isFull all of them, and all of their values; else the first, cut to the width of the terminal
 */
export function differenceLines(changes: Changes, indent: string, isFull: boolean): string[] {
  const pairs = Object.entries(changes);
  const width = isFull ? Number.POSITIVE_INFINITY : columns() - indent.length;
  const shown = isFull ? pairs : pairs.slice(0, MOST_SHOWN);
  const lines = shown.flatMap(([path, [before, after]]) => pairLines(path, before, after, width));
  const left = pairs.length - shown.length;
  if (left > 0) lines.push(style('dim', `and ${left} more; --full shows them`));
  return lines.map((line) => indent + line);
}

function pairLines(path: string, before: Json, after: Json, width: number): string[] {
  const name = plain(path);
  // The API has null for absent as well: a value that came from or went to null reads as added or removed.
  if (before === null) return [added(`+ ${name}  `, after, width)];
  if (after === null) return [removed(`- ${name}  `, before, width)];
  const [from, to] = [jsonText(before), jsonText(after)];
  const head = `~ ${name}  `;
  if (head.length + from.length + ARROW.length + to.length <= Math.min(width, LONGEST_PAIR)) {
    return [style('yellow', head) + style('red', from) + style('dim', ARROW) + style('green', to)];
  }
  return [style('yellow', head.trimEnd()), removed('    - ', before, width), added('    + ', after, width)];
}

function added(head: string, value: Json, width: number): string {
  return style('green', head + cut(jsonText(value), width - head.length));
}

function removed(head: string, value: Json, width: number): string {
  return style('red', head + cut(jsonText(value), width - head.length));
}
