import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random, testSeed } from '../store/contract-batches.ts';
import { changesBetween } from './diff.ts';
import type { Change, State } from './entry.ts';
import { type Instant, parseInstant } from './instant.ts';
import type { Json, JsonObject } from './json.ts';
import { EMPTY_TREE, rootHash } from './merkle.ts';
import { draftOf, KEPT_CHANGES_LENGTH, type Latest, receiptOf, type Sealed, seal, type Tip } from './seal.ts';
import { SECTION_NAMES, type SectionName, toBase64 } from './section.ts';
import { readState } from './state-reader.ts';
import { StateText } from './state-text.ts';

const seed = testSeed();
const hint = `ANNALS_SEED=${seed} repeats this run`;
const LOG = '0b4e1f7c-2f0d-4c53-9a3e-6d1f6a1c2b3d';
const NOW = 1_767_225_600_000_000;
const RESOURCE = { type: 'countries', id: 'CHE' };

const sha256 = (data: Uint8Array): Uint8Array => Uint8Array.from(createHash('sha256').update(data).digest());

/** A log of its own: seals one change after the other, and hands out numbered salts. */
class Sealer {
  tip: Tip;
  readonly latest = new Map<string, Latest>();
  #salts = 0;

  constructor(log = LOG) {
    this.tip = { log, tree: EMPTY_TREE, recordedAt: Number.NEGATIVE_INFINITY };
  }

  seal(change: Change, now: Instant = NOW): Sealed {
    const key = JSON.stringify([change.resource.type, change.resource.id]);
    const sealed = seal(this.tip, this.latest.get(key), draftOf(change), now, () => this.#salt(), sha256);
    this.tip = sealed.tip;
    this.latest.set(key, sealed.latest);
    return sealed;
  }

  #salt(): Uint8Array {
    const first = 16 * this.#salts++;
    return Uint8Array.from({ length: 16 }, (_, index) => (first + index) % 256);
  }
}

function changeOf(given: Partial<Change> = {}): Change {
  return {
    id: '018f0000-0000-7000-8000-000000000001',
    resource: RESOURCE,
    action: 'update',
    actor: { type: 'user', id: 'ada' },
    ...given,
  };
}

const update = (after: State, given: Partial<Change> = {}): Change => changeOf({ after, ...given });
const ACCESS = changeOf({ action: 'access' });
const DELETE = changeOf({ action: 'delete' });

/** Seals the changes in a log of their own; the last of them, sealed. */
function lastOf(...changes: Change[]): Sealed {
  const sealer = new Sealer();
  return changes.map((change) => sealer.seal(change)).at(-1)!;
}

describe('the golden vectors of hashing', () => {
  interface Vectors {
    log: string;
    entries: {
      name: string;
      recordedAt: string;
      change: Omit<Change, 'occurredAt'> & { occurredAt?: string };
      version: number;
      continuity: string;
      sections: Partial<Record<SectionName, { text: string; salt: string; digest: string }>>;
      leafHash: string;
      rootHash: string;
    }[];
  }
  const vectors: Vectors = JSON.parse(
    readFileSync(new URL('../../testdata/hashing.json', import.meta.url), 'utf8'),
  );
  const sealer = new Sealer(vectors.log);
  const sealed = vectors.entries.map(({ recordedAt, change: { occurredAt, ...change } }) => {
    const instant = occurredAt === undefined ? {} : { occurredAt: parseInstant(occurredAt)! };
    return sealer.seal({ ...change, ...instant }, parseInstant(recordedAt)!);
  });

  it.each(vectors.entries.map((golden, index) => ({ ...golden, ...sealed[index]! })))(
    'seals $name',
    (both) => {
      const { entry, tip, sections, version, continuity } = both;
      expect(entry).toMatchObject({ version, continuity });
      expect(Object.keys(entry.digests)).toEqual(
        SECTION_NAMES.filter((name) => sections[name] !== undefined),
      );
      for (const name of SECTION_NAMES) {
        const [salt, digest] = [entry.salts[name], entry.digests[name]];
        expect(salt && Buffer.from(salt).toString('hex'), name).toBe(sections[name]?.salt);
        expect(digest && toBase64(digest), name).toBe(sections[name]?.digest);
      }
      for (const name of ['actor', 'context', 'metadata'] as const)
        expect(entry[name]).toBe(sections[name]?.text);
      expect(toBase64(entry.leafHash)).toBe(both.leafHash);
      expect(toBase64(rootHash(sha256, tip.tree))).toBe(both.rootHash);
    },
  );
});

describe('continuity', () => {
  it('is first where the log knew no state, whatever the caller says of before', () => {
    for (const before of [undefined, null, {}, { a: 1 }]) {
      const change = update({ a: 2 }, before === undefined ? {} : { before });
      expect(lastOf(change).entry.continuity).toBe('first');
      expect(lastOf(ACCESS, change).entry.continuity).toBe('first');
    }
  });

  it('is continuous where the caller sends no before, or the one that the log knew', () => {
    expect(lastOf(update({ a: 1 }), update({ a: 2 })).entry.continuity).toBe('continuous');
    const sameBefore = update({ a: 3 }, { before: { b: [2], a: 1 } });
    expect(lastOf(update({ a: 1, b: [2] }), sameBefore).entry.continuity).toBe('continuous');
    expect(lastOf(update({ a: 1 }), DELETE, update({ a: 2 }, { before: null })).entry.continuity).toBe(
      'continuous',
    );
    expect(lastOf(update({ a: 1 }), ACCESS, update({ a: 2 })).entry.continuity).toBe('continuous');
  });

  it('is gap where the before of the caller is not the state that the log knew', () => {
    expect(lastOf(update({ a: 1 }), update({ a: 3 }, { before: { a: 2 } })).entry.continuity).toBe('gap');
    expect(lastOf(update({ a: 1 }), update({ a: 3 }, { before: null })).entry.continuity).toBe('gap');
    expect(lastOf(update({ a: 1 }), DELETE, update({ a: 2 }, { before: {} })).entry.continuity).toBe('gap');
    expect(lastOf(update({ a: 1 }), { ...DELETE, before: { a: 2 } }).entry.continuity).toBe('gap');
  });

  it('is first or continuous for an access', () => {
    expect(lastOf(ACCESS).entry.continuity).toBe('first');
    expect(lastOf(ACCESS, ACCESS).entry.continuity).toBe('first');
    expect(lastOf(update({ a: 1 }), ACCESS).entry.continuity).toBe('continuous');
  });
});

describe('states', () => {
  it('keeps a before of its own only where the prior entry did not leave it', () => {
    expect(lastOf(update({ a: 1 })).entry).toMatchObject({
      before: undefined,
      after: StateText.ofText('{"a":1}'),
      prior: undefined,
    });
    expect(lastOf(update({ a: 1 }), update({ a: 2 }, { before: { a: 1 } })).entry.before).toBeUndefined();
    expect(lastOf(update({ a: 1 }), update({ a: 2 }, { before: { z: 1, a: 0 } })).entry).toMatchObject({
      before: StateText.ofText('{"a":0,"z":1}'),
      prior: 0,
    });
    expect(lastOf(update({ a: 1 }), update({ a: 2 }, { before: null })).entry.before).toBeNull();
  });

  it('names as prior the entry that left the latest state, not an access', () => {
    const sealer = new Sealer();
    const priors = [ACCESS, update({ a: 1 }), ACCESS, DELETE, ACCESS, update({ a: 2 })].map(
      (change) => sealer.seal(change).entry.prior,
    );
    expect(priors).toEqual([undefined, undefined, 1, 1, 3, 3]);
  });

  it('has a null after where the resource is deleted, and none at all on access', () => {
    expect(lastOf(update({ a: 1 }), DELETE).entry).toMatchObject({ after: null, before: undefined });
    expect(lastOf(update({ a: 1 }), ACCESS).entry).toMatchObject({ after: undefined, before: undefined });
  });

  it('gives digests to the sections that the record has, and to no others', () => {
    const sectionsOf = (sealed: Sealed): string[] => Object.keys(sealed.entry.digests);
    expect(sectionsOf(lastOf(ACCESS))).toEqual(['subject', 'actor']);
    expect(sectionsOf(lastOf(update({ a: 1 })))).toEqual(['subject', 'actor', 'after']);
    expect(sectionsOf(lastOf(update({ a: 1 }), DELETE))).toEqual(['subject', 'actor', 'before']);
    const whole = update({ a: 2 }, { context: {}, metadata: null });
    expect(sectionsOf(lastOf(update({ a: 1 }), whole))).toEqual([...SECTION_NAMES]);
  });
});

describe('versions and latest states', () => {
  it('numbers the entries of each resource from 1, accesses included, and positions from 0', () => {
    const sealer = new Sealer();
    const other = { resource: { type: 'orders', id: 'CHE' } };
    const changes = [
      update({}),
      changeOf({ ...ACCESS, ...other }),
      ACCESS,
      DELETE,
      update({}, other),
      update({}),
    ];
    const entries = changes.map((change) => sealer.seal(change).entry);
    expect(entries.map(({ version }) => version)).toEqual([1, 1, 2, 3, 2, 4]);
    expect(entries.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(sealer.tip.tree.size).toBe(6);
  });

  it('leaves the latest state alone on access, but for the version number', () => {
    const named = { ...RESOURCE, name: 'Schweiz' };
    const before = lastOf(update({ a: 1 }, { resource: named })).latest;
    const after = lastOf(update({ a: 1 }, { resource: named }), ACCESS).latest;
    expect(after).toEqual({ ...before, version: 2 });
    expect(lastOf(ACCESS).latest).toEqual({
      resource: RESOURCE,
      version: 1,
      stateVersion: undefined,
      statePosition: undefined,
      state: null,
    });
  });

  it('leaves as latest the state after, and null after a deletion', () => {
    const left = { resource: RESOURCE, version: 2, stateVersion: 2, statePosition: 1 };
    expect(lastOf(ACCESS, update({ b: 1, a: 2 })).latest).toEqual({
      ...left,
      state: StateText.of({ b: 1, a: 2 }),
    });
    expect(lastOf(update({ a: 1 }), DELETE).latest).toEqual({ ...left, state: null });
  });
});

describe('instants', () => {
  it('never lets recordedAt run backwards', () => {
    const sealer = new Sealer();
    const moments = [NOW, NOW - 5_000_000, NOW, NOW + 1, NOW - 1];
    const recorded = moments.map((now) => sealer.seal(ACCESS, now).entry.recordedAt);
    expect(recorded).toEqual([NOW, NOW, NOW, NOW + 1, NOW + 1]);
    expect(sealer.tip.recordedAt).toBe(NOW + 1);
  });

  it('takes recordedAt for occurredAt where the caller gives none, and the word of the caller else', () => {
    const sealer = new Sealer();
    sealer.seal(ACCESS, NOW);
    expect(sealer.seal(ACCESS, NOW - 10).entry).toMatchObject({ occurredAt: NOW, recordedAt: NOW });
    expect(sealer.seal({ ...ACCESS, occurredAt: NOW - 10 }, NOW + 1).entry.occurredAt).toBe(NOW - 10);
    expect(sealer.seal({ ...ACCESS, occurredAt: NOW + 9 }, NOW + 1).entry.occurredAt).toBe(NOW + 9);
    expect(sealer.seal({ ...ACCESS, occurredAt: 0 }, NOW + 1).entry.occurredAt).toBe(0);
  });
});

describe('differences', () => {
  it('are kept as those of the whole states', () => {
    const random = new Random(seed);
    const values: Json[] = [
      null,
      1,
      'é"',
      [],
      [1, { a: 1 }],
      [{ a: 1 }, 1],
      {},
      { a: [1] },
      { a: [1, 2], 'b/~': 0 },
    ];
    const keys = ['a', 'b/~', '__proto__', 'c"', '10'];
    const state = (): JsonObject =>
      Object.fromEntries(keys.filter(() => random.chance(0.7)).map((key) => [key, random.pick(values)]));
    for (let round = 0; round < 300; round++) {
      const [before, after] = [state(), state()];
      const { entry } = lastOf(update(before), update(after));
      const wanted = changesBetween(before, after);
      expect(entry.changed, hint).toBe(Object.keys(wanted).length > 0);
      if (!entry.changed || entry.changes === undefined) continue;
      expect(JSON.parse(entry.changes), hint).toEqual(wanted);
      expect(Object.keys(JSON.parse(entry.changes)), hint).toEqual(Object.keys(wanted));
    }
  });

  it('are kept the same where a state was read by what differs inside of its members', () => {
    const random = new Random(seed);
    const leaves: Json[] = [null, 1, 'é"', [1, { a: 1 }], { a: [1] }, 'x'.repeat(60)];
    const keys = ['a', 'b/~', '__proto__', 'c"', '10'];
    const inner = (): JsonObject => ({
      ...Object.fromEntries(keys.filter(() => random.chance(0.7)).map((key) => [key, random.pick(leaves)])),
      long: 'x'.repeat(200),
    });
    let isKept = 0;
    for (let round = 0; round < 300; round++) {
      const [before, after] = [
        { in: inner(), 'b/~': inner() },
        { in: inner(), 'b/~': inner() },
      ];
      const sealer = new Sealer();
      const known = sealer.seal(update(before)).latest;
      const text = Buffer.from(JSON.stringify(after));
      const parse = (bytes: Uint8Array, from: number, to: number): Json =>
        JSON.parse(Buffer.from(bytes.subarray(from, to)).toString()) as Json;
      const draft = {
        ...draftOf(update(after)),
        after: readState(text, 0, text.length, known.state, parse) ?? null,
      };
      const { entry } = seal(sealer.tip, known, draft, NOW, () => new Uint8Array(16), sha256);
      if (entry.changes === undefined) continue;
      isKept += 1;
      const wanted = changesBetween(before, after);
      expect(JSON.parse(entry.changes), hint).toEqual(wanted);
      expect(Object.keys(JSON.parse(entry.changes)), hint).toEqual(Object.keys(wanted));
    }
    expect(isKept).toBeGreaterThan(100);
  });

  it('marks an entry as changed where before and after have different canonical texts', () => {
    expect(lastOf(update({})).entry.changed).toBe(true);
    expect(lastOf(update({ a: 1, b: 2 }), update({ b: 2, a: 1 })).entry.changed).toBe(false);
    expect(lastOf(update({ a: 0 }), update({ a: -0 })).entry.changed).toBe(false);
    expect(lastOf(update({ a: null }), update({})).entry.changed).toBe(true);
    expect(lastOf(update({}), DELETE).entry.changed).toBe(true);
    expect(lastOf(DELETE).entry.changed).toBe(false);
    expect(lastOf(update({}), ACCESS).entry.changed).toBe(false);
  });

  it('compares with the before of the caller, where there is one', () => {
    expect(lastOf(update({ a: 1 }), update({ a: 1 }, { before: { a: 0 } })).entry.changed).toBe(true);
    expect(lastOf(update({ a: 1 }), update({ a: 2 }, { before: { a: 2 } })).entry.changed).toBe(false);
  });

  it('keeps short changes as JSON, and none where nothing differs', () => {
    expect(lastOf(update({ a: 1 }), update({ a: 2 })).entry.changes).toBe('{"/a":[1,2]}');
    expect(lastOf(update({ a: 1 }), update({ a: 1 })).entry.changes).toBeUndefined();
    expect(lastOf(update({ a: 1 }), ACCESS).entry.changes).toBeUndefined();
  });

  it('keeps no changes of a creation or a deletion, which repeat a whole state', () => {
    expect(lastOf(update({ a: 1 })).entry).toMatchObject({ changed: true, changes: undefined });
    expect(lastOf(update({ a: 1 }), DELETE).entry).toMatchObject({ changed: true, changes: undefined });
  });

  it('keeps changes up to a length, and leaves longer ones to be computed', () => {
    const frame = '{"/a":["",""]}'.length;
    const textOf = (length: number): string => 'x'.repeat(length - frame);
    const kept = lastOf(update({ a: '' }), update({ a: textOf(KEPT_CHANGES_LENGTH) }));
    expect(kept.entry.changes).toHaveLength(KEPT_CHANGES_LENGTH);
    const tooLong = lastOf(update({ a: '' }), update({ a: textOf(KEPT_CHANGES_LENGTH + 1) }));
    expect(tooLong.entry).toMatchObject({ changed: true, changes: undefined });
  });
});

describe('what is sealed', () => {
  it('is filed under the streams of the record and of the attributes that it changed', () => {
    const change = update({ a: 1, b: 2, c: 3 }, { event: 'e', context: { ip: '192.0.2.7' } });
    const { streams } = lastOf(update({ a: 1, b: 1 }), change).entry;
    expect(streams[0]).toBe('resource:countries/CHE');
    expect(streams).toEqual(expect.arrayContaining(['event:e', 'ip:192.0.2.7', 'changed:b', 'changed:c']));
    expect(streams).not.toContain('changed:a');
  });

  it('is the same, byte for byte, for the same tip, change, moment and salts', () => {
    const changes = [update({ b: 1, a: 2 }), ACCESS, update({ a: 3 }, { metadata: { z: 1, a: [] } }), DELETE];
    expect(lastOf(...changes)).toEqual(lastOf(...changes));
    const reordered = [
      update({ a: 2, b: 1 }),
      ACCESS,
      update({ a: 3 }, { metadata: { a: [], z: 1 } }),
      DELETE,
    ];
    expect(toBase64(lastOf(...reordered).entry.leafHash)).toBe(toBase64(lastOf(...changes).entry.leafHash));
  });

  it('leaves tip, latest state and change as they were', () => {
    const sealer = new Sealer();
    sealer.seal(update({ a: 1 }));
    const [tip, latest] = [sealer.tip, sealer.latest.values().next().value!];
    const change = update({ a: 2 }, { related: [{ type: 'orders', id: '1' }], before: { a: 1 } });
    const copies = structuredClone({ tip, latest, change });
    seal(tip, latest, draftOf(change), NOW, () => new Uint8Array(16), sha256);
    expect({ tip, latest, change }).toEqual(copies);
  });

  it('gives as receipt what the caller needs to know of an entry, and nothing else', () => {
    const { entry } = lastOf(update({ a: 1 }));
    expect(receiptOf(entry)).toEqual({
      id: entry.id,
      position: 0,
      version: 1,
      recordedAt: NOW,
      continuity: 'first',
      changed: true,
      leafHash: entry.leafHash,
    });
  });
});
