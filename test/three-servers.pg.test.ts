// Three servers on one database under load, one after the other killed with SIGKILL and started again. The
// long form is `ANNALS_KILLS=60 npx vitest run test/three-servers`.

import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sha256 } from '../src/core/merkle.ts';
import { verifyLog } from '../src/query/verify.ts';
import { openPostgresAudit } from '../src/store/postgres/audit.ts';
import { type ChildServer, startChild } from './child.ts';
import { ROOT_TOKEN } from './harness.ts';
import { createDatabase, sql, type TestDatabase } from './postgres.ts';
import { makeRandom } from './random.ts';

const KILLS = Number(process.env.ANNALS_KILLS ?? 6);
const WRITERS = 12;
const sha256: Sha256 = (data) => hash('sha256', data, 'buffer');
const random = makeRandom();

let database: TestDatabase;
let servers: ChildServer[];

beforeAll(async () => {
  database = await createDatabase();
  servers = [await started(), await started(), await started()];
});
afterAll(async () => {
  for (const server of servers ?? []) await server.end('SIGKILL');
  await database?.drop();
});

const started = (): Promise<ChildServer> => startChild({ ANNALS_DATABASE_URL: database.url });

interface Receipt {
  id: string;
  position: number;
  version: number;
  leafHash: string;
}

function changeOf(): { id: string } {
  const resource = { type: 'things', id: String(random.below(10)) };
  const after = { value: random.below(1000), text: 'x'.repeat(random.below(500)) };
  return {
    id: crypto.randomUUID(),
    resource,
    action: 'update',
    actor: { type: 'user', id: 'ada' },
    after,
  } as {
    id: string;
  };
}

/** Sends a change to one server after the other until one acknowledges it. */
async function postUntilKept(change: { id: string }): Promise<Receipt> {
  for (;;) {
    const { url } = random.pick(servers);
    try {
      const answer = await fetch(`${url}/v1/changes`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ROOT_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(change),
      });
      if (answer.status === 201) return (await answer.json()) as Receipt;
      expect(answer.status, await answer.text()).toBe(503);
    } catch (error) {
      // The server is gone, and with it the answer: whether the change was kept, another one tells.
      if (!(error instanceof TypeError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('three servers on one database, killed one after the other under load', () => {
  it(
    'keep every acknowledged change once, positions dense, the chain of states unbroken',
    async () => {
      const acknowledged = new Map<string, Receipt>();
      let isDone = false;
      const writers = Array.from({ length: WRITERS }, async () => {
        while (!isDone) {
          const receipt = await postUntilKept(changeOf());
          acknowledged.set(receipt.id, receipt);
        }
      });
      for (let kill = 0; kill < KILLS; kill++) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        const victim = kill % servers.length;
        await servers[victim]?.end('SIGKILL');
        servers[victim] = await started();
      }
      isDone = true;
      await Promise.all(writers);

      const hint = `ANNALS_SEED=${random.seed} repeats the choices of this run`;
      expect(acknowledged.size, hint).toBeGreaterThan(KILLS * 5);
      const kept = await sql<{ id: string; position: string; version: string; continuity: string }>(
        database.url,
        'SELECT id, position, version, continuity FROM annals.entries ORDER BY position',
      );
      expect(kept.map(({ position }) => Number(position))).toEqual(kept.map((_, index) => index));
      expect(kept.map(({ id }) => id).sort(), hint).toEqual([...acknowledged.keys()].sort());
      for (const { id, position, version, continuity } of kept) {
        const receipt = acknowledged.get(id);
        expect([Number(position), Number(version)], hint).toEqual([receipt?.position, receipt?.version]);
        expect(continuity).not.toBe('gap');
      }
      const audit = await openPostgresAudit(database.url);
      const [log] = await audit.logs();
      const { size, disagreement } = await verifyLog(audit, log as string, sha256);
      await audit.close();
      expect({ size, disagreement }, hint).toEqual({ size: kept.length, disagreement: undefined });
    },
    120_000 + KILLS * 20_000,
  );
});
