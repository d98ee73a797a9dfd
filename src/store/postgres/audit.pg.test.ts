import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyDatabase, createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { rootHash } from '../../core/merkle.ts';
import { type Verified, verifyLog } from '../../query/verify.ts';
import { appendAll, LogSealer, Random, sha256, testSeed } from '../contract-batches.ts';
import { changeOf, randomChanges } from '../contract-changes.ts';
import { openPostgresAudit } from './audit.ts';
import { openPostgresStore } from './postgres-store.ts';

const LOG = '11111111-1111-4111-8111-111111111111';
const SIZE = 300;

describe('verification on PostgreSQL', () => {
  const seed = testSeed();
  const hint = `ANNALS_SEED=${seed} repeats this run`;
  const sealer = new LogSealer(LOG, new Random(seed));
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
    const store = await openPostgresStore(database.url);
    await appendAll(store, sealer, randomChanges(sealer.random, SIZE), 17);
    await store.close();
  });
  afterAll(() => database?.drop());

  it('finds nothing in a log that nobody has touched, and recomputes its root', async () => {
    const { size, rootHash: root, disagreement } = await verified(database.url);
    expect(disagreement, hint).toBeUndefined();
    expect(size).toBe(SIZE);
    expect(root).toEqual(rootHash(sha256, sealer.tip.tree));
  });

  it('reads one moment, whatever a server appends meanwhile', async () => {
    const copy = await copyDatabase(database.url);
    const audit = await openPostgresAudit(copy.url);
    expect(await audit.logs()).toEqual([LOG]);
    const store = await openPostgresStore(copy.url);
    const other = sealer.fork();
    await appendAll(store, other, [changeOf(other.random), changeOf(other.random)]);
    const { size, disagreement } = await verifyLog(audit, LOG, sha256);
    await audit.close();
    await store.close();
    expect({ size, disagreement }, hint).toEqual({ size: SIZE, disagreement: undefined });
    expect((await verified(copy.url)).size).toBe(SIZE + 2);
    await copy.drop();
  });

  const tampering = [
    ['section actor', `UPDATE annals.entries SET actor = '{"id":"eve","type":"user"}' WHERE position = 25`],
    [
      'section after',
      `UPDATE annals.entries SET after = '{"a":1}' WHERE after <> 'null' AND action <> 'access'`,
    ],
    [
      'section subject',
      `UPDATE annals.entries SET occurred_at = occurred_at + interval '1 us' WHERE position = 25`,
    ],
    ['position', 'DELETE FROM annals.entries WHERE position = 25'],
    ['node 1/5', 'UPDATE annals.nodes SET hash = sha256(hash) WHERE level = 1 AND node = 5'],
    ['stream', `DELETE FROM annals.filed WHERE position = 25`],
    ['stream', `UPDATE annals.streams SET size = size + 1 WHERE name = 'action:update'`],
    ['stream', 'UPDATE annals.marks SET number = number + 6400 WHERE number = 64'],
    [
      'streams',
      'INSERT INTO annals.filed SELECT log, 1000000, year, position FROM annals.entries WHERE position = 25',
    ],
    ['occurredAt', `UPDATE annals.spans SET earliest = latest`],
    ['latest state', 'UPDATE annals.resources SET version = version + 1'],
    [
      'resources',
      `INSERT INTO annals.resources (log, type, id, version, is_there) VALUES ('${LOG}', 'x', 'y', 1, false)`,
    ],
    ['nodes', `INSERT INTO annals.nodes VALUES ('${LOG}', 9, 9, sha256('x'))`],
    ['head', `UPDATE annals.logs SET recorded_at = recorded_at + interval '1 us'`],
  ] as const;

  it.each(tampering)('finds what is wrong with: %s, after %s', async (what, statement) => {
    const copy = await copyDatabase(database.url);
    await sql(copy.url, statement);
    const { disagreement } = await verified(copy.url);
    await copy.drop();
    expect(disagreement?.what, hint).toMatch(new RegExp(`^${what}`));
  });

  async function verified(url: string): Promise<Verified> {
    const audit = await openPostgresAudit(url);
    try {
      return await verifyLog(audit, LOG, sha256);
    } finally {
      await audit.close();
    }
  }
});
