// `annals`: help, usage, exit codes, tokens, and what keeps a server from starting.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, startCommandLine } from './command.ts';
import { ROOT_TOKEN } from './harness.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await startCommandLine();
});
afterAll(() => cli.stop());

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
    'copy',
    'database status',
    'database migrate',
    'database distribute',
    'organization create',
    'organization list',
    'organization show',
    'organization update',
    'organization transfer',
    'user invite',
    'user list',
    'user show',
    'user update',
    'user remove',
    'user resend',
    'user token',
    'role create',
    'role list',
    'role show',
    'role rename',
    'role allow',
    'role deny',
    'credential create',
    'credential list',
    'credential show',
    'credential update',
    'credential revoke',
    'token create',
    'token list',
    'token revoke',
  ];

  it('says of every command what it does, with examples and --json', async () => {
    const { code, stdout } = await cli.annals(['--help']);
    expect(code).toBe(0);
    for (const name of COMMANDS) {
      expect(stdout).toContain(`  ${name.split(' ')[0]} `);
      const help = await cli.annals([...name.split(' '), '--help']);
      expect(help.code, name).toBe(0);
      expect(help.stdout, name).toMatch(new RegExp(`Examples:\\n  annals ${name}`));
      expect(help.stdout, name).toContain('--json');
    }
  });

  it.each([
    ['create', 'create'],
    ['list', 'read'],
    ['revoke', 'destroy'],
  ])('says of token %s that it needs a right, and no root token', async (name, verb) => {
    const { stdout } = await cli.annals(['token', name, '--help']);
    const [description] = stdout.split('\nOptions:');
    expect(description?.replace(/\s+/g, ' ')).toContain(`(needs the right to ${verb} api_credentials)`);
    expect(description).not.toContain('root token');
  });

  it.each([
    [['bogus'], "unknown command 'bogus'"],
    [['head', '--bogus'], "unknown option '--bogus'"],
    [['show'], "missing required argument 'id'"],
    [['history', 'nothing'], 'a resource is written TYPE/ID, such as countries/CHE, got "nothing"'],
    [['history', 'a/b', '--limit', '0'], '--limit must be a whole number from 1 on, got "0"'],
    [
      ['history', 'a/b', '--since', 'yesterday'],
      '"since" must be an RFC 3339 instant between 1684 and 2255; got "yesterday"',
    ],
    [['head', '--url', 'nowhere'], 'ANNALS_URL must be an http: or https: URL, got "nowhere"'],
    [['token', 'create', 'x'], 'say what the token may do: --read, --write or both'],
    [['import', '/no/such/file'], '/no/such/file cannot be read: there is no such file or folder'],
    [['import', '/'], '/ cannot be read: it is a folder'],
    [
      ['verify', '--database-url', 'memory:'],
      'this command opens sqlite:<file> or postgres://…, got memory:',
    ],
    [['serve', '--port', 'x'], 'ANNALS_PORT must be a port from 0 to 65535, got "x"'],
  ])('answers 2 to %j, and says why in one line', async (args, message) => {
    const { code, stdout, stderr } = await cli.annals(args);
    expect(stderr).toContain(message);
    expect(stderr.split('\n').filter((line) => line !== '' && line !== '(--help says more)')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    [4, ['head', '--token', 'nonsense'], 'the bearer token is unknown'],
    [5, ['head', '--organization', 'nobody'], 'there is no organization "nobody"'],
    [5, ['state', 'a/b'], 'there is no a/b'],
    [5, ['history', 'a/b', '--actor', 'ada'], 'there are no changes of a/b that match'],
    [5, ['show', 'x'], 'there is no change with the id "x"'],
    [5, ['token', 'revoke', 'x'], 'there is no token x'],
    [5, ['verify', '/no/such/file'], 'there is no database at /no/such/file'],
    [6, ['organization', 'create', 'default'], 'there is an organization with the slug "default" already'],
  ])('answers %i to %j', async (expected, args, message) => {
    const { code, stdout, stderr } = await cli.annals(args);
    expect(stderr).toMatch(/^annals [a-z ]+: [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  });

  it('answers 3 where there is no server', async () => {
    const { code, stderr } = await cli.annals(['head', '--url', await unusedUrl()]);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^annals head: there is no server at http:\S+: nothing listens there; start one with/,
    );
  });

  it('says errors as JSON where JSON is asked for', async () => {
    const { stderr } = await cli.annals(['head', '--token', 'nonsense', '--json']);
    expect(JSON.parse(stderr)).toMatchObject({ error: { exitCode: 4, code: 'unauthenticated' } });
  });

  it('shows what others wrote without letting it reach the terminal', async () => {
    const organization = await cli.organizationWith({
      resource: { type: 'notes', id: '\u001b[31m', name: '\u009b2J' },
      action: 'create',
      actor: { type: 'user', id: 'x\u0007', name: 'a\u202eb' },
      after: { 'k\u001b': '\u001b[2J' },
    });
    for (const args of [
      ['history', 'notes/\u001b[31m'],
      ['state', 'notes/\u001b[31m'],
    ]) {
      const { code, stdout } = await cli.annals(args, organization);
      expect(code).toBe(0);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    }
  });
});

describe('the token', () => {
  it('is the one that the server of this machine keeps, where none is given', async () => {
    writeFileSync(join(cli.folder, 'root-token'), `${ROOT_TOKEN}\n`);
    expect(await cli.annals(['head'], { env: { ANNALS_TOKEN: '' } })).toMatchObject({ code: 0, stderr: '' });
  });

  it('is never sent to another machine by itself', async () => {
    writeFileSync(join(cli.folder, 'root-token'), `${ROOT_TOKEN}\n`);
    const elsewhere = await cli.annals(['head', '--url', 'http://annals.invalid'], {
      env: { ANNALS_TOKEN: '' },
    });
    expect(elsewhere.code).toBe(4);
    expect(elsewhere.stderr).toContain('a token is missing: give --token or ANNALS_TOKEN');
  });

  it('is made, listed and revoked; its secret is shown once', async () => {
    const made = (await cli.annals(['token', 'create', 'website', '--write', '--json'])).json<{
      id: string;
      secret: string;
    }>();
    const shown = await cli.annals(['token', 'create', 'reader', '--read']);
    expect(shown.stdout).toMatch(/^annals_\S+\nshown this once; the token "reader" \(\S+\) may read\n$/);
    const list = await cli.annals(['token', 'list']);
    expect(list.stdout).toMatch(new RegExp(`${made.id} +website +write +20`));
    expect(list.stdout).not.toContain(made.secret);
    expect((await cli.annals(['head', '--token', made.secret])).stderr).toContain(
      'this needs the right to read changes, which the token has not',
    );
    expect((await cli.annals(['token', 'revoke', made.id])).stdout).toBe(`the token ${made.id} is revoked\n`);
    expect((await cli.annals(['head', '--token', made.secret])).code).toBe(4);
  });
});

describe('the command of a checkout', () => {
  const COMMAND = fileURLToPath(new URL('../bin/annals', import.meta.url));

  it('can be called by its path, by a symbolic link, and by a link to that', () => {
    const link = join(cli.folder, 'annals');
    const second = join(cli.folder, 'a folder', 'annals');
    symlinkSync(COMMAND, link);
    mkdirSync(join(cli.folder, 'a folder'));
    symlinkSync(relative(join(cli.folder, 'a folder'), link), second);
    for (const path of [COMMAND, link, second]) {
      const { status, stdout, stderr } = spawnSync(path, ['--help'], { encoding: 'utf8' });
      expect({ status, stderr }, path).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain('Usage: annals');
    }
  });
});

describe('serve', () => {
  it('says in one line what keeps it from starting', async () => {
    const port = new URL(cli.server.url).port;
    const taken = await cli.annals([
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
    const file = join(cli.folder, 'garbage.db');
    writeFileSync(file, 'this is no database, and longer than a header of one');
    const garbage = await cli.annals(['serve', '--port', '0', '--database-url', `sqlite:${file}`]);
    expect(garbage).toMatchObject({
      code: 1,
      stderr: `annals serve: cannot open sqlite:${file}: file is not a database\n`,
    });
  });
});

/** Where nothing listens. */
async function unusedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
