// The command `annals` as its users run it: a process of its own against a started server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { annals as command, type Given, type Outcome, stripAnnalsSettings } from './command.ts';
import { ROOT_TOKEN, startServer, type TestServer } from './harness.ts';

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

describe('the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annals-cli-'));
  const database = join(folder, 'annals.db');
  let server: TestServer;
  let organizations = 0;

  beforeAll(async () => {
    server = await startServer(`sqlite:${database}`);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  function annals(args: string[], given: Given = {}): Promise<Outcome> {
    const env = {
      ANNALS_URL: server.url,
      ANNALS_TOKEN: ROOT_TOKEN,
      ANNALS_DATABASE_URL: `sqlite:${database}`,
    };
    return command(args, { ...given, env: { ...env, ...given.env } });
  }

  /** An organization of its own for a test, with what it wrote. */
  async function organizationWith(...lines: object[]): Promise<Given> {
    const slug = `test-${organizations++}`;
    await annals(['organization', 'create', slug]);
    const given = { env: { ANNALS_ORGANIZATION: slug } };
    if (lines.length > 0) {
      const { code, stderr } = await annals(['import', '-'], { ...given, input: linesOf(lines) });
      expect(code, stderr).toBe(0);
    }
    return given;
  }

  describe('help and usage', () => {
    const COMMANDS = [
      'serve',
      'import',
      'export',
      'history',
      'show',
      'state',
      'head',
      'verify',
      'backup',
      'database status',
      'organization create',
      'organization list',
      'token create',
      'token list',
      'token revoke',
    ];

    it('says of every command what it does, with examples and --json', async () => {
      const { code, stdout } = await annals(['--help']);
      expect(code).toBe(0);
      for (const name of COMMANDS) {
        expect(stdout).toContain(`  ${name.split(' ')[0]} `);
        const help = await annals([...name.split(' '), '--help']);
        expect(help.code, name).toBe(0);
        expect(help.stdout, name).toMatch(new RegExp(`Examples:\\n  annals ${name}`));
        expect(help.stdout, name).toContain('--json');
      }
    });

    it.each([
      [['bogus'], "unknown command 'bogus'"],
      [['head', '--bogus'], "unknown option '--bogus'"],
      [['show'], "missing required argument 'id'"],
      [['history', 'nothing'], 'a resource is written TYPE/ID, such as countries/CHE, got "nothing"'],
      [['history', 'a/b', '--limit', '0'], '--limit must be a whole number from 1 on, got "0"'],
      [['history', 'a/b', '--since', 'yesterday'], '"since" must be an RFC 3339 instant, got "yesterday"'],
      [['head', '--url', 'nowhere'], 'ANNALS_URL must be an http: or https: URL, got "nowhere"'],
      [['token', 'create', 'x'], 'say what the token may do: --read, --write or both'],
      [['import', '/no/such/file'], '/no/such/file cannot be read: there is no such file or folder'],
      [['import', '/'], '/ cannot be read: it is a folder'],
      [
        ['verify', '--database-url', 'memory:'],
        'this command reads a database file (sqlite:<file>), got memory:',
      ],
      [['serve', '--port', 'x'], 'ANNALS_PORT must be a port from 0 to 65535, got "x"'],
    ])('answers 2 to %j, and says why in one line', async (args, message) => {
      const { code, stdout, stderr } = await annals(args);
      expect(stderr).toContain(message);
      expect(stderr.split('\n').filter((line) => line !== '' && line !== '(--help says more)')).toHaveLength(
        1,
      );
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    });

    it.each([
      [
        3,
        ['head', '--url', 'http://127.0.0.1:9'],
        'there is no server at http://127.0.0.1:9: nothing listens there',
      ],
      [4, ['head', '--token', 'nonsense'], 'the bearer token is unknown'],
      [5, ['head', '--organization', 'nobody'], 'there is no organization "nobody"'],
      [5, ['state', 'a/b'], 'there is no a/b'],
      [5, ['history', 'a/b', '--actor', 'ada'], 'there are no changes of a/b that match'],
      [5, ['show', 'x'], 'there is no change with the id "x"'],
      [5, ['token', 'revoke', 'x'], 'there is no token x'],
      [5, ['verify', '/no/such/file'], 'there is no database at /no/such/file'],
      [6, ['organization', 'create', 'default'], 'there is an organization with the slug "default" already'],
    ])('answers %i to %j', async (expected, args, message) => {
      const { code, stdout, stderr } = await annals(args);
      expect(stderr).toMatch(/^annals [a-z ]+: [^\n]+\n$/);
      expect(stderr).toContain(message);
      expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    });

    it('says errors as JSON where JSON is asked for', async () => {
      const { stderr } = await annals(['head', '--token', 'nonsense', '--json']);
      expect(JSON.parse(stderr)).toMatchObject({ error: { exitCode: 4, code: 'unauthenticated' } });
    });

    it('shows what others wrote without letting it reach the terminal', async () => {
      const organization = await organizationWith({
        resource: { type: 'notes', id: '\u001b[31m', name: '\u009b2J' },
        action: 'create',
        actor: { type: 'user', id: 'x\u0007', name: 'a\u202eb' },
        after: { 'k\u001b': '\u001b[2J' },
      });
      for (const args of [
        ['history', 'notes/\u001b[31m'],
        ['state', 'notes/\u001b[31m'],
      ]) {
        const { code, stdout } = await annals(args, organization);
        expect(code).toBe(0);
        expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
      }
    });
  });

  describe('the token', () => {
    it('is the one that the server of this machine keeps, where none is given', async () => {
      writeFileSync(join(folder, 'root-token'), `${ROOT_TOKEN}\n`);
      expect(await annals(['head'], { env: { ANNALS_TOKEN: '' } })).toMatchObject({ code: 0, stderr: '' });
    });

    it('is never sent to another machine by itself', async () => {
      writeFileSync(join(folder, 'root-token'), `${ROOT_TOKEN}\n`);
      const elsewhere = await annals(['head', '--url', 'http://annals.invalid'], {
        env: { ANNALS_TOKEN: '' },
      });
      expect(elsewhere.code).toBe(4);
      expect(elsewhere.stderr).toContain('a token is missing: give --token or ANNALS_TOKEN');
    });

    it('is made, listed and revoked; its secret is shown once', async () => {
      const made = (await annals(['token', 'create', 'website', '--write', '--json'])).json<{
        id: string;
        secret: string;
      }>();
      const shown = await annals(['token', 'create', 'reader', '--read']);
      expect(shown.stdout).toMatch(/^annals_\S+\nshown this once; the token "reader" \(\S+\) may read\n$/);
      const list = await annals(['token', 'list']);
      expect(list.stdout).toMatch(new RegExp(`${made.id} +website +write +20`));
      expect(list.stdout).not.toContain(made.secret);
      expect((await annals(['head', '--token', made.secret])).stderr).toContain(
        'this needs a token that may read',
      );
      expect((await annals(['token', 'revoke', made.id])).stdout).toBe(`the token ${made.id} is revoked\n`);
      expect((await annals(['head', '--token', made.secret])).code).toBe(4);
    });
  });

  describe('import', () => {
    it('records a compressed file, and says what has no difference', async () => {
      const organization = await organizationWith();
      const file = join(folder, 'notes.gz');
      writeFileSync(file, gzipSync(linesOf([noted(1), noted(1), noted(2)])));
      const { code, stdout, stderr } = await annals(['import', file], organization);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(
        /^3 lines of \S+notes\.gz in [\d.]+ s\n {2}3 recorded, 1 of them without a difference\n/,
      );
    });

    it('adds nothing where a file is sent again, and goes on where it has grown', async () => {
      const organization = await organizationWith();
      const summaries: unknown[] = [];
      for (const count of [3, 3, 5]) {
        const input = linesOf(Array.from({ length: count }, (_, at) => noted(at)));
        summaries.push((await annals(['import', '-', '--json'], { ...organization, input })).json());
      }
      expect(summaries).toEqual([
        { lines: 3, recorded: 3, withoutDifference: 0, alreadyThere: 0, refused: 0 },
        { lines: 3, recorded: 0, withoutDifference: 0, alreadyThere: 3, refused: 0 },
        { lines: 5, recorded: 2, withoutDifference: 0, alreadyThere: 3, refused: 0 },
      ]);
    });

    it('names lines that are refused, by their number in the file, and keeps the good ones', async () => {
      const organization = await organizationWith();
      const lines = [
        JSON.stringify(noted(1)),
        '',
        'nonsense',
        '{"action":"create"}',
        JSON.stringify(noted(2)),
      ];
      const first = await annals(['import', '-'], { ...organization, input: lines.join('\n') });
      expect(first.code).toBe(1);
      expect(first.stdout).toContain('  2 recorded\n  0 there already\n  2 refused\n');
      expect(first.stdout).toMatch(
        /line 3: malformed JSON .+ \(malformed_json\)\n {4}line 4: .*resource.*\(invalid_field\)/,
      );

      const second = await annals(['import', '-', '--json'], { ...organization, input: lines.join('\n') });
      const printed = second.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(printed).toMatchObject([{ line: 3 }, { line: 4 }, { lines: 4, alreadyThere: 2, refused: 2 }]);
    });

    it('shows the first ten refusals and counts the others', async () => {
      const { stdout } = await annals(['import', '-'], { input: 'nonsense\n'.repeat(12) });
      expect(stdout.match(/ line \d+: /g)).toHaveLength(10);
      expect(stdout).toContain('and 2 more after these 10; --json prints all');
    });

    it('says that it cannot tell new from old where the token may only write', async () => {
      const { secret } = (await annals(['token', 'create', 'w', '--write', '--json'])).json<{
        secret: string;
      }>();
      const input = linesOf([noted(1)]);
      const { code, stdout } = await annals(['import', '-', '--token', secret], { input });
      expect(code).toBe(0);
      expect(stdout).toContain('1 recorded, or there already (this token may not read');
    });

    it('keeps what stands before the place where a file is cut off, and says so', async () => {
      const organization = await organizationWith();
      const whole = gzipSync(linesOf(Array.from({ length: 5000 }, (_, at) => noted(at))));
      const { code, stdout, stderr } = await annals(['import', '-'], {
        ...organization,
        input: whole.subarray(0, -20),
      });
      expect(code).toBe(1);
      expect(stderr).toContain('standard input cannot be read to its end: the file is cut off');
      const recorded = Number(/([\d,]+) recorded\n/.exec(stdout)?.[1]?.replace(',', ''));
      expect(recorded).toBeGreaterThan(100);
      expect((await annals(['head', '--json'], organization)).json()).toMatchObject({ size: recorded });
    });

    it('says that nobody takes the lines where the server refuses', async () => {
      const input = linesOf(Array.from({ length: 20_000 }, (_, at) => noted(at)));
      const { secret } = (await annals(['token', 'create', 'r', '--read', '--json'])).json<{
        secret: string;
      }>();
      const { code, stdout, stderr } = await annals(['import', '-', '--token', secret], { input });
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toBe('annals import: this needs a token that may write, and this token may read\n');
    });

    it('finishes what is under way on Ctrl-C, and goes on when it is run again', async () => {
      const organization = await organizationWith();
      const env = {
        ...stripAnnalsSettings(process.env),
        ANNALS_URL: server.url,
        ANNALS_TOKEN: ROOT_TOKEN,
        ...organization.env,
      };
      const child = spawn(process.execPath, [MAIN, 'import', '-', '--json'], { env });
      const input = linesOf(Array.from({ length: 50 }, (_, at) => noted(at)));
      child.stdin.write(input);
      while ((await annals(['head', '--json'], organization)).json<{ size: number }>().size < 50);
      child.kill('SIGINT');
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      expect(child.exitCode, stderr).toBe(130);
      expect(JSON.parse(stderr)).toMatchObject({
        error: { message: 'stopped (the same command again goes on)' },
      });
      expect(JSON.parse(stdout)).toMatchObject({ recorded: 50 });
      const again = await annals(['import', '-', '--json'], { ...organization, input });
      expect(again.json()).toMatchObject({ recorded: 0, alreadyThere: 50 });
    });
  });

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
      const [from, to] = [await organizationWith(...HISTORY), await organizationWith()];
      for (const name of ['all.ndjson', 'all.ndjson.gz', 'all.ndjson.zst']) {
        const { code, stdout } = await annals(['export', '-o', join(folder, name)], from);
        expect({ code, stdout }).toMatchObject({
          code: 0,
          stdout: expect.stringContaining('6 changes written to'),
        });
      }
      const plain = readFileSync(join(folder, 'all.ndjson'));
      expect(gunzipSync(readFileSync(join(folder, 'all.ndjson.gz'))).equals(plain)).toBe(true);
      expect(zstdDecompressSync(readFileSync(join(folder, 'all.ndjson.zst'))).equals(plain)).toBe(true);

      const imported = await annals(['import', join(folder, 'all.ndjson.zst'), '--json'], to);
      expect(imported.json()).toMatchObject({ recorded: 6, refused: 0 });
      expect(await entriesOf(to)).toEqual(await entriesOf(from));
      expect((await annals(['import', join(folder, 'all.ndjson'), '--json'], from)).json()).toMatchObject({
        alreadyThere: 6,
      });
    });

    it('has the state before wherever the export itself does not tell it', async () => {
      const organization = await organizationWith(...HISTORY);
      const before = async (...filters: string[]): Promise<unknown[]> => {
        const { stdout } = await annals(['export', ...filters], organization);
        return parsedLines<{ before?: unknown }>(stdout).map((line) => line.before);
      };
      const gap = { text: 'something else' };
      expect(await before()).toEqual([null, undefined, undefined, gap, undefined, { a: 1 }]);
      expect(await before('--type', 'notes')).toEqual([null, undefined, undefined, gap, undefined]);
      expect(await before('--action', 'delete')).toEqual([{ text: 'note 4' }]);
      expect(await before('--event', 'note.changed')).toEqual([{ text: 'note 1' }]);
    });

    it('goes through more than one page', async () => {
      const organization = await organizationWith(...Array.from({ length: 450 }, (_, at) => noted(at)));
      const { stdout } = await annals(['export'], organization);
      expect(parsedLines<{ after: { text: string } }>(stdout).map(({ after }) => after.text)).toEqual(
        Array.from({ length: 450 }, (_, at) => `note ${at}`),
      );
    });

    it('does not replace a file, unless it is told to, and leaves no half of one', async () => {
      const file = join(folder, 'kept.ndjson');
      writeFileSync(file, 'kept');
      const refused = await annals(['export', '-o', file]);
      expect(refused).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('exists already; --force overwrites it'),
      });
      expect(readFileSync(file, 'utf8')).toBe('kept');
      expect(await annals(['export', '-o', file, '--force', '--token', 'nonsense'])).toMatchObject({
        code: 4,
      });
      expect(readFileSync(file, 'utf8')).toBe('kept');
      expect(existsSync(`${file}.partial`)).toBe(false);
      expect((await annals(['export', '-o', file, '--force', '--json'])).json()).toMatchObject({ file });
      expect(await annals(['export', '-o', '/no/such/folder/file'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('cannot be written: there is no such file or folder'),
      });
    });

    it('ends in silence where nobody reads on', async () => {
      const organization = await organizationWith(...Array.from({ length: 2000 }, (_, at) => noted(at)));
      const env = {
        ...stripAnnalsSettings(process.env),
        ANNALS_URL: server.url,
        ANNALS_TOKEN: ROOT_TOKEN,
        ...organization.env,
      };
      const child = spawn(process.execPath, [MAIN, 'export'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.once('data', () => child.stdout.destroy());
      const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
      expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: '' });
    });

    async function entriesOf(organization: Given): Promise<unknown[]> {
      const headers = { 'annals-organization': organization.env?.['ANNALS_ORGANIZATION'] as string };
      const { json } = await server.request(
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

  describe('reading', () => {
    const CHE = { type: 'countries', id: 'a/b', name: 'Switzerland' };
    const STORY = [
      {
        id: '11111111-1111-4111-8111-111111111111',
        occurredAt: '2020-01-01T00:00:00Z',
        resource: CHE,
        action: 'create',
        actor: { type: 'user', id: 'ada', name: 'Ada Lovelace' },
        after: { name: 'Bern', tags: ['a', 'c'], old: 1 },
      },
      {
        id: '22222222-2222-4222-8222-222222222222',
        occurredAt: '2021-01-01T00:00:00Z',
        resource: CHE,
        action: 'update',
        event: 'country.renamed',
        actor: { type: 'worker', id: 'sync' },
        after: { name: 'Berne', tags: ['a', 'b', 'c'] },
        context: { ip: '192.0.2.1' },
      },
      {
        occurredAt: '2022-01-01T00:00:00Z',
        resource: CHE,
        action: 'update',
        before: { name: 'Basel' },
        after: { name: 'Bern' },
      },
      { occurredAt: '2023-01-01T00:00:00Z', resource: CHE, action: 'update', after: { name: 'Bern' } },
      { occurredAt: '2024-01-01T00:00:00Z', resource: CHE, action: 'delete' },
    ];
    let organization: Given;
    beforeAll(async () => {
      organization = await organizationWith(...STORY);
    });

    it('tells a history as a timeline: when, what, who, and from what to what', async () => {
      const { code, stdout } = await annals(
        ['history', 'countries/a/b', '--oldest-first', '--limit', '3'],
        organization,
      );
      expect(code).toBe(0);
      expect(stdout.replace(/ {2}[\da-f-]{36}/g, '')).toBe(`countries/a/b  Switzerland  5 changes

v1  2020-01-01 00:00:00Z  create  Ada Lovelace (user ada)
    + /name  "Bern"
    + /old  1
    + /tags  ["a","c"]

v2  2021-01-01 00:00:00Z  update country.renamed  worker sync
    ~ /name  "Bern" → "Berne"
    - /old  1
    + /tags/1  "b"

v3  2022-01-01 00:00:00Z  update  system root  gap: a change before this one was missed
    ~ /name  "Basel" → "Bern"

3 of 5; --all shows the others
`);
    });

    it('tells it newest first, and what has no difference', async () => {
      const { stdout } = await annals(['history', 'countries/a/b', '--all'], organization);
      expect(stdout.match(/^v\d/gm)).toEqual(['v5', 'v4', 'v3', 'v2', 'v1']);
      expect(stdout).toMatch(/v4 {2}2023.*\n {4}no difference\n/);
    });

    it('takes the filters of the API, and prints a line of JSON for each change', async () => {
      const lines = async (...filters: string[]): Promise<number[]> => {
        const { stdout } = await annals(
          ['history', 'countries/a/b', '--json', '--all', ...filters],
          organization,
        );
        return parsedLines<{ version: number }>(stdout).map(({ version }) => version);
      };
      expect(await lines()).toEqual([5, 4, 3, 2, 1]);
      expect(await lines('--changed', 'tags')).toEqual([2, 1]);
      expect(await lines('--actor', 'sync')).toEqual([2]);
      expect(await lines('--ip', '192.0.2.1')).toEqual([2]);
      expect(await lines('--event', 'country.renamed')).toEqual([2]);
      expect(await lines('--since', '2021-01-01T00:00:00Z', '--until', '2023-01-01T00:00:00Z')).toEqual([
        3, 2,
      ]);
    });

    it('colours where a terminal asks for it, and not where NO_COLOR is set', async () => {
      const coloured = await annals(['history', 'countries/a/b'], {
        env: { ...organization.env, FORCE_COLOR: '1' },
      });
      expect(coloured.stdout).toContain('\u001b[32m+ /tags/1  "b"\u001b[39m');
      const plain = await annals(['history', 'countries/a/b'], {
        env: { ...organization.env, NO_COLOR: '1' },
      });
      expect(plain.stdout).not.toContain('\u001b');
    });

    it('shows one change whole', async () => {
      const { stdout } = await annals(['show', '22222222-2222-4222-8222-222222222222'], organization);
      expect(stdout).toMatch(
        /^change +22222222-2222-4222-8222-222222222222\nresource +countries\/a\/b\nname +Switzerland\n/,
      );
      expect(stdout).toMatch(/event +country\.renamed\nactor +worker sync\noccurred +2021-01-01 00:00:00Z\n/);
      expect(stdout).toMatch(/context +\{"ip":"192\.0\.2\.1"\}\nleaf hash +\S{44}\n\n~ \/name/);
      const whole = (
        await annals(['show', '22222222-2222-4222-8222-222222222222', '--json'], organization)
      ).json();
      expect(whole).toMatchObject({
        version: 2,
        patch: [{ op: 'replace', path: '/name' }, { op: 'remove' }, { op: 'add' }],
      });
    });

    it('shows states: the latest, at a version, as of a moment, and none', async () => {
      const stateOf = async (...args: string[]): Promise<unknown> =>
        (await annals(['state', 'countries/a/b', '--json', ...args], organization)).json<{ state: unknown }>()
          .state;
      expect(await stateOf('--version', '2')).toEqual({ name: 'Berne', tags: ['a', 'b', 'c'] });
      expect(await stateOf('--at', '2020-06-01T00:00:00Z')).toEqual({
        name: 'Bern',
        tags: ['a', 'c'],
        old: 1,
      });
      expect(await stateOf()).toBeNull();
      const text = await annals(['state', 'countries/a/b', '--version', '3'], organization);
      expect(text.stdout).toBe(
        'countries/a/b  Switzerland  v3, left 2022-01-01 00:00:00Z by system root\n{\n  "name": "Bern"\n}\n',
      );
      const deleted = await annals(['state', 'countries/a/b'], organization);
      expect(deleted.stdout).toBe(
        'countries/a/b  Switzerland  v5, deleted 2024-01-01 00:00:00Z by system root\n',
      );
      const tooEarly = [
        'state',
        'countries/a/b',
        '--at',
        '2100-01-01T00:00:00Z',
        '--known-at',
        '2000-01-01T00:00:00Z',
      ];
      expect((await annals(tooEarly, organization)).code).toBe(5);
    });

    it('shows the head', async () => {
      const head = (await annals(['head', '--json'], organization)).json<{
        size: number;
        rootHash: string;
      }>();
      expect(head.size).toBe(5);
      expect((await annals(['head'], organization)).stdout).toBe(
        `size       5\nroot hash  ${head.rootHash}\n`,
      );
    });

    it('lists organizations', async () => {
      const list = (await annals(['organization', 'list', '--json'])).json<{ slug: string }[]>();
      expect(list.map(({ slug }) => slug)).toContain('default');
      expect((await annals(['organization', 'list'])).stdout).toMatch(
        /^id +slug +name +created\n[\da-f-]{36} +default +Default +20/,
      );
    });
  });

  describe('the database file', () => {
    it('is verified while the server runs, log by log', async () => {
      const organization = await organizationWith(noted(1), noted(2));
      const slug = organization.env?.['ANNALS_ORGANIZATION'] as string;
      const head = (await annals(['head', '--json'], organization)).json<{
        size: number;
        rootHash: string;
      }>();
      const { code, stdout } = await annals(['verify']);
      expect(code).toBe(0);
      expect(stdout).toContain(`✓ ${slug}: 2 entries verified, root hash ${head.rootHash}\n`);
      const only = await annals(['verify', '--organization', slug, '--json']);
      expect(only.json()).toMatchObject([{ slug, ...head, disagreement: null }]);
    });

    it('is copied whole while the server runs, never over another file; what was altered in it is named', async () => {
      const organization = await organizationWith(noted(1), noted(2));
      const slug = organization.env?.['ANNALS_ORGANIZATION'] as string;
      const copy = join(folder, 'copy.db');
      expect(await annals(['backup', copy])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`copied to ${copy}`),
      });
      expect(await annals(['backup', copy])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('exists already'),
      });
      expect(await annals(['verify', copy])).toMatchObject({ code: 0 });

      const altered = new DatabaseSync(copy);
      altered.exec(
        `UPDATE states SET after = '{"text":"forged"}' WHERE entry = (SELECT max(entry) FROM entries)`,
      );
      altered.close();
      const { code, stdout } = await annals(['verify', copy]);
      expect(code).toBe(1);
      expect(stdout).toMatch(
        new RegExp(`✗ ${slug}: position 1, change [\\da-f-]{36}: section after: its digest is not`),
      );
      const disagreements = (await annals(['verify', copy, '--json'])).json<
        { disagreement: object | null }[]
      >();
      expect(
        disagreements.map(({ disagreement }) => disagreement).filter((one) => one !== null),
      ).toMatchObject([{ position: 1, what: 'section after' }]);
    });

    it('says which schema it has', async () => {
      const status = (await annals(['database', 'status', '--json'])).json<{
        applied: { name: string }[];
        pending: string[];
      }>();
      expect(status).toMatchObject({ file: database, pending: [], unknown: [] });
      expect(status.applied[0]?.name).toBe('0001-log');
      expect((await annals(['database', 'status'])).stdout).toMatch(
        /migration +status +when\n0001-log +applied +20/,
      );
    });

    it("is not verified, nor taken for up to date, where its schema is another version's", async () => {
      mkdirSync(join(folder, 'other'));
      const other = join(folder, 'other/annals.db');
      await annals(['backup', other]);
      const copy = new DatabaseSync(other);
      copy.exec(`INSERT INTO migrations VALUES ('9999-from-the-future', '2099-01-01 00:00:00')`);
      copy.exec(`DELETE FROM migrations WHERE name = '0001-log'`);
      copy.close();
      const status = await annals(['database', 'status', '--database-url', `sqlite:${other}`]);
      expect(status.code).toBe(1);
      expect(status.stdout).toMatch(/9999-from-the-future +unknown to this version/);
      expect(status.stdout).toMatch(/0001-log +pending +at the next start of the server/);
      expect(await annals(['verify', other])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('migrated by a newer Annals'),
      });
      writeFileSync(join(folder, 'no.db'), 'this is no database, and longer than a header of one');
      expect(await annals(['verify', join(folder, 'no.db')])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('file is not a database'),
      });
    });
  });

  describe('serve', () => {
    it('says in one line what keeps it from starting', async () => {
      const port = new URL(server.url).port;
      const taken = await annals([
        'serve',
        '--port',
        port,
        '--database-url',
        'memory:',
        '--log-level',
        'silent',
      ]);
      expect(taken.code).toBe(1);
      expect(taken.stderr).toContain(
        `annals serve: cannot listen on 127.0.0.1, port ${port}: the port is taken`,
      );
      const file = join(folder, 'garbage.db');
      writeFileSync(file, 'this is no database, and longer than a header of one');
      const garbage = await annals(['serve', '--port', '0', '--database-url', `sqlite:${file}`]);
      expect(garbage).toMatchObject({
        code: 1,
        stderr: `annals serve: cannot open sqlite:${file}: file is not a database\n`,
      });
    });
  });
});

/** The n-th version of a note. */
function noted(number: number): object {
  return { resource: { type: 'notes', id: '1' }, action: 'update', after: { text: `note ${number}` } };
}

function linesOf(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

function parsedLines<Value>(text: string): Value[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Value);
}
