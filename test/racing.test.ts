// Many writers at once: the log stays dense, each resource's chain unbroken, the root exact.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/core/json.ts';
import { startServer, type TestServer } from './harness.ts';

interface Item {
  position: number;
  version: number;
  resource: { id: string };
  before: JsonObject | null;
  after: JsonObject | null;
  continuity: string;
  leafHash: string;
}

const WRITERS = 64;
const RESOURCES = 10;
const WRITES = 25;
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** RFC 6962, section 2.1, as it is written there. */
function referenceRoot(leaves: Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const [left, right] = [referenceRoot(leaves.slice(0, split)), referenceRoot(leaves.slice(split))];
  return createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();
}

async function readAll(): Promise<Item[]> {
  const items: Item[] = [];
  for (let page = 1; ; page++) {
    const path = `/v1/changes?order=asc&limit=1000&page=${page}&include=states`;
    const { data } = (await server.request('GET', path)).json as { data: Item[] };
    items.push(...data);
    if (data.length < 1000) return items;
  }
}

describe('64 writers on 10 resources', () => {
  it('leave positions and versions dense, chains unbroken, and the reference root', async () => {
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (let write = 0; write < WRITES; write++) {
          const id = String((writer + write) % RESOURCES);
          const answer =
            write % 2 === 0
              ? await server.request('PUT', `/v1/resources/counters/${id}`, { writer, write })
              : await server.request('PATCH', `/v1/resources/counters/${id}`, { [`w${writer}`]: write });
          expect([200, 201], answer.text).toContain(answer.status);
        }
      }),
    );
    const items = await readAll();
    expect(items).toHaveLength(WRITERS * WRITES);
    expect(items.map(({ position }) => position)).toEqual(items.map((_, index) => index));
    const latest = new Map<string, Item>();
    for (const item of items) {
      const last = latest.get(item.resource.id);
      expect(item.version).toBe((last?.version ?? 0) + 1);
      expect(item.before).toEqual(last?.after ?? null);
      expect(item.continuity).toBe(last === undefined ? 'first' : 'continuous');
      latest.set(item.resource.id, item);
    }
    const root = referenceRoot(items.map(({ leafHash }) => Buffer.from(leafHash, 'base64')));
    const head = (await server.request('GET', '/v1/head')).json;
    expect(head).toEqual({ size: items.length, rootHash: root.toString('base64') });
  });

  it('lose no update where each guards its write with If-Match', async () => {
    await server.request('PUT', '/v1/resources/guarded/1', { count: 0 });
    const add = async (): Promise<void> => {
      for (;;) {
        const read = await server.request('GET', '/v1/resources/guarded/1');
        const { state } = read.json as { state: { count: number } };
        const etag = read.headers.get('etag') as string;
        const next = { count: state.count + 1 };
        const answer = await server.request('PUT', '/v1/resources/guarded/1', next, { 'if-match': etag });
        if (answer.status === 200) return;
        expect(answer.status, answer.text).toBe(412);
      }
    };
    await Promise.all(Array.from({ length: 20 }, add));
    const { json } = await server.request('GET', '/v1/resources/guarded/1');
    expect(json).toMatchObject({ version: 21, state: { count: 20 } });
  });
});
