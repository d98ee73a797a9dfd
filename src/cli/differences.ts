// Differences for people: what was added, removed and changed, in colours, a line or a few each.

import type { Changes } from '../core/entry.ts';
import type { Json } from '../core/json.ts';
import { columns, cut, jsonText, plain, style } from './output.ts';

/** Narrower than this, a change is told on two lines of its own. */
const ARROW = ' → ';

/**
 * Lines such as `~ /name "Bern" → "Berne"`, `+ /borders/2 "LIE"` and `- /tld ".ch"`. Values are cut to
 * the width of a terminal, and not at all where the output goes elsewhere.
 * @param most differences that are told, the others counted
 */
export function differenceLines(changes: Changes, indent: string, most = Number.POSITIVE_INFINITY): string[] {
  const pairs = Object.entries(changes);
  const width = columns() - indent.length;
  const lines = pairs
    .slice(0, most)
    .flatMap(([path, [before, after]]) => pairLines(path, before, after, width));
  const left = pairs.length - most;
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
  if (head.length + from.length + ARROW.length + to.length <= width || isShort(from, to)) {
    return [style('yellow', head) + style('red', from) + style('dim', ARROW) + style('green', to)];
  }
  return [style('yellow', head.trimEnd()), removed('    - ', before, width), added('    + ', after, width)];
}

function isShort(from: string, to: string): boolean {
  return columns() === Number.POSITIVE_INFINITY && from.length + to.length < 120;
}

function added(head: string, value: Json, width: number): string {
  return style('green', head + cut(jsonText(value), width - head.length));
}

function removed(head: string, value: Json, width: number): string {
  return style('red', head + cut(jsonText(value), width - head.length));
}
