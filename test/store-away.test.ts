// The database is away: the server says so, to whoever asks and to whoever looks whether it is ready.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { annals } from './command.ts';
import { type Answer, ROOT_TOKEN } from './harness.ts';
import { startWorld, type World } from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'annals-away-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ['memory', async () => openMemoryStore()],
  ['SQLite', (name: string) => openSqliteStore(join(folder, `${name}.db`))],
] satisfies [string, (name: string) => Promise<Store>][])('a server whose store is away, %s', (_, open) => {
  let world: World;
  let store: Store;
  beforeEach(async ({ task }) => {
    store = await open(task.id);
    world = await startWorld({ store });
  });
  afterEach(() => world.stop());

  const ask = (method: string, path: string, body?: object): Promise<Answer> =>
    world.ask(ROOT_TOKEN, method, path, { body });

  it('is not ready, but alive', async () => {
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 200, json: { status: 'ready' } });
    await store.close();
    expect(await ask('GET', '/readyz')).toMatchObject({
      status: 503,
      json: { status: 'the database does not answer' },
    });
    expect((await ask('GET', '/healthz')).status).toBe(200);
  });

  it('answers 503 to reads and writes, and says when to try again', async () => {
    await store.close();
    const answers = [await ask('GET', '/v1/changes'), await ask('PUT', '/v1/resources/notes/1', { a: 1 })];
    for (const { status, json, headers } of answers) {
      expect({ status, json }).toMatchObject({ status: 503, json: { code: 'store_unavailable' } });
      expect(headers.get('retry-after')).toBe('1');
    }
  });

  it('makes commands end with 7, which may work later', async () => {
    await store.close();
    const env = { ANNALS_URL: world.url, ANNALS_TOKEN: ROOT_TOKEN };
    const { code, stderr } = await annals(['head'], { env });
    expect({ code, stderr }).toEqual({ code: 7, stderr: expect.stringMatching(/^annals head: .+\n$/) });
  });
});
