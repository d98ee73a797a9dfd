// What goes into a log comes out again, member by member and byte by byte.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Change } from '../../core/entry.ts';
import { MAX_INSTANT, MIN_INSTANT } from '../../core/instant.ts';
import { leafHash } from '../../core/merkle.ts';
import { type Digests, leafBytes, SECTION_NAMES, sectionDigest, subjectText } from '../../core/section.ts';
import { appendAll, LogSealer, sha256 } from '../contract-batches.ts';
import { changeOf, randomChanges } from '../contract-changes.ts';
import { hexOf, modelOf, plain, plainWith } from '../contract-model.ts';
import type { Parts, StoredEntry } from '../store.ts';
import type { Subject } from './subject.ts';

const WHOLE = { streams: [] };
const ALL_PARTS: Parts = { states: true, seals: true };
const FORWARDS = { by: 'position', order: 'asc', limit: 1000 } as const;

export function entrySentences(subject: Subject): void {
  const { store, random, hint } = subject;

  async function written(changes: readonly Change[]): Promise<LogSealer> {
    const sealer = new LogSealer(randomUUID(), random());
    await appendAll(store(), sealer, changes, 7);
    return sealer;
  }

  /** Appends the changes, each by itself, and reads the last of them. */
  async function lastOf(...changes: Change[]): Promise<StoredEntry> {
    const { log } = await written(changes);
    const rows = await store().select(log, WHOLE, FORWARDS, ALL_PARTS);
    return rows.at(-1)!;
  }

  it('gives back every member of every entry', async () => {
    const sealer = await written(randomChanges(random(), 300));
    const rows = await store().select(sealer.log, WHOLE, FORWARDS, ALL_PARTS);
    expect(rows.map(plain), hint).toEqual(modelOf(sealer.written).map(({ stored }) => plain(stored)));
  });

  it('leaves out the states and the seals that a read does not ask for', async () => {
    const sealer = await written(randomChanges(random(), 40));
    const model = modelOf(sealer.written);
    for (const parts of [undefined, {}, { states: true }, { seals: true }]) {
      const rows = await store().select(sealer.log, WHOLE, FORWARDS, parts);
      expect(rows.map(plain), hint).toEqual(model.map(({ stored }) => plainWith(stored, parts ?? {})));
    }
  });

  it('finds entries by their change ids, with all parts, and leaves out unknown ids', async () => {
    const sealer = await written(randomChanges(random(), 30));
    const model = modelOf(sealer.written);
    const wanted = [3, 29, 0, 17].map((position) => model[position]!.stored);
    const found = await store().find(sealer.log, [randomUUID(), ...wanted.map(({ id }) => id), randomUUID()]);
    const inOrder = (rows: StoredEntry[]): object[] =>
      rows.toSorted((left, right) => left.position - right.position).map(plain);
    expect(inOrder(found), hint).toEqual(inOrder(wanted));
    expect(await store().find(sealer.log, [])).toEqual([]);
  });

  it('finds an entry in its own log only', async () => {
    const change = changeOf(random());
    const [one, other] = [await written([change]), await written([changeOf(random(), { id: randomUUID() })])];
    expect(await store().find(one.log, [change.id])).toHaveLength(1);
    expect(await store().find(other.log, [change.id])).toEqual([]);
  });

  it('gives as before the state that the log knew, where the caller sent none', async () => {
    const seeded = random();
    const access = changeOf(seeded, { action: 'access' });
    const first = changeOf(seeded, { after: { number: 1 } });
    const last = await lastOf(first, access, changeOf(seeded, { after: { number: 2 } }));
    expect(last).toMatchObject({ before: '{"number":1}', after: '{"number":2}', prior: 0, version: 3 });
  });

  it("gives the caller's own before, where it is not the state that the log knew", async () => {
    const seeded = random();
    const first = changeOf(seeded, { after: { number: 1 } });
    const gap = changeOf(seeded, { before: { number: 5 }, after: { number: 6 } });
    expect(await lastOf(first, gap)).toMatchObject({ before: '{"number":5}', continuity: 'gap', prior: 0 });
    const fromNothing = changeOf(seeded, { before: null, after: { number: 6 } });
    expect(await lastOf(first, fromNothing)).toMatchObject({ before: null, continuity: 'gap', prior: 0 });
    const unknown = changeOf(seeded, { before: { number: 5 } });
    expect(await lastOf(unknown)).toMatchObject({
      before: '{"number":5}',
      continuity: 'first',
      prior: undefined,
    });
  });

  it('gives null for a state before it exists and after it is deleted', async () => {
    const seeded = random();
    const create = changeOf(seeded, { action: 'create', after: {} });
    const remove = changeOf(seeded, { action: 'delete' });
    expect(await lastOf(create)).toMatchObject({ before: null, after: '{}' });
    expect(await lastOf(create, remove)).toMatchObject({ before: '{}', after: null });
    expect(await lastOf(create, remove, changeOf(seeded, { after: {} }))).toMatchObject({
      before: null,
      prior: 1,
    });
  });

  it('gives no states for an access', async () => {
    const seeded = random();
    const access = changeOf(seeded, { action: 'access' });
    expect(await lastOf(changeOf(seeded), access)).toMatchObject({ before: undefined, after: undefined });
    expect(await lastOf(access)).toMatchObject({ before: undefined, after: undefined, prior: undefined });
  });

  it('keeps short changes beside the entry, and leaves long ones to be computed', async () => {
    const seeded = random();
    const first = changeOf(seeded, { after: { text: 'a' } });
    const short = await lastOf(first, changeOf(seeded, { after: { text: 'b' } }));
    expect(short.changes).toBe('{"/text":["a","b"]}');
    const long = await lastOf(first, changeOf(seeded, { after: { text: 'b'.repeat(5000) } }));
    expect(long).toMatchObject({ changed: true, changes: undefined });
  });

  it('keeps instants to the microsecond, from the earliest to the latest', async () => {
    for (const occurredAt of [MIN_INSTANT, -1, 0, 1, 1_767_225_600_000_001, MAX_INSTANT]) {
      expect((await lastOf(changeOf(random(), { occurredAt }))).occurredAt).toBe(occurredAt);
    }
  });

  it('keeps large states and long texts whole', async () => {
    const seeded = random();
    const after = {
      text: 'Zürich 狐🦊 '.repeat(20_000),
      list: Array.from({ length: 5000 }, (_, index) => index),
    };
    const read = await lastOf(changeOf(seeded, { after, metadata: 'm'.repeat(100_000) }));
    expect(JSON.parse(read.after!)).toEqual(after);
    expect(read.metadata).toBe(`"${'m'.repeat(100_000)}"`);
  });

  it('gives back enough to compute the digests and the leaf hash of every entry again', async () => {
    const sealer = await written(randomChanges(random(), 60));
    const rows = await store().select(sealer.log, WHOLE, FORWARDS, ALL_PARTS);
    expect(
      rows.map((row) => hexOf(leafAgain(sealer.log, row))),
      hint,
    ).toEqual(rows.map((row) => hexOf(row.leafHash)));
  });
}

/** The leaf hash of an entry, from its texts and salts alone. */
function leafAgain(log: string, row: StoredEntry): Uint8Array {
  const { actor, context, metadata, before, after, position, recordedAt } = row;
  const sections = { subject: subjectText(row), actor, context, metadata, before, after };
  const digests: Digests = {};
  for (const name of SECTION_NAMES) {
    const [text, salt] = [sections[name], row.salts[name]];
    if (typeof text === 'string' && salt !== undefined) digests[name] = sectionDigest(sha256, salt, text);
  }
  return leafHash(sha256, leafBytes({ log, position, recordedAt, digests }));
}
