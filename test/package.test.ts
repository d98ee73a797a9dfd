// The package as a stranger gets it: packed, installed in an empty folder, started, used.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stripAnnalsSettings } from './command.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The Node that runs the tests comes first, whatever the machine has. */
const ENVIRONMENT = {
  ...stripAnnalsSettings(process.env),
  PATH: dirname(process.execPath) + delimiter + process.env.PATH,
};
const INSTALL_TIMEOUT_MS = 600_000;

describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annals-package-'));
  const command = join(folder, 'node_modules/.bin/annals');

  beforeAll(() => {
    run(ROOT, process.execPath, 'scripts/build.ts');
    run(ROOT, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder);
    const [tarball] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
    writeFileSync(join(folder, 'package.json'), '{"private": true}');
    run(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`);
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has what it needs and neither tests nor TypeScript', () => {
    const files = readdirSync(join(folder, 'node_modules/annals'), { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'dist/cli/main.js']));
    expect(files).toContain('dist/store/sqlite/migrations/0001-log.sql');
    expect(files.filter((file) => /\.ts$|\.test\.|fixtures|contract|testdata/.test(file))).toEqual([]);
  });

  it('starts a server that records a change, and verifies what it keeps', async () => {
    const server = spawn(command, ['serve', '--port', '0', '--log-level', 'error', '--json'], {
      cwd: folder,
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const { url, rootToken } = JSON.parse(line.toString()) as { url: string; rootToken: string };
      const headers = { authorization: `Bearer ${rootToken}`, 'content-type': 'application/json' };
      const change = { resource: { type: 'notes', id: '1' }, action: 'create', after: { text: 'hello' } };
      const recorded = await fetch(`${url}/v1/changes`, {
        method: 'POST',
        headers,
        body: JSON.stringify(change),
      });
      expect(recorded.status).toBe(201);

      const history = run(folder, command, 'history', 'notes/1', '--url', url);
      expect(history).toContain('+ /text  "hello"');
      expect(run(folder, command, 'verify')).toMatch(/default: 1 entry verified/);
    } finally {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    expect(server.exitCode).toBe(0);
  });
});

function run(cwd: string, file: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    cwd,
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  expect(status, `${file} ${args.join(' ')}: ${error?.message ?? ''}${stderr}`).toBe(0);
  return stdout;
}
