// The servers that are measured: Annals, and bare ones that do nothing in between, each in a process of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from '../test/child.ts';
import { ROOT_TOKEN } from '../test/harness.ts';

export const HEADERS = { authorization: `Bearer ${ROOT_TOKEN}` };

export interface Measured {
  url: string;
  end(): Promise<void>;
}

export interface MeasuredAnnals extends Measured {
  database: string;
  residentBytes(): number;
}

/** A folder that is gone when the run ends. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'annals-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function startAnnals(folder: string): Promise<MeasuredAnnals> {
  const database = join(folder, 'annals.db');
  const server = await startChild({ ANNALS_DATABASE_URL: `sqlite:${database}` });
  return {
    url: server.url,
    database,
    residentBytes: server.residentBytes,
    end: async () => void (await server.end('SIGTERM')),
  };
}

/**
 * A bare server that answers what is in the file.
 * @param script `bare.ts`: Fastify, `POST /` parses JSON and answers 201, `GET /` answers the bytes of the file;
 * `bare-grpc.ts`: Connect, ListOrgChanges answers the message in the file
 */
export async function startBare(script: 'bare.ts' | 'bare-grpc.ts', file: string): Promise<Measured> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [path, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  return {
    url,
    end: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}
