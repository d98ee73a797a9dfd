// `annals copy`: an installation moves between databases and stays what it was, byte for byte.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SALT_BYTES } from '../src/core/section.ts';
import { makeRecorder } from '../src/ingest/record.ts';
import { Random, START, sha256, testSeed } from '../src/store/contract-batches.ts';
import { randomChanges } from '../src/store/contract-changes.ts';
import { plain } from '../src/store/contract-model.ts';
import { openPostgresAudit } from '../src/store/postgres/audit.ts';
import { openPostgresStore } from '../src/store/postgres/postgres-store.ts';
import { openSqliteAudit } from '../src/store/sqlite/audit.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { annals, type Outcome, startAnnals } from './command.ts';
import { ROOT_TOKEN, startServer } from './harness.ts';
import { hardChanges, realChanges } from './imports.ts';
import { copyDatabase, createDatabase, sql, type TestDatabase } from './postgres.ts';

const COUNTRIES = { id: randomUUID(), slug: 'default', name: 'Countries', createdAt: START };
const NUMBERS = { id: randomUUID(), slug: 'numbers', name: 'Größen', createdAt: START + 1 };
const EMPTY = { id: randomUUID(), slug: 'empty', name: 'Empty', createdAt: START + 2 };
/** Changes of the country history; enough that a copy can be killed in the middle. */
const COUNT = 1_500;
const NOW = Date.now() * 1000;
const seed = testSeed();
const hint = `ANNALS_SEED=${seed} repeats this run`;

let folder: string;
/** The URL of the installation that is copied, on SQLite. */
let original: string;
let copy: TestDatabase;
const databases: TestDatabase[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'annals-copy-'));
  original = `sqlite:${join(folder, 'original.db')}`;
  await fill(await opened(original));
  copy = await made();
  expect(await copied(original, copy.url)).toMatchObject({ code: 0, stderr: '' });
});
afterAll(async () => {
  for (const database of databases) await database.drop();
  rmSync(folder, { recursive: true });
});

const opened = (url: string): Promise<Store> =>
  url.startsWith('sqlite:') ? openSqliteStore(url.slice('sqlite:'.length)) : openPostgresStore(url);

/** The country history, awkward numbers, accesses and deletions, answers and secrets. */
async function fill(store: Store): Promise<void> {
  const random = new Random(seed);
  // An hour ago: answers are kept for a day.
  let now = NOW - 3_600_000_000;
  const { record } = makeRecorder(store, { now: () => now++, salt: () => random.bytes(SALT_BYTES), sha256 });
  for (const organization of [COUNTRIES, NUMBERS, EMPTY]) await store.addOrganization(organization);
  const countries = realChanges(random).slice(0, COUNT);
  for (let at = 0; at < countries.length; at += 250)
    await record(COUNTRIES.id, countries.slice(at, at + 250));
  await record(NUMBERS.id, hardChanges(random), { key: 'hard', fingerprint: 'f' });
  await record(NUMBERS.id, randomChanges(random, 600));
  const keyed = Array.from({ length: 250 }, (_, count) => {
    const resource = { type: 'keyed', id: String(count) };
    const actor = { type: 'user', id: 'ada' } as const;
    const change = { id: random.uuid(), resource, action: 'update', actor, after: { count } } as const;
    return record(NUMBERS.id, [change], { key: `key-${count}`, fingerprint: 'f' });
  });
  await Promise.all(keyed);
  await store.addSecret('signing-key', random.bytes(100));
  await store.addSecret('revoked/1', new Uint8Array(0), START + 5);
  await store.close();
}

async function made(): Promise<TestDatabase> {
  const database = await createDatabase();
  databases.push(database);
  return database;
}

function copied(from: string, to: string, ...options: string[]): Promise<Outcome> {
  return annals(['copy', '--from', from, '--to', to, ...options]);
}

/** All there is in a database. */
async function contentOf(url: string): Promise<object> {
  const audit = url.startsWith('sqlite:')
    ? openSqliteAudit(url.slice('sqlite:'.length))
    : await openPostgresAudit(url);
  const logs: object[] = [];
  for (const log of (await audit.logs()).sort()) {
    const range = { by: 'position', order: 'asc', limit: 1e6 } as const;
    const entries = await audit.select(log, { streams: [] }, range, { states: true, seals: true });
    const tip = await audit.tip(log);
    logs.push({
      tip: {
        ...tip,
        tree: { ...tip.tree, edge: tip.tree.edge.map((hash) => Buffer.from(hash).toString('hex')) },
      },
      entries: entries.map(plain),
      answers: await audit.answers(log, undefined, 1e6),
      kept: { ...(await audit.kept(log)), filings: 0 },
    });
  }
  const secrets = (await audit.secrets()).map((one) => ({
    ...one,
    value: Buffer.from(one.value).toString('hex'),
  }));
  const organizations = await audit.organizations();
  await audit.close();
  return { organizations, secrets, logs };
}

/** What `annals export` writes of every organization, from a server on the database. */
async function exportOf(url: string): Promise<string> {
  const server = await startServer(url);
  let text = '';
  for (const { slug } of [COUNTRIES, NUMBERS]) {
    const env = { ANNALS_URL: server.url, ANNALS_TOKEN: ROOT_TOKEN, ANNALS_ORGANIZATION: slug };
    text += (await annals(['export'], { env })).stdout;
  }
  await server.stop();
  return text;
}

describe('a copy', () => {
  it('from SQLite to PostgreSQL, and from there back, has every byte of the original', async () => {
    const back = `sqlite:${join(folder, 'back.db')}`;
    const outcome = await copied(copy.url, back, '--json');
    const wanted = await contentOf(original);
    const roots = (await annals(['verify', '--json', '--database-url', original])).json<
      { rootHash: string }[]
    >();
    expect(outcome.json()).toMatchObject([
      { organization: COUNTRIES.id, slug: 'default', copied: COUNT },
      { slug: 'numbers', size: 1250, copied: 1250 },
      { slug: 'empty', size: 0, copied: 0 },
    ]);
    expect(outcome.json<{ rootHash: string }[]>().map(({ rootHash }) => rootHash)).toEqual(
      roots.map(({ rootHash }) => rootHash),
    );
    expect(await contentOf(copy.url), hint).toEqual(wanted);
    expect(await contentOf(back), hint).toEqual(wanted);
    for (const url of [copy.url, back]) {
      expect(await annals(['verify', '--database-url', url])).toMatchObject({ code: 0 });
    }
    const exported = await exportOf(original);
    expect(exported.length).toBeGreaterThan(1_000_000);
    for (const url of [copy.url, back]) expect((await exportOf(url)) === exported, hint).toBe(true);
  });

  it('goes from file to file, and from PostgreSQL to PostgreSQL', async () => {
    const file = `sqlite:${join(folder, 'new', 'file.db')}`;
    const other = await made();
    expect(await copied(original, file)).toMatchObject({ code: 0 });
    expect(await copied(copy.url, other.url)).toMatchObject({ code: 0 });
    const wanted = await contentOf(original);
    expect(await contentOf(file), hint).toEqual(wanted);
    expect(await contentOf(other.url), hint).toEqual(wanted);
  });

  it('answers a repeated request as the original would, and goes on where that ended', async () => {
    const moved = await copyDatabase(copy.url);
    databases.push(moved);
    const store = await opened(moved.url);
    const { record } = makeRecorder(store, {
      now: () => NOW,
      salt: () => new Uint8Array(SALT_BYTES),
      sha256,
    });
    const [again] = await record(NUMBERS.id, [changeNow()], { key: 'key-7', fingerprint: 'f' });
    expect(again).toMatchObject({ position: 1007, version: 1 });
    expect(await record(NUMBERS.id, [changeNow()])).toMatchObject([{ position: 1250 }]);
    await store.close();
    expect(await annals(['verify', '--database-url', moved.url])).toMatchObject({ code: 0 });
  });

  it('that is repeated adds what is new, and nothing else', async () => {
    const [from, to] = [`sqlite:${join(folder, 'growing.db')}`, (await made()).url];
    await copied(copy.url, from);
    expect(await copied(from, to)).toMatchObject({ code: 0 });
    expect((await copied(from, to, '--json')).json()).toMatchObject([
      { copied: 0 },
      { copied: 0 },
      { copied: 0 },
    ]);
    const server = await startServer(from);
    const changes = [1, 2, 3].map((text) => ({
      resource: { type: 'notes', id: '1' },
      action: 'update',
      after: { text },
    }));
    await server.request('POST', '/v1/changes', changes);
    await server.request('POST', '/v1/changes', changes[0], {
      'annals-organization': 'empty',
      'idempotency-key': 'k',
    });
    // While the server runs.
    const outcome = await copied(from, to);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(
      /✓ default: [\d,]+ entries \([\d,]+ there already\) copied and verified, root hash /,
    );
    expect(outcome.stdout).toContain('✓ empty: 1 entry copied and verified');
    await server.stop();
    expect(await contentOf(to), hint).toEqual(await contentOf(from));
  });

  it.each(['postgres', 'sqlite'])(
    'to %s that is killed in the middle goes on where it stopped',
    async (kind) => {
      const file = join(folder, 'killed.db');
      const to = kind === 'postgres' ? (await made()).url : `sqlite:${file}`;
      const sizeNow = kind === 'postgres' ? () => sizeInPostgres(to) : () => sizeInFile(file);
      const child = startAnnals(['copy', '--from', original, '--to', to]);
      const ended = once(child, 'exit');
      let size = 0;
      while (child.exitCode === null && size < 400) size = await sizeNow();
      child.kill('SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);
      // What it had sent, PostgreSQL goes on with until it notices that nobody listens.
      if (kind === 'postgres') await isAlone(to);
      const reached = await sizeNow();
      const [first] = (await copied(original, to, '--json')).json<{ size: number; copied: number }[]>();
      expect(first?.size).toBeGreaterThan(reached);
      expect(first?.copied).toBe((first?.size ?? 0) - reached);
      expect(await contentOf(to), hint).toEqual(await contentOf(original));
    },
  );
});

describe('a copy is refused', () => {
  it('where the target has other content, and nothing is written', async () => {
    const { url } = await made();
    const server = await startServer(url);
    await server.request('PUT', '/v1/resources/notes/1', { text: 'ours' });
    await server.stop();
    const before = await contentOf(url);
    expect(await copied(original, url)).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(
        /^annals copy: the target has an organization "default" \([\da-f-]+\), which is not in the source/,
      ),
    });
    expect(await contentOf(url)).toEqual(before);
  });

  it('where something was recorded in the target since an earlier copy', async () => {
    const moved = await copyDatabase(copy.url);
    databases.push(moved);
    const server = await startServer(moved.url);
    await server.request(
      'PUT',
      '/v1/resources/notes/1',
      { text: 'new' },
      { 'annals-organization': 'numbers' },
    );
    await server.stop();
    expect(await copied(original, moved.url)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining(`1251 entries in the log ${NUMBERS.id}, where the source has 1250`),
    });
  });

  it('where the target has as many entries, and others', async () => {
    const [one, other] = [await copyDatabase(copy.url), await copyDatabase(copy.url)];
    databases.push(one, other);
    for (const { url } of [one, other]) {
      const server = await startServer(url);
      await server.request('PUT', '/v1/resources/notes/1', { url }, { 'annals-organization': 'empty' });
      await server.stop();
    }
    expect(await copied(one.url, other.url)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining(`other entries in the log ${EMPTY.id}`),
    });
  });

  it('where the target keeps a secret of its own under the same name', async () => {
    const { url } = await made();
    const store = await opened(url);
    await store.addSecret('signing-key', new Uint8Array(3));
    await store.close();
    const outcome = await copied(original, url);
    expect(outcome).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('a secret "signing-key" of its own'),
    });
  });

  it('where an entry of the source is not as it was sealed: it is named', async () => {
    const damaged = join(folder, 'damaged.db');
    await annals(['backup', damaged, '--database-url', original]);
    const db = new DatabaseSync(damaged);
    const { id } = db
      .prepare('SELECT hex(id) AS id FROM entries WHERE entry % 8589934592 = 700 ORDER BY entry')
      .get() as { id: string };
    db.exec(`UPDATE states SET after = '{"name":"Forged"}' WHERE entry % 8589934592 = 700`);
    db.close();
    const { code, stdout, stderr } = await copied(`sqlite:${damaged}`, (await made()).url);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${damaged}: default: position 700, change `);
    expect(stderr.replaceAll('-', '')).toContain(id.toLowerCase());
    expect(stderr).toContain('section after: its digest is not that of its content and salt');
  });

  it.each([
    ['is missing', 'DELETE FROM annals.entries WHERE position = 700', 'position 701, change'],
    [
      'is missing at the end',
      'DELETE FROM annals.entries WHERE position = 1249',
      'position 1249: entry: it is missing',
    ],
    [
      'has another actor',
      `UPDATE annals.entries SET actor = '{"id":"eve","type":"user"}' WHERE position = 700`,
      'position 700, change',
    ],
    [
      'is not what the head says',
      'UPDATE annals.nodes SET hash = sha256(hash) WHERE level = 10',
      'the log as a whole: head: the source says 1250',
    ],
  ])('where an entry on PostgreSQL %s', async (_, damage, message) => {
    const damaged = await copyDatabase(copy.url);
    databases.push(damaged);
    await sql(damaged.url, `${damage.replace('WHERE', `WHERE log = '${NUMBERS.id}' AND`)}`);
    const outcome = await copied(damaged.url, `sqlite:${join(folder, `${randomUUID()}.db`)}`);
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining(`numbers: ${message}`) });
  });

  it.each([
    [
      2,
      'memory:',
      'sqlite:x.db',
      'this command opens sqlite:<file> or postgres://…, got memory:, which is gone',
    ],
    [
      2,
      'ORIGINAL',
      'memory:',
      'this command opens sqlite:<file> or postgres://…, got memory:, which is gone',
    ],
    [2, 'ORIGINAL', 'ORIGINAL', '--from and --to are one database'],
    [2, 'ORIGINAL', 'somewhere', 'got no such URL'],
    [3, 'ORIGINAL', 'postgres://ada:s3cret@127.0.0.1:1/x', 'postgres://127.0.0.1:1/x: nothing listens there'],
    [
      3,
      'postgres://ada:s3cret@127.0.0.1:1/x?password=s3cret',
      'sqlite:x.db',
      'postgres://127.0.0.1:1/x: nothing listens there',
    ],
    [5, 'sqlite:/no/such/file', 'memory:', 'there is no database at /no/such/file'],
    [5, 'NOWHERE', 'sqlite:x.db', 'annals_nowhere: database "annals_nowhere" does not exist'],
  ])('with the exit code %i from %s to %s', async (code, from, to, message) => {
    const urlOf = (name: string): string =>
      name === 'NOWHERE' ? copy.url.replace(/[^/]+$/, 'annals_nowhere') : name.replace('ORIGINAL', original);
    const outcome = await copied(urlOf(from), urlOf(to));
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(outcome.stderr).not.toContain('s3cret');
  });
});

function changeNow(): ReturnType<typeof randomChanges>[number] {
  const [change] = randomChanges(new Random(seed + 1), 1);
  return { ...change!, id: randomUUID() };
}

/** Resolves when nobody else is connected to the database. */
async function isAlone(url: string): Promise<void> {
  for (;;) {
    const others = await sql(
      url,
      `SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    if (others.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function sizeInPostgres(url: string): Promise<number> {
  const [there] = await sql<{ is_there: boolean }>(
    url,
    `SELECT to_regclass('annals.logs') IS NOT NULL AS is_there`,
  );
  if (there?.is_there !== true) return 0;
  const [row] = await sql<{ size: string }>(url, 'SELECT coalesce(max(size), 0) AS size FROM annals.logs');
  return Number(row?.size);
}

async function sizeInFile(file: string): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (!existsSync(file)) return 0;
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(db.prepare('SELECT coalesce(max(size), 0) AS size FROM logs').get()?.size);
  } catch {
    // It is being made.
    return 0;
  } finally {
    db.close();
  }
}
