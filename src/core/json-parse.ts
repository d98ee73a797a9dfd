// JSON.parse without a mistake of V8: it may take a member's name that is written with escapes for another name that it
// has read before. `{"a":1,"\n":2}` behind `{"a":1,"\\":2}` is read as `{"a":1,"\\":2}` (nodejs/node#63785).

import type { Json } from './json.ts';

/** What such names are given, so that no other is like them: as many digits as nobody guesses. */
const MARK = `#${Math.random()}${Math.random()}`;

/**
 * What JSON.parse is meant to answer.
 * @throws SyntaxError where the text is no JSON
 */
export function parseText(text: string): Json {
  const names = text.includes('\\') ? endsOfEscapedNames(text) : [];
  if (names.length === 0) return JSON.parse(text) as Json;
  let marked = '';
  let from = 0;
  for (const end of names) {
    marked += text.slice(from, end) + MARK;
    from = end;
  }
  return withoutMarks(JSON.parse(marked + text.slice(from)) as Json);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Where the names of members that have an escape end: at their closing quotes. Any text will do. */
function endsOfEscapedNames(text: string): number[] {
  const ends: number[] = [];
  let escaped = text.indexOf('\\');
  for (let at = text.indexOf('"'); at !== -1 && escaped !== -1; at = text.indexOf('"', at + 1)) {
    const start = at;
    for (at++; at < text.length && text.charCodeAt(at) !== QUOTE; at++) {
      if (text.charCodeAt(at) === BACKSLASH) at++;
    }
    if (escaped < start) escaped = text.indexOf('\\', start);
    if (escaped > start && escaped < at && text.charCodeAt(behindSpace(text, at + 1)) === COLON)
      ends.push(at);
  }
  return ends;
}

function behindSpace(text: string, at: number): number {
  let behind = at;
  while (' \n\r\t'.includes(text[behind] ?? '-')) behind++;
  return behind;
}

function withoutMarks(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutMarks);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.endsWith(MARK) ? name.slice(0, -MARK.length) : name,
      withoutMarks(member),
    ]),
  );
}
