import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootHash } from '../core/merkle.ts';
import { StateText } from '../core/state-text.ts';
import { appendAll, LogSealer, Random, sha256, testSeed } from '../store/contract-batches.ts';
import { changeOf, randomChanges } from '../store/contract-changes.ts';
import { openSqliteAudit } from '../store/sqlite/audit.ts';
import { LOG_STRIDE } from '../store/sqlite/rows.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Disagreement } from './reseal.ts';
import { type Verified, verifyLog } from './verify.ts';

const LOG = '11111111-1111-4111-8111-111111111111';
const SIZE = 300;
/** The key of the entry at position 0 of the first log. */
const BASE = LOG_STRIDE;

describe('verification', () => {
  const seed = testSeed();
  const hint = `ANNALS_SEED=${seed} repeats this run`;
  const sealer = new LogSealer(LOG, new Random(seed));
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annals-verify-'));
    file = join(folder, 'annals.db');
    const store = await openSqliteStore(file);
    await appendAll(store, sealer, randomChanges(sealer.random, SIZE), 17);
    await store.close();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('finds nothing in a log that nobody has touched, and recomputes its root', async () => {
    const { size, rootHash: root, disagreement } = await verified(file);
    expect(disagreement, hint).toBeUndefined();
    expect(size).toBe(SIZE);
    expect(root).toEqual(rootHash(sha256, sealer.tip.tree));
  });

  it('finds nothing in a log that is empty', async () => {
    const audit = openSqliteAudit(file);
    const { size, disagreement } = await verifyLog(audit, '22222222-2222-4222-8222-222222222222', sha256);
    await audit.close();
    expect({ size, disagreement }).toEqual({ size: 0, disagreement: undefined });
  });

  it('says how far it has come', async () => {
    const steps: number[] = [];
    const audit = openSqliteAudit(file);
    await verifyLog(audit, LOG, sha256, (done, size) => void steps.push(done / size));
    await audit.close();
    expect(steps.length).toBeGreaterThan(2);
    expect(steps).toEqual([...steps].sort((left, right) => left - right));
    expect(steps.at(-1)).toBe(1);
  });

  it('reads one moment, whatever a server appends meanwhile', async () => {
    const copy = await copied();
    const audit = openSqliteAudit(copy);
    const before = (await audit.tip(LOG)).tree.size;
    const store = await openSqliteStore(copy);
    const other = sealer.fork();
    await appendAll(store, other, randomChanges(new Random(seed + 1), 40));
    const { size, disagreement } = await verifyLog(audit, LOG, sha256);
    await audit.close();
    await store.close();
    expect({ before, size, disagreement }, hint).toEqual({
      before: SIZE,
      size: SIZE,
      disagreement: undefined,
    });
    expect((await verified(copy)).size, hint).toBe(SIZE + 40);
  });

  it('accepts histories that begin with accesses, and go on after runs of other resources', async () => {
    const path = join(folder, 'accesses.db');
    const store = await openSqliteStore(path);
    const own = new LogSealer(LOG, new Random(seed));
    const resource = { type: 'files', id: '1', name: 'first name' };
    const access = () => changeOf(own.random, { action: 'access', resource });
    const others = () => randomChanges(own.random, 200);
    const changes = [access(), ...others(), access(), ...others()];
    changes.push(changeOf(own.random, { resource, after: { size: 1 } }), ...others(), access(), ...others());
    changes.push(changeOf(own.random, { resource, after: { size: 2 } }));
    await appendAll(store, own, changes, 50);
    await store.close();
    expect((await verified(path)).disagreement, hint).toBeUndefined();
  });

  /** The position of an entry, not among the first, of which this is so. */
  const positionOf = (wanted: (at: number) => boolean): number => {
    const position = sealer.written.findIndex((_, at) => at > 20 && wanted(at));
    expect(position, hint).toBeGreaterThan(20);
    return position;
  };
  const entryAt = (position: number) => sealer.written[position]!.entry;

  const sections = [
    ['section actor', () => 25, `UPDATE entries SET actor = '{"id":"eve","type":"user"}'`],
    [
      'section context',
      () => positionOf((at) => entryAt(at).context !== undefined),
      `UPDATE entries SET context = '{"ip":"203.0.113.9"}'`,
    ],
    [
      'section context',
      () => positionOf((at) => entryAt(at).context !== undefined),
      'UPDATE entries SET context = NULL',
    ],
    [
      'section metadata',
      () => positionOf((at) => entryAt(at).metadata === undefined),
      `UPDATE entries SET metadata = '{}'`,
    ],
    ['section subject', () => 25, `UPDATE entries SET resource_name = 'another name'`],
    ['section subject', () => 25, `UPDATE entries SET event = 'another.event'`],
    ['section subject', () => 25, 'UPDATE entries SET occurred_at = occurred_at + 1'],
    ['section subject', () => 25, 'UPDATE entries SET salts = zeroblob(length(salts))'],
    ['section subject', () => 25, 'UPDATE entries SET digests = zeroblob(length(digests))'],
    ['version', () => 25, 'UPDATE entries SET version = version + 1'],
    ['changed', () => 25, 'UPDATE entries SET changed = 1 - changed'],
    ['recordedAt', () => 150, 'UPDATE entries SET recorded_at = 0'],
    ['leaf', () => 150, 'UPDATE entries SET leaf_hash = zeroblob(32)'],
    ['leaf', () => SIZE - 1, 'UPDATE entries SET recorded_at = recorded_at + 1'],
    [
      'continuity',
      () => positionOf((at) => entryAt(at).continuity === 'continuous'),
      'UPDATE entries SET continuity = 2',
    ],
    [
      'changes',
      () => positionOf((at) => entryAt(at).changes !== undefined),
      `UPDATE entries SET changes = '{"/x":[1,2]}'`,
    ],
    ['id', () => 25, 'UPDATE entries SET log = 9'],
    ['content', () => 25, `UPDATE entries SET actor = '{'`],
    ['entry', () => 130, 'DELETE FROM entries'],
  ] as const;

  it.each(sections)('names %s of the entry where it was altered: %#', async (what, at, sql) => {
    const position = at();
    const { size, disagreement } = await tampered(`${sql} WHERE entry = ${BASE + position}`);
    expect(disagreement, hint).toMatchObject({ position, what });
    expect(size, hint).toBe(position);
  });

  it.each([
    ['after', `UPDATE states SET after = '{"forged":true}'`, 'section after'],
    ['after', `UPDATE states SET after = ' ' || after`, 'section after'],
    ['before', `UPDATE states SET before = '{"forged":true}'`, 'section before'],
  ] as const)('names the entry whose state %s was altered: %s', async (_, sql, what) => {
    const position = positionOf(
      (at) => entryAt(at).after instanceof StateText && entryAt(at).before instanceof StateText,
    );
    const { disagreement } = await tampered(`${sql} WHERE entry = ${BASE + position}`);
    expect(disagreement, hint).toMatchObject({ position, what, id: entryAt(position).id });
  });

  it('names the entry that completed a node that was altered or removed', async () => {
    for (const sql of ['UPDATE nodes SET hash = zeroblob(32)', 'DELETE FROM nodes']) {
      const { disagreement } = await tampered(`${sql} WHERE level = 3 AND node = 5`);
      expect(disagreement, sql).toMatchObject({ position: 47, what: 'node 3/5' });
    }
  });

  it('names the entry and the stream in which its number is wrong, or in which it is missing', async () => {
    const position = 150;
    const stream = `actor:${JSON.parse(entryAt(position).actor).id}`;
    const where = `WHERE stream = (SELECT stream FROM streams WHERE name = '${stream}') AND position = ${position}`;
    for (const sql of [`UPDATE filed SET number = number + 1 ${where}`, `DELETE FROM filed ${where}`]) {
      expect((await tampered(sql)).disagreement, `${sql}, ${hint}`).toMatchObject({
        position,
        what: `stream ${stream}`,
      });
    }
  });

  it('names the stream whose size is wrong', async () => {
    const { disagreement } = await tampered(`UPDATE streams SET size = size + 1 WHERE name = 'actor:ada'`);
    expect(disagreement, hint).toMatchObject({ what: 'stream actor:ada' });
  });

  it('names the entry that is filed where it does not belong', async () => {
    const last = SIZE - 1;
    const { disagreement } = await tampered(
      `INSERT INTO streams (log, name, size) VALUES (1, 'actor:nobody', 1)`,
      `INSERT INTO filed VALUES ((SELECT stream FROM streams WHERE name = 'actor:nobody'), ${last}, 1)`,
    );
    expect(disagreement, hint).toMatchObject({ position: last, what: 'stream actor:nobody' });
  });

  it('names the entry that is not found by its moment', async () => {
    const position = 150;
    for (const sql of [
      `DELETE FROM timeline WHERE position = ${position}`,
      'UPDATE spans SET latest = earliest',
    ]) {
      const { disagreement } = await tampered(sql);
      expect(disagreement, `${sql}, ${hint}`).toMatchObject({ what: 'occurredAt' });
    }
  });

  it('names the last entry of a resource whose latest state is another one', async () => {
    const { resource } = entryAt(SIZE - 1);
    const where = `WHERE type = '${resource.type}' AND id = '${resource.id}'`;
    for (const sql of [
      'UPDATE resources SET version = version + 1',
      'UPDATE resources SET state_position = 0',
      'DELETE FROM resources',
    ]) {
      const { disagreement } = await tampered(`${sql} ${where}`);
      expect(disagreement, `${sql}, ${hint}`).toMatchObject({ position: SIZE - 1, what: 'latest state' });
    }
  });

  it.each([
    ['a head that lost its last entry', 'UPDATE logs SET size = size - 1', 'entries'],
    ['a head with another moment', 'UPDATE logs SET recorded_at = recorded_at + 1', 'head'],
    ['a head beyond the last entry', 'UPDATE logs SET size = size + 1', 'entry'],
    ['a node beyond the head', 'INSERT INTO nodes VALUES (1, 40, 0, zeroblob(32))', 'nodes'],
    [
      'a resource without a history',
      `INSERT INTO resources VALUES (1, 'a', 'b', NULL, 1, 1, 1, 1)`,
      'resources',
    ],
    ['a moment of no entry', 'INSERT INTO timeline SELECT stream, 7, 7 FROM streams LIMIT 1', 'times'],
  ] as const)('finds %s', async (_, sql, what) => {
    expect((await tampered(sql)).disagreement, hint).toMatchObject({ what });
  });

  it('names the first of several', async () => {
    const { disagreement } = await tampered(
      `UPDATE entries SET actor = '{' WHERE entry = ${BASE + 47}`,
      `UPDATE nodes SET hash = zeroblob(32) WHERE level = 1 AND node = 22`,
      `DELETE FROM entries WHERE entry = ${BASE + 48}`,
    );
    expect(disagreement, hint).toMatchObject({ position: 45, what: 'node 1/22' });
  });

  async function verified(path: string): Promise<Verified> {
    const audit = openSqliteAudit(path);
    try {
      return await verifyLog(audit, LOG, sha256);
    } finally {
      await audit.close();
    }
  }

  let copies = 0;
  async function copied(): Promise<string> {
    const copy = join(folder, `copy-${copies++}.db`);
    const source = new DatabaseSync(file);
    source.exec(`VACUUM INTO '${copy}'`);
    source.close();
    const made = new DatabaseSync(copy);
    made.exec('PRAGMA journal_mode = WAL');
    made.close();
    return copy;
  }

  /** What verification finds in a copy after these statements. */
  async function tampered(
    ...statements: string[]
  ): Promise<{ size: number; disagreement: Disagreement | undefined }> {
    const copy = await copied();
    const database = new DatabaseSync(copy, { enableForeignKeyConstraints: false });
    let changed = 0;
    for (const sql of statements) changed += Number(database.prepare(sql).run().changes);
    database.close();
    expect(changed, 'rows that the test altered').toBeGreaterThan(0);
    return verified(copy);
  }
});
