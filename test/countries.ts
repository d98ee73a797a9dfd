// The country history: real changes, read from testdata.

import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import type { Action, Actor, State } from '../src/core/entry.ts';

export interface CountryChange {
  occurredAt: string;
  actor: Actor;
  action: Action;
  resource: { type: string; id: string };
  after?: State;
  metadata: { commit: string };
}

const FILE = new URL('../testdata/country-history.ndjson.zst', import.meta.url);

/** The whole file, NDJSON. */
export function countryText(): string {
  return zstdDecompressSync(readFileSync(FILE)).toString();
}

export function countryChanges(text: string = countryText()): CountryChange[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CountryChange);
}
