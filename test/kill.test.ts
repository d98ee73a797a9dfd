// A server killed at random moments under load, again and again, on one data folder. The long form is
// `ANNALS_KILLS=300 npx vitest run test/kill.test.ts`.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type ChildServer, startChild } from './child.ts';
import { ROOT_TOKEN } from './harness.ts';
import { makeRandom } from './random.ts';

const KILLS = Number(process.env.ANNALS_KILLS ?? 30);
const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'annals-kill-'));
const settings = { ANNALS_DATABASE_URL: `sqlite:${join(folder, 'annals.db')}` };
const random = makeRandom();

interface Receipt {
  id: string;
  position: number;
  version: number;
  leafHash: string;
}

/** Everything that was sent; those with a receipt were acknowledged. */
const sent = new Map<string, { body: object; receipt?: Receipt }>();

function nextBody(): { id: string } {
  const id = crypto.randomUUID();
  const body = {
    id,
    resource: { type: 'things', id: String(random.below(10)) },
    action: 'update',
    actor: { type: 'user', id: `writer-${random.below(5)}` },
    after: { value: random.below(1000), text: 'x'.repeat(random.below(2000)) },
  };
  sent.set(id, { body });
  return body;
}

async function post(url: string, body: unknown): Promise<Response> {
  return fetch(`${url}/v1/changes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Receipts that came in. */
let received = 0;

/** Resolves when the next receipts have come in. */
async function nextReceipts(): Promise<void> {
  const before = received;
  while (received === before) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Writes until the server is gone, and keeps the receipts that came in full. */
async function writeUntilGone(url: string): Promise<void> {
  for (;;) {
    const bodies = Array.from({ length: 1 + random.below(4) }, nextBody);
    try {
      const answer = await post(url, bodies);
      const receipts = (await answer.json()) as Receipt[];
      if (answer.status !== 201) throw new Error(JSON.stringify(receipts));
      for (const receipt of receipts) Object.assign(sent.get(receipt.id) ?? {}, { receipt });
      received += receipts.length;
    } catch (error) {
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

async function readAll(url: string): Promise<Map<string, Receipt>> {
  const entries = new Map<string, Receipt>();
  for (let page = 1; ; page++) {
    const answer = await fetch(`${url}/v1/changes?order=asc&limit=1000&page=${page}`, {
      headers: { authorization: `Bearer ${ROOT_TOKEN}` },
    });
    const { data } = (await answer.json()) as { data: Receipt[] };
    for (const entry of data) {
      expect(entries.has(entry.id)).toBe(false);
      expect(entry.position).toBe(entries.size);
      entries.set(entry.id, entry);
    }
    if (data.length < 1000) return entries;
  }
}

async function verify(): Promise<void> {
  const env = { ...process.env, ...settings };
  await promisify(execFile)(process.execPath, [MAIN, 'verify', '--json'], { env });
}

async function checkAcknowledged(server: ChildServer): Promise<number> {
  const entries = await readAll(server.url);
  for (const [id, { receipt }] of sent) {
    if (receipt === undefined) continue;
    const { position, version, leafHash } = receipt;
    expect(entries.get(id), `seed ${random.seed}`).toMatchObject({ position, version, leafHash });
  }
  return entries.size;
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a server killed with SIGKILL under load', () => {
  it(
    `verifies, and has every acknowledged change exactly once, after each of ${KILLS} kills, and sending all again adds only the rest`,
    async () => {
      for (let kill = 1; kill <= KILLS; kill++) {
        const server = await startChild(settings);
        await checkAcknowledged(server);
        const writing = Promise.all(Array.from({ length: 8 }, () => writeUntilGone(server.url)));
        // Every other time it has acknowledged something, however slow the machine is.
        if (kill % 2 === 0) await nextReceipts();
        await new Promise((resolve) => setTimeout(resolve, 20 + random.below(250)));
        await server.end('SIGKILL');
        await writing;
        await verify();
      }
      const server = await startChild(settings);
      const before = await checkAcknowledged(server);
      expect(before).toBeGreaterThan(KILLS);
      const bodies = [...sent.values()].map(({ body }) => body);
      for (let from = 0; from < bodies.length; from += 500) {
        const answer = await post(server.url, bodies.slice(from, from + 500));
        expect(answer.status).toBe(201);
        await answer.text();
      }
      expect(await checkAcknowledged(server)).toBe(sent.size);
      expect(await server.end('SIGTERM')).toBe(0);
      await verify();
    },
    60_000 + KILLS * 20_000,
  );
});
