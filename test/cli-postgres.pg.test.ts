// Commands that open the database themselves, on PostgreSQL.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { annals, noted, type Outcome } from './command.ts';
import { startServer, type TestServer } from './harness.ts';
import { copyDatabase, createDatabase, sql, type TestDatabase } from './postgres.ts';

let database: TestDatabase;
let server: TestServer;
const others: TestDatabase[] = [];
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database.url);
  await server.request('POST', '/v1/changes', [noted(1), noted(2)]);
});
afterAll(async () => {
  await server?.stop();
  for (const other of [...others, database]) await other?.drop();
});

/** The URL with a password, which trust authentication does not look at. */
const withSecret = (url: string): string => url.replace('postgres@', 'postgres:s3cret@');

async function on(url: string, ...args: string[]): Promise<Outcome> {
  const outcome = await annals(args, { env: { ANNALS_DATABASE_URL: withSecret(url) } });
  expect(outcome.stdout + outcome.stderr).not.toContain('s3cret');
  return outcome;
}

async function made(): Promise<TestDatabase> {
  const other = await createDatabase();
  others.push(other);
  return other;
}

const shown = (url: string): string => `postgres://${new URL(url).host}${new URL(url).pathname}`;

describe('on PostgreSQL', () => {
  it('a log is verified while a server runs, and what was altered is named', async () => {
    const { rootHash } = (await server.request('GET', '/v1/head')).json as { rootHash: string };
    const { code, stdout } = await on(database.url, 'verify');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `✓ default: 2 entries verified, root hash ${rootHash}\n`,
    });
    expect(await on(database.url, 'verify', '--organization', 'nobody')).toMatchObject({ code: 5 });
    await server.stop();
    const altered = await copyDatabase(database.url);
    others.push(altered);
    server = await startServer(database.url);
    await sql(altered.url, `UPDATE annals.entries SET after = '{"text":"forged"}' WHERE position = 1`);
    const found = await on(altered.url, 'verify');
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(
      /✗ default: position 1, change [\da-f-]{36}: section after: its digest is not/,
    );
  });

  it('the schema is told, migrated, and told again', async () => {
    const { url } = await made();
    const before = (await on(url, 'database', 'status', '--json')).json<{ pending: string[] }>();
    expect(before).toMatchObject({ database: shown(url), applied: [], unknown: [] });
    expect(before.pending[0]).toBe('0001-log');
    expect(await on(url, 'verify')).toMatchObject({
      code: 1,
      stderr: `annals verify: ${shown(url)} is no database of Annals\n`,
    });
    const migrated = await on(url, 'database', 'migrate');
    expect(migrated).toMatchObject({ code: 0, stderr: '' });
    expect(migrated.stdout).toMatch(/^postgres:\/\/.*\n\nmigration +status +when\n0001-log +applied +20/);
    const after = (await on(url, 'database', 'migrate', '--json')).json<{ applied: { name: string }[] }>();
    expect(after).toMatchObject({ pending: [], unknown: [] });
    expect(after.applied.map(({ name }) => name)).toEqual(before.pending);
  });

  it('a schema of another version is told, and not verified', async () => {
    const { url } = await made();
    await on(url, 'database', 'migrate');
    await sql(url, `INSERT INTO annals.migrations (name, serves) VALUES ('9999-from-the-future', '9999')`);
    const status = await on(url, 'database', 'status');
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/9999-from-the-future +unknown to this version/);
    for (const args of [['verify'], ['database', 'migrate']]) {
      expect(await on(url, ...args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('migrated by a newer Annals: it has 9999-from-the-future'),
      });
    }
    await sql(url, `DELETE FROM annals.migrations WHERE name >= '0003'`);
    expect(await on(url, 'verify')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /lacks the migrations 0003-view, .*: "annals database migrate" applies them/,
      ),
    });
  });

  it('distribution needs Citus, and a server without it says so', async () => {
    const { code, stdout, stderr } = await on(database.url, 'database', 'distribute');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/has not the extension Citus.*nothing was changed/);
    expect((await server.request('GET', '/v1/changes')).status).toBe(200);
    expect(await annals(['database', 'distribute', '--database-url', 'sqlite:package.json'])).toMatchObject({
      code: 2,
      stderr: 'annals database distribute: only a PostgreSQL can be distributed, got package.json\n',
    });
  });

  it('a backup is left to pg_dump', async () => {
    expect(await on(database.url, 'backup', 'copy.db')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^annals backup: postgres:.* is backed up with PostgreSQL's own tools: pg_dump, /,
      ),
    });
  });

  it.each([
    ['verify', 3],
    ['database status', 3],
    ['database migrate', 3],
    ['database distribute', 3],
    ['serve', 1],
  ])('%s says that nobody listens, and keeps the password to itself', async (command, code) => {
    const url = 'postgres://postgres@127.0.0.1:1/annals?sslpassword=s3cret';
    const outcome = await on(url, ...command.split(' '));
    expect(outcome).toMatchObject({
      code,
      stderr: expect.stringContaining('127.0.0.1:1/annals: nothing listens there'),
    });
  });

  it('the settings that are wrong are named without the password', async () => {
    const outcome = await on('postgres://postgres@127.0.0.1/annals?pool_size=one', 'database', 'status');
    expect(outcome).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('pool_size in the database URL must be'),
    });
    const none = await annals(['verify'], {
      env: { ANNALS_DATABASE_URL: 'mysql://ada:s3/cr@et@db/x?password=s3/cr@et' },
    });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('got "mysql:') });
    expect(none.stderr).not.toMatch(/s3|et@/);
  });
});
