// What commands print: colours where a terminal takes them, tables, numbers, instants, JSON.

import { styleText } from 'node:util';
import type { Json } from '../core/json.ts';

type Format = Parameters<typeof styleText>[0];

/** Colours for standard output; plain where it is no terminal, or NO_COLOR is set. */
export function style(format: Format, text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

/** Prints text and a new line. Resolves when the reader has room for more. */
export function print(text = ''): Promise<void> {
  return write(process.stdout, `${text}\n`);
}

export function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (stream.write(text)) return Promise.resolve();
  return new Promise((resolve) => stream.once('drain', resolve));
}

/** One JSON document, indented. */
export function printJson(value: unknown): Promise<void> {
  return print(JSON.stringify(value, null, 2));
}

/** One JSON value on a line of its own. */
export function printLine(value: unknown): Promise<void> {
  return print(JSON.stringify(value));
}

/** Control characters, and those that turn the direction of text: the log holds what others wrote. */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text of others, safe to show: nothing in it moves the cursor or reorders the line. */
export function plain(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A JSON value in one line, safe to show. */
export function jsonText(value: Json): string {
  return plain(JSON.stringify(value));
}

/** Indented JSON, safe to show. */
export function indentedJson(value: Json): string {
  return JSON.stringify(value, null, 2).split('\n').map(plain).join('\n');
}

/** Cut to a width, the last character an ellipsis where something is missing; never inside a character. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  const characters = [...text];
  if (characters.length <= width) return text;
  return `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Columns of the terminal; unlimited where the output goes elsewhere, so that nothing is cut off there. */
export function columns(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}

/** Rows under a heading, in columns as wide as they need to be. */
export function tableText(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(plain));
  const widths = heading.map((name, column) =>
    Math.max(name.length, ...shown.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd();
  return [style('dim', line(heading)), ...shown.map(line)].join('\n');
}

/** Names and values under one another; values that are not there are left out. */
export function factsText(facts: readonly (readonly [name: string, value: string | undefined])[]): string {
  const known = facts.filter(([, value]) => value !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${style('dim', name.padEnd(width))}  ${value}`).join('\n');
}

let numbers: Intl.NumberFormat | undefined;

/** 14814 -> 14,814 */
export function numberText(value: number): string {
  numbers ??= new Intl.NumberFormat('en-US');
  return numbers.format(value);
}

/** `1 line`, `14,814 lines` */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** An instant of the API for people: a blank for the T, no fraction where it is zero. */
export function instantText(instant: string): string {
  return instant.replace('T', ' ').replace(/\.000Z$/, 'Z');
}

/** 4.2 s, 3 min 5 s, 2 h 10 min */
export function durationText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** 512 B, 1.4 MB */
export function bytesText(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 999.5)
      return `${value < 9.95 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}
