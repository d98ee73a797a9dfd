// `annals verify`, `backup` and `database status`: on the database file, while the server runs.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, noted, slugOf, startCommandLine } from './command.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await startCommandLine();
});
afterAll(() => cli.stop());

describe('the database file', () => {
  it('is verified while the server runs, log by log', async () => {
    const organization = await cli.organizationWith(noted(1), noted(2));
    const slug = slugOf(organization);
    const head = (await cli.annals(['head', '--json'], organization)).json<{
      size: number;
      rootHash: string;
    }>();
    const { code, stdout } = await cli.annals(['verify']);
    expect(code).toBe(0);
    // The organization and its two roles, which are there from the start, and the notes.
    expect(stdout).toContain(`✓ ${slug}: 5 entries verified, root hash ${head.rootHash}\n`);
    const only = await cli.annals(['verify', '--organization', slug, '--json']);
    expect(only.json()).toMatchObject([{ slug, ...head, disagreement: null }]);
  });

  it('is copied whole while the server runs, never over another file; what was altered in it is named', async () => {
    const organization = await cli.organizationWith(noted(1), noted(2));
    const slug = slugOf(organization);
    const copy = join(cli.folder, 'copy.db');
    expect(await cli.annals(['backup', copy])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`copied to ${copy}`),
    });
    expect(await cli.annals(['backup', copy])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exists already'),
    });
    expect(await cli.annals(['verify', copy])).toMatchObject({ code: 0 });

    const altered = new DatabaseSync(copy);
    altered.exec(
      `UPDATE states SET after = '{"text":"forged"}' WHERE entry = (SELECT max(entry) FROM entries)`,
    );
    altered.close();
    const { code, stdout } = await cli.annals(['verify', copy]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(`✗ ${slug}: position 4, change [\\da-f-]{36}: section after: its digest is not`),
    );
    const disagreements = (await cli.annals(['verify', copy, '--json'])).json<
      { disagreement: object | null }[]
    >();
    expect(disagreements.map(({ disagreement }) => disagreement).filter((one) => one !== null)).toMatchObject(
      [{ position: 4, what: 'section after' }],
    );
  });

  it('says which schema it has', async () => {
    const status = (await cli.annals(['database', 'status', '--json'])).json<{
      applied: { name: string }[];
      pending: string[];
    }>();
    expect(status).toMatchObject({ file: cli.database, pending: [], unknown: [] });
    expect(status.applied[0]?.name).toBe('0001-log');
    expect((await cli.annals(['database', 'status'])).stdout).toMatch(
      /migration +status +when\n0001-log +applied +20/,
    );
  });

  it('is migrated from the command line, with what is missing', async () => {
    const older = join(cli.folder, 'older.db');
    await cli.annals(['backup', older]);
    const copy = new DatabaseSync(older);
    copy.exec(
      `DROP TABLE secrets; CREATE TABLE tokens (id TEXT); DELETE FROM migrations WHERE name >= '0002'`,
    );
    copy.close();
    const url = ['--database-url', `sqlite:${older}`];
    expect(await cli.annals(['verify', older])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'lacks the migrations 0002-keys, 0003-drop-tokens: "annals database migrate" applies them',
      ),
    });
    const migrated = await cli.annals(['database', 'migrate', ...url]);
    expect(migrated.code).toBe(0);
    expect(migrated.stdout).toMatch(/0002-keys +applied/);
    expect(await cli.annals(['verify', older])).toMatchObject({ code: 0 });
    expect(await cli.annals(['database', 'migrate', '--database-url', 'sqlite:/no/such'])).toMatchObject({
      code: 5,
    });
  });

  it("is not verified, nor taken for up to date, where its schema is another version's", async () => {
    mkdirSync(join(cli.folder, 'other'));
    const other = join(cli.folder, 'other/annals.db');
    await cli.annals(['backup', other]);
    const copy = new DatabaseSync(other);
    copy.exec(`INSERT INTO migrations VALUES ('9999-from-the-future', '2099-01-01 00:00:00')`);
    copy.exec(`DELETE FROM migrations WHERE name = '0001-log'`);
    copy.close();
    const status = await cli.annals(['database', 'status', '--database-url', `sqlite:${other}`]);
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/9999-from-the-future +unknown to this version/);
    expect(status.stdout).toMatch(/0001-log +pending +at the next start of the server/);
    expect(await cli.annals(['verify', other])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('migrated by a newer Annals'),
    });
    writeFileSync(join(cli.folder, 'no.db'), 'this is no database, and longer than a header of one');
    expect(await cli.annals(['verify', join(cli.folder, 'no.db')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('file is not a database'),
    });
  });
});
