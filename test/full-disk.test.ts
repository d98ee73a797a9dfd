// No space left: the change is refused, nothing acknowledged is lost, service resumes when there is space.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { startChild } from './child.ts';
import { ROOT_TOKEN, startServer } from './harness.ts';

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'annals-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Receipt {
  id: string;
  position: number;
}

/**
 * From now on SQLite answers SQLITE_FULL to every entry, as it does where the disk is full: each is to have
 * a number of its own, behind the greatest that there is.
 */
const FILL = `
  CREATE TABLE numbers (number INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER);
  INSERT INTO numbers VALUES (9223372036854775807, NULL);
  CREATE TRIGGER fill AFTER INSERT ON entries BEGIN INSERT INTO numbers (entry) VALUES (NEW.entry); END`;

/** The file-size limit of a process (RLIMIT_FSIZE): writes beyond it fail in the operating system. */
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

describe('a server whose disk is full', () => {
  it('says storage_full, keeps nothing of what it refuses, and resumes when there is space', async () => {
    const path = join(folder, 'full.db');
    const server = await startServer(`sqlite:${path}`);
    expect(await put(server.url, 1)).toMatchObject({ status: 201, body: { position: 0 } });
    const database = new DatabaseSync(path);
    database.exec(FILL);
    for (let time = 0; time < 2; time++) {
      const refused = await put(server.url, 2);
      expect(refused).toMatchObject({ status: 503, body: { code: 'storage_full' } });
      expect(refused.headers.get('retry-after')).toBe('1');
      expect((await server.request('GET', '/v1/head')).json).toMatchObject({ size: 1 });
    }
    database.exec('DROP TRIGGER fill');
    database.close();
    expect(await put(server.url, 2)).toMatchObject({ status: 200, body: { position: 1, version: 2 } });
    await server.stop();
  });

  it('loses nothing that was acknowledged where writes fail, and resumes when there is space', async ({
    skip,
  }) => {
    skip(!hasPrlimit, 'prlimit (util-linux) is missing, which limits the files of a server that runs');
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
    // A file that is too large is a failed write to SQLite, not a full disk.
    expect(refused).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
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
