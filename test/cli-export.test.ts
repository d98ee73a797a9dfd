// `annals export`: what comes out can be imported again, and tells the same history.

import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CommandLine,
  type Given,
  noted,
  notes,
  parsedLines,
  slugOf,
  startCommandLine,
} from './command.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await startCommandLine();
});
afterAll(() => cli.stop());

describe('export', () => {
  const HISTORY = [
    { ...noted(1), actor: { type: 'user', id: 'ada' }, context: { ip: '192.0.2.1' }, metadata: [1] },
    { ...noted(2), event: 'note.changed', related: [{ type: 'books', id: 'a/b' }] },
    { resource: { type: 'notes', id: '1' }, action: 'access', actor: { type: 'user', id: 'eve' } },
    { ...noted(4), before: { text: 'something else' } },
    { resource: { type: 'notes', id: '1' }, action: 'delete' },
    { resource: { type: 'other', id: '1' }, action: 'update', before: { a: 1 }, after: { a: 2 } },
  ];

  it('can be imported elsewhere, and tells the same history', async () => {
    const [from, to] = [await cli.emptyOrganizationWith(...HISTORY), await cli.emptyOrganizationWith()];
    for (const name of ['all.ndjson', 'all.ndjson.gz', 'all.ndjson.zst']) {
      const { code, stdout } = await cli.annals(['export', '-o', join(cli.folder, name)], from);
      expect({ code, stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('6 changes written to'),
      });
    }
    const plain = readFileSync(join(cli.folder, 'all.ndjson'));
    expect(gunzipSync(readFileSync(join(cli.folder, 'all.ndjson.gz'))).equals(plain)).toBe(true);
    expect(zstdDecompressSync(readFileSync(join(cli.folder, 'all.ndjson.zst'))).equals(plain)).toBe(true);

    const imported = await cli.annals(['import', join(cli.folder, 'all.ndjson.zst'), '--json'], to);
    expect(imported.json()).toMatchObject({ recorded: 6, refused: 0 });
    expect(await entriesOf(to)).toEqual(await entriesOf(from));
    expect(
      (await cli.annals(['import', join(cli.folder, 'all.ndjson'), '--json'], from)).json(),
    ).toMatchObject({
      alreadyThere: 6,
    });
  });

  it('holds what the directory recorded as well, which an import leaves out, here and elsewhere', async () => {
    const [from, to] = [await cli.organizationWith(...HISTORY), await cli.organizationWith()];
    const { stdout: input } = await cli.annals(['export'], from);
    const types = parsedLines<{ resource: { type: string } }>(input).map(({ resource }) => resource.type);
    expect(types.slice(0, -HISTORY.length)).toEqual(['organizations', 'roles', 'roles']);

    for (const [organization, counts] of [
      [from, { recorded: 0, alreadyThere: 1 + HISTORY.length, leftOut: 2, refused: 0 }],
      [to, { recorded: 1 + HISTORY.length, alreadyThere: 0, leftOut: 2, refused: 0 }],
    ] as const) {
      const imported = await cli.annals(['import', '-', '--json'], { ...organization, input });
      expect(imported).toMatchObject({ code: 0, stderr: '' });
      expect(imported.json()).toMatchObject(counts);
    }
    const { stdout } = await cli.annals(['import', '-'], { ...to, input });
    expect(stdout).toContain(" left out: changes of Annals' own directory\n");
  });

  it('has the state before wherever the export itself does not tell it', async () => {
    const organization = await cli.emptyOrganizationWith(...HISTORY);
    const befores = async (...filters: string[]): Promise<unknown[]> => {
      const { stdout } = await cli.annals(['export', ...filters], organization);
      return parsedLines<{ before?: unknown }>(stdout).map((line) => line.before);
    };
    const gap = { text: 'something else' };
    expect(await befores()).toEqual([null, undefined, undefined, gap, undefined, { a: 1 }]);
    expect(await befores('--type', 'notes')).toEqual([null, undefined, undefined, gap, undefined]);
    expect(await befores('--action', 'delete')).toEqual([{ text: 'note 4' }]);
    expect(await befores('--event', 'note.changed')).toEqual([{ text: 'note 1' }]);
  });

  it('goes through more than one page', async () => {
    const organization = await cli.emptyOrganizationWith(...notes(450));
    const { stdout } = await cli.annals(['export'], organization);
    expect(parsedLines<{ after: { text: string } }>(stdout).map(({ after }) => after.text)).toEqual(
      Array.from({ length: 450 }, (_, at) => `note ${at}`),
    );
  });

  it('does not replace a file, unless it is told to, and leaves no half of one', async () => {
    const file = join(cli.folder, 'kept.ndjson');
    writeFileSync(file, 'kept');
    const refused = await cli.annals(['export', '-o', file]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exists already; --force overwrites it'),
    });
    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(await cli.annals(['export', '-o', file, '--force', '--token', 'nonsense'])).toMatchObject({
      code: 4,
    });
    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(existsSync(`${file}.partial`)).toBe(false);
    expect((await cli.annals(['export', '-o', file, '--force', '--json'])).json()).toMatchObject({ file });
    expect(await cli.annals(['export', '-o', '/no/such/folder/file'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be written: there is no such file or folder'),
    });
  });

  it('ends in silence where nobody reads on', async () => {
    const organization = await cli.organizationWith(...notes(2000));
    const child = cli.start(['export'], organization);
    child.stdout.once('data', () => child.stdout.destroy());
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: '' });
  });

  async function entriesOf(organization: Given): Promise<unknown[]> {
    const headers = { 'annals-organization': slugOf(organization) };
    const { json } = await cli.server.request(
      'GET',
      '/v1/changes?include=states&order=asc',
      undefined,
      headers,
    );
    return (json as { data: Record<string, unknown>[] }).data.map(
      ({ recordedAt: _, leafHash: __, ...entry }) => entry,
    );
  }
});
