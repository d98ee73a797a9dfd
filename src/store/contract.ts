// The specification of a store, as sentences. An adapter binds it in eight lines:
//
//   storeContract('the SQLite store', async () => {
//     const store = await openSqliteStore(path);
//     return { store, close: () => store.close() };
//   });
//
// Every sentence writes to logs of its own, so a store may already hold others.

import { afterAll, beforeAll, describe } from 'vitest';
import { appendSentences } from './contract/append.ts';
import { asOfSentences } from './contract/as-of.ts';
import { entrySentences } from './contract/entries.ts';
import { installationSentences } from './contract/installation.ts';
import { largeWindowSentences } from './contract/large-windows.ts';
import { latestSentences } from './contract/latest.ts';
import { lifetimeSentences } from './contract/lifetime.ts';
import { nodeSentences } from './contract/nodes.ts';
import { pageSentences } from './contract/pages.ts';
import { selectionSentences } from './contract/selections.ts';
import type { Opened, Subject } from './contract/subject.ts';
import { typeSentences } from './contract/types.ts';
import { Random, testSeed } from './contract-batches.ts';

export function storeContract(name: string, open: () => Promise<Opened>): void {
  describe(name, () => {
    let opened: Opened | undefined;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.close());

    const seed = testSeed();
    const subject: Subject = {
      store: () => (opened as Opened).store,
      open,
      random: () => new Random(seed),
      hint: `ANNALS_SEED=${seed} repeats this run`,
    };
    describe('append', () => appendSentences(subject));
    describe('entries', () => entrySentences(subject));
    describe('latest states', () => latestSentences(subject));
    describe('selections', () => selectionSentences(subject));
    describe('pages of long streams', () => pageSentences(subject));
    describe('large windows', () => largeWindowSentences(subject));
    describe('resource types', () => typeSentences(subject));
    describe('as-of reads', () => asOfSentences(subject));
    describe('Merkle nodes', () => nodeSentences(subject));
    describe('organizations and secrets', () => installationSentences(subject));
    describe('lifetime', () => lifetimeSentences(subject));
  });
}
