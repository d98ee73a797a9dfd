// The first start: a root token that nobody else can read, and requests that can be pasted as they are printed.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChildServer, startChild } from './child.ts';
import { ROOT_TOKEN } from './harness.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;
let folder: string;
let server: ChildServer | undefined;
beforeEach(() => {
  // Of more words than one for a shell.
  folder = mkdtempSync(join(tmpdir(), "annals' first "));
});
afterEach(async () => {
  await server?.end('SIGTERM');
  rmSync(folder, { recursive: true });
});

const onFile = (): string => `sqlite:${join(folder, 'annals.db')}`;

/** Starts a server, instead of the one before, and answers what it prints. */
async function printed(databaseUrl: string, rootToken = ''): Promise<string> {
  await server?.end('SIGTERM');
  server = await startChild({ ANNALS_DATABASE_URL: databaseUrl, ANNALS_ROOT_TOKEN: rootToken });
  return server.output();
}

describe('the first start', () => {
  it('makes a root token, shows it once, and keeps it where its owner alone can read it', async () => {
    const file = join(folder, 'root-token');
    const first = await printed(onFile());
    const token = readFileSync(file, 'utf8').trim();
    expect(token).toMatch(/^annals_root_[\w-]{43}$/);
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(first).toContain(`Root token:\n  ${token}\n  (shown this once; kept in ${file})\n`);

    const second = await printed(onFile());
    expect(second).toContain(`Root token: kept in ${file}\n`);
    expect(second).not.toContain(token);
    expect(readFileSync(file, 'utf8').trim()).toBe(token);
  });

  it.for<[string, () => string, string]>([
    ['was made', onFile, ''],
    ['was given', onFile, ROOT_TOKEN],
    ['is kept nowhere', () => 'memory:', ''],
  ])('prints requests that work as they stand, where the token %s', async ([_, url, rootToken], { skip }) => {
    skip(!hasCurl, 'curl is missing, which the requests are written for');
    const text = await printed(url(), rootToken);
    const [record, read] = text.match(/^ {2}curl (?:.*\\\n)*.*\n/gm) ?? [];
    const change = { resource: { type: 'notes', id: '1' }, version: 1, changed: true };
    expect(await pasted(record, rootToken)).toMatchObject({ version: 1, changed: true });
    expect(await pasted(read, rootToken)).toMatchObject({ data: [change] });
  });
});

/** What a command answers in a shell that knows the token where it was given. */
async function pasted(command: string | undefined, rootToken: string): Promise<unknown> {
  const env = { ...process.env, ANNALS_ROOT_TOKEN: rootToken };
  const { stdout } = await promisify(execFile)('sh', ['-c', String(command)], { env });
  return JSON.parse(stdout);
}
