// Runs the command `annals` as a user does: a process of its own, its output and its exit code.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

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

export async function annals(
  args: readonly string[],
  { env = {}, input = '' }: Given = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...stripAnnalsSettings(process.env), ...env },
  });
  // A command that does not read its input closes it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr, json: () => JSON.parse(stdout) };
}

/** The environment without the settings of whoever runs the tests. */
export function stripAnnalsSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isKept = ([name]: [string, unknown]): boolean =>
    !name.startsWith('ANNALS_') && name !== 'FORCE_COLOR';
  return Object.fromEntries(Object.entries(environment).filter(isKept));
}
