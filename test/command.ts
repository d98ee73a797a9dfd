// Runs the command `annals` as a user does: a process of its own, its output and its exit code.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { ROOT_TOKEN, startServer, type TestServer } from './harness.ts';
import { makeEmptyOrganization, makeOrganization } from './tokens.ts';

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  /** What it printed, as JSON. */
  json<Value>(): Value;
}

export interface Given {
  /** Environment beside that of the tests, which has no settings of Annals. */
  env?: Record<string, string>;
  /** What stands on its standard input; nothing where absent. */
  input?: string | Uint8Array;
}

/** A server with a folder of its own, and commands that find it by their environment. */
export interface CommandLine {
  server: TestServer;
  folder: string;
  /** The database file. */
  database: string;
  annals(args: readonly string[], given?: Given): Promise<Outcome>;
  /** The same while it runs. */
  start(args: readonly string[], given?: Given): ChildProcessWithoutNullStreams;
  /** An organization of its own for a test, with what it wrote; commands that are given it act in it. */
  organizationWith(...changes: object[]): Promise<Given>;
  /** The same, but that the log holds nothing before what the test writes. */
  emptyOrganizationWith(...changes: object[]): Promise<Given>;
  stop(): Promise<void>;
}

/** Starts a command with no settings but those that are given. */
export function startAnnals(
  args: readonly string[],
  { env = {} }: Given = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [MAIN, ...args], { env: { ...stripAnnalsSettings(process.env), ...env } });
}

/** The same, to its end. */
export async function annals(args: readonly string[], given: Given = {}): Promise<Outcome> {
  const child = startAnnals(args, given);
  // A command that does not read its input closes it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(given.input ?? '');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr, json: () => JSON.parse(stdout) };
}

export async function startCommandLine(): Promise<CommandLine> {
  const folder = mkdtempSync(join(tmpdir(), 'annals-cli-'));
  const database = join(folder, 'annals.db');
  const server = await startServer(`sqlite:${database}`);
  const settings = {
    ANNALS_URL: server.url,
    ANNALS_TOKEN: ROOT_TOKEN,
    ANNALS_DATABASE_URL: `sqlite:${database}`,
    // Each command is a process of its own: what the first one compiled the others need not.
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
  };
  let organizations = 0;
  async function organizationBy(make: typeof makeOrganization, changes: object[]): Promise<Given> {
    const slug = `test-${organizations++}`;
    const given = { env: { ANNALS_ORGANIZATION: slug } };
    await make(server, slug);
    if (changes.length === 0) return given;
    const headers = { 'annals-organization': slug };
    const { status, text: problem } = await server.request('POST', '/v1/changes', changes, headers);
    expect(status, problem).toBe(201);
    return given;
  }
  const withSettings = (given: Given = {}): Given => ({ ...given, env: { ...settings, ...given.env } });

  return {
    server,
    folder,
    database,
    annals: (args, given) => annals(args, withSettings(given)),
    start: (args, given) => startAnnals(args, withSettings(given)),
    organizationWith: (...changes) => organizationBy(makeOrganization, changes),
    emptyOrganizationWith: (...changes) => organizationBy(makeEmptyOrganization, changes),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

export function slugOf(organization: Given): string {
  return organization.env?.ANNALS_ORGANIZATION ?? '';
}

/** The environment without the settings of whoever runs the tests. */
export function stripAnnalsSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isKept = ([name]: [string, unknown]): boolean =>
    !name.startsWith('ANNALS_') && name !== 'FORCE_COLOR';
  return Object.fromEntries(Object.entries(environment).filter(isKept));
}

/** The n-th version of a note. */
export function noted(number: number): object {
  return { resource: { type: 'notes', id: '1' }, action: 'update', after: { text: `note ${number}` } };
}

/** The first versions of a note. */
export function notes(count: number): object[] {
  return Array.from({ length: count }, (_, at) => noted(at));
}

/** Values as lines of JSON. */
export function linesOf(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

export function parsedLines<Value>(printed: string): Value[] {
  return printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Value);
}
