// A server in a process of its own, for tests that kill it, starve it or look at its memory.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ROOT_TOKEN } from './harness.ts';

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));

export interface ChildServer {
  url: string;
  process: ChildProcess;
  /** What it has printed, both ways. */
  output(): string;
  /** Resident memory now, bytes; Linux only. */
  residentBytes(): number;
  /** Ends it with a signal and waits. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `annals serve` on a free port; resolves when it is ready. */
export async function startChild(settings: Record<string, string>): Promise<ChildServer> {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: {
      ...process.env,
      ANNALS_PORT: '0',
      ANNALS_ROOT_TOKEN: ROOT_TOKEN,
      ANNALS_LOG_LEVEL: 'error',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const ready = /ready at (http:\S+)/.exec(printed)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${printed}`)));
  });
  return {
    url,
    process: child,
    output: () => printed,
    residentBytes: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    },
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code] = (await ended) as [number | null];
      return code;
    },
  };
}
