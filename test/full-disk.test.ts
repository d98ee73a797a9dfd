// No space left: the change is refused, nothing acknowledged is lost, service resumes when there is space.
//
// The file-size limit of the process (RLIMIT_FSIZE) stands for a full disk: writes beyond it fail in the
// operating system, and it can be lifted while the server runs. It needs `prlimit` (util-linux).

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startChild } from './child.ts';
import { ROOT_TOKEN } from './harness.ts';

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'annals-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Receipt {
  id: string;
  position: number;
}

function limitFiles(pid: number | undefined, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}

async function put(
  url: string,
  count: number,
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${url}/v1/resources/blobs/1`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${ROOT_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ count, text: 'x'.repeat(50_000) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe.skipIf(!hasPrlimit)('a server whose disk is full', () => {
  it('refuses with 503 and a clear code, loses nothing, and resumes when there is space', async () => {
    const database = join(folder, 'annals.db');
    const server = await startChild({ ANNALS_DATABASE_URL: `sqlite:${database}` });
    const acknowledged: Receipt[] = [];
    for (let count = 0; count < 20; count++)
      acknowledged.push((await put(server.url, count)).body as unknown as Receipt);
    limitFiles(
      server.process.pid,
      Math.max(statSync(`${database}-wal`).size, statSync(database).size) + 200_000,
    );

    let refused: Awaited<ReturnType<typeof put>> | undefined;
    for (let count = 20; count < 500 && refused === undefined; count++) {
      const answer = await put(server.url, count);
      if (answer.status === 200) acknowledged.push(answer.body as unknown as Receipt);
      else refused = answer;
    }
    expect(refused).toMatchObject({ status: 503 });
    expect(['storage_full', 'store_unavailable']).toContain(refused?.body.code);
    expect(refused?.headers.get('retry-after')).toBe('1');
    const reading = await fetch(`${server.url}/v1/head`, {
      headers: { authorization: `Bearer ${ROOT_TOKEN}` },
    });
    expect(await reading.json()).toMatchObject({ size: acknowledged.length });

    limitFiles(server.process.pid, 'unlimited');
    const resumed = await put(server.url, 1000);
    expect(resumed).toMatchObject({ status: 200, body: { position: acknowledged.length } });
    expect(await server.end('SIGTERM')).toBe(0);

    const again = await startChild({ ANNALS_DATABASE_URL: `sqlite:${database}` });
    for (const { id, position } of acknowledged) {
      const entry = await fetch(`${again.url}/v1/changes/${id}`, {
        headers: { authorization: `Bearer ${ROOT_TOKEN}` },
      });
      expect(await entry.json()).toMatchObject({ id, position });
    }
    await again.end('SIGTERM');
  });
});
