// PostgreSQL fails in all the ways that it can. Nothing acknowledged is lost, nothing is kept twice, the
// caller is told, and service resumes by itself.

import { hash } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Sha256 } from '../src/core/merkle.ts';
import { verifyLog } from '../src/query/verify.ts';
import { openPostgresAudit } from '../src/store/postgres/audit.ts';
import { type Answer, startServer, type TestServer } from './harness.ts';
import { startLossyProxy } from './lossy-proxy.ts';
import { createDatabase, sql, type TestDatabase } from './postgres.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { makeRandom } from './random.ts';

const sha256: Sha256 = (data) => hash('sha256', data, 'buffer');
const random = makeRandom();
const hint = `ANNALS_SEED=${random.seed} repeats this run`;

let postgres: PostgresServer;
let database: TestDatabase;
const servers: TestServer[] = [];
const unavailable = { code: 'store_unavailable', status: 503 };
/** The answer to each change that was acknowledged. */
let acknowledged: Map<string, { position: number }>;

beforeAll(async () => {
  postgres = await startPostgres({ fsync: 'on', full_page_writes: 'on' });
});
afterAll(() => postgres?.remove());
beforeEach(async () => {
  database = await createDatabase(postgres.url);
  acknowledged = new Map();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  await database.drop();
});

async function serve(url = database.url): Promise<TestServer> {
  const server = await startServer(url);
  servers.push(server);
  return server;
}

function changeOf(id = crypto.randomUUID()): { id: string } & Record<string, unknown> {
  const resource = { type: 'things', id: String(random.below(10)) };
  return {
    id,
    resource,
    action: 'update',
    actor: { type: 'user', id: 'ada' },
    after: { value: random.below(1e6) },
  };
}

/** Posts a change until it is acknowledged; answers, and adds to `refusals`, each status that came before. */
async function postUntilKept(
  server: TestServer,
  change: { id: string },
  refusals: number[] = [],
): Promise<number[]> {
  for (;;) {
    const answer = await server.request('POST', '/v1/changes', change);
    if (answer.status === 201) {
      acknowledged.set(change.id, answer.json as { position: number });
      return refusals;
    }
    expect(answer.json, answer.text).toMatchObject(unavailable);
    expect(answer.headers.get('retry-after')).toBe('1');
    refusals.push(answer.status);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** Every acknowledged change is in the log once, at its place; the log has nothing else and verifies. */
async function expectIntact(server: TestServer): Promise<void> {
  const audit = await openPostgresAudit(database.url);
  const [log] = await audit.logs();
  const { size, disagreement } = await verifyLog(audit, log as string, sha256);
  await audit.close();
  expect(disagreement, hint).toBeUndefined();
  expect(size, hint).toBe(acknowledged.size);
  for (const [id, { position }] of acknowledged) {
    const answer = await server.request('GET', `/v1/changes/${id}`);
    expect((answer.json as { position: number }).position, hint).toBe(position);
  }
  const versions = await sql<{ type: string; id: string; versions: string[] }>(
    database.url,
    `SELECT resource_type AS type, resource_id AS id, array_agg(version::text ORDER BY position) AS versions
      FROM annals.entries WHERE log = $1 GROUP BY 1, 2`,
    [log as string],
  );
  for (const { versions: of } of versions) expect(of, hint).toEqual(of.map((_, index) => `${index + 1}`));
}

const post = (server: TestServer): Promise<Answer> => server.request('POST', '/v1/changes', changeOf());

describe('when PostgreSQL fails', () => {
  it.each([
    ['one server', 1],
    ['three servers that write to one log', 3],
  ])(
    'ends connections of %s at random: each change is kept once, and what was not answered can be sent again',
    async (_, count) => {
      const [server, ...others] = [
        await serve(),
        ...(await Promise.all(Array.from({ length: count - 1 }, () => serve()))),
      ];
      let isDone = false;
      const writers = Array.from({ length: 12 }, async (_, writer) => {
        const own = [server, ...others][writer % count] as TestServer;
        const refusals: number[] = [];
        while (!isDone) refusals.push(...(await postUntilKept(own, changeOf())));
        return refusals;
      });
      for (let round = 0; round < 40; round++) {
        await new Promise((resolve) => setTimeout(resolve, 20 + random.below(80)));
        await sql(
          postgres.url,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = $1 AND pid <> pg_backend_pid() AND random() < 0.5`,
          [new URL(database.url).pathname.slice(1)],
        );
      }
      isDone = true;
      const refusals = (await Promise.all(writers)).flat();
      expect(refusals.length).toBeGreaterThan(0);
      expect(acknowledged.size).toBeGreaterThan(50);
      await expectIntact(server);
    },
  );

  it('is stopped and started: writes and reads say so meanwhile, and go on by themselves afterwards', async () => {
    const server = await serve();
    for (let count = 0; count < 5; count++) await postUntilKept(server, changeOf());
    await postgres.stop('immediate');
    const refused = await post(server);
    expect(refused.json).toMatchObject(unavailable);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await server.request('GET', '/v1/changes')).json).toMatchObject(unavailable);
    expect((await server.request('GET', '/v1/resources/things/1')).json).toMatchObject(unavailable);
    expect((await server.request('GET', '/readyz')).status).toBe(503);
    expect((await server.request('GET', '/healthz')).status).toBe(200);
    await postgres.start();
    expect((await server.request('GET', '/readyz')).status).toBe(200);
    expect((await server.request('GET', '/v1/changes')).status).toBe(200);
    for (let count = 0; count < 5; count++) await postUntilKept(server, changeOf());
    await expectIntact(server);
  });

  it('is stopped and started twice while two servers write: every acknowledged change is kept once', async () => {
    const both = [await serve(), await serve()] as const;
    const refusals = both.map((): number[] => []) as [number[], number[]];
    let isDone = false;
    const writing = Promise.all(
      Array.from({ length: 12 }, async (_, writer) => {
        const own = (writer % 2) as 0 | 1;
        while (!isDone) await postUntilKept(both[own], changeOf(), refusals[own]);
      }),
    );
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 10))]);
    };
    try {
      for (let stop = 0; stop < 2; stop++) {
        const kept = acknowledged.size;
        await until(() => acknowledged.size > kept + 40);
        const refused = refusals.map(({ length }) => length);
        await postgres.stop('immediate');
        await until(() => refusals.every(({ length }, server) => length > (refused[server] as number)));
        await postgres.start();
      }
    } finally {
      isDone = true;
    }
    await writing;
    await expectIntact(both[0]);
  });

  it('loses the reply of a commit: the repetition answers the first receipt', async () => {
    const proxy = await startLossyProxy(database.url);
    const server = await serve(`${proxy.url}?listen=off`);
    await postUntilKept(server, changeOf());
    const change = changeOf();
    proxy.loseRepliesTo('annals.append');
    const answer = await server.request('POST', '/v1/changes', change);
    expect(answer.json).toMatchObject(unavailable);
    expect(proxy.lost()).toBe(1);
    proxy.heal();
    const kept = await sql<{ position: string }>(
      database.url,
      'SELECT position FROM annals.entries WHERE id = $1',
      [change.id],
    );
    expect(kept).toEqual([{ position: '1' }]);
    await postUntilKept(server, change);
    expect(acknowledged.get(change.id)).toMatchObject({ position: 1, version: expect.any(Number) });
    await expectIntact(server);
    proxy.close();
  });

  it('loses the reply of a commit with an idempotency key: the repetition answers the first receipt', async () => {
    const proxy = await startLossyProxy(database.url);
    const server = await serve(`${proxy.url}?listen=off`);
    const put = (): Promise<Answer> =>
      server.request('PUT', '/v1/resources/things/1', { value: 1 }, { 'idempotency-key': 'once' });
    proxy.loseRepliesTo('annals.append');
    expect((await put()).json).toMatchObject(unavailable);
    proxy.heal();
    const [first, second] = [await put(), await put()];
    expect(first.json).toMatchObject({ position: 0, version: 1, changed: true });
    expect(second.json).toEqual(first.json);
    proxy.close();
  });

  it('takes too long: the change is refused, and taken once the database is free again', async () => {
    const server = await serve();
    await postUntilKept(server, changeOf());
    await sql(database.url, `ALTER DATABASE ${name(database)} SET statement_timeout = '300ms'`);
    await endConnections();
    const held = await hold('SELECT FROM annals.logs FOR UPDATE');
    expect((await post(server)).json).toMatchObject(unavailable);
    await held.release();
    await postUntilKept(server, changeOf());
    await expectIntact(server);
  });

  it('finds a deadlock: the append is done again', async () => {
    const server = await serve();
    await postUntilKept(server, changeOf());
    const [{ log } = { log: '' }] = await sql<{ log: string }>(database.url, 'SELECT log FROM annals.logs');
    const held = await hold(`SET LOCAL deadlock_timeout = '60s'; SELECT FROM annals.logs FOR UPDATE`);
    const posted = postUntilKept(server, changeOf());
    await untilWaiting();
    const closed = held.run(`SELECT pg_advisory_xact_lock(hashtext('annals.turn'), hashtext('${log}'))`);
    await closed;
    await held.release();
    expect(await posted).toEqual([]);
    const [{ deadlocks } = { deadlocks: '0' }] = await sql<{ deadlocks: string }>(
      database.url,
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(Number(deadlocks)).toBeGreaterThan(0);
    await expectIntact(server);
  });

  it('fails to serialize: the append is done again, and nobody is refused', async () => {
    await serializable();
    const server = await serve();
    await postUntilKept(server, changeOf());
    // The append has its snapshot when it comes to the head, which then changes under it.
    const held = await hold('UPDATE annals.logs SET size = size');
    const posted = postUntilKept(server, changeOf());
    await untilWaiting();
    await held.release();
    expect(await posted).toEqual([]);
    await expectIntact(server);
  });

  it('fails to serialize for two servers on one log: they take turns, and nobody is refused', async () => {
    await serializable();
    const both = [await serve(), await serve()];
    const refusals: number[] = [];
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let count = 0; count < 15; count++)
        await postUntilKept(both[writer % 2] as TestServer, changeOf(), refusals);
    });
    await Promise.all(writers);
    expect(refusals).toEqual([]);
    expect(acknowledged.size).toBe(120);
    await expectIntact(both[0] as TestServer);
  });

  it('has no connection free: whoever waits too long is told, and the rest goes on', async () => {
    const server = await serve(`${database.url}?pool_size=2`);
    const organizations = ['one', 'two'];
    for (const slug of organizations) {
      await server.request('POST', '/v1/organizations', { slug });
      await server.request('POST', '/v1/changes', changeOf(), { 'annals-organization': slug });
    }
    const held = await hold('SELECT FROM annals.logs FOR UPDATE');
    const stuck = organizations.map((slug) =>
      server.request('POST', '/v1/changes', changeOf(), { 'annals-organization': slug }),
    );
    await untilWaiting(2);
    expect((await server.request('GET', '/v1/changes')).json).toMatchObject(unavailable);
    await held.release();
    expect((await Promise.all(stuck)).map(({ status }) => status)).toEqual([201, 201]);
    expect((await server.request('GET', '/v1/changes')).status).toBe(200);
  });

  it('comes back from an older backup: a server that has seen more refuses to write, and says what to do', async () => {
    const server = await serve();
    for (let count = 0; count < 3; count++) await postUntilKept(server, changeOf());
    await postgres.stop();
    postgres.backup();
    await postgres.start();
    const kept = new Map(acknowledged);
    for (let count = 0; count < 4; count++) await postUntilKept(server, changeOf());
    await postgres.stop();
    postgres.restore();
    await postgres.start();
    const refused = await post(server);
    expect(refused.json).toMatchObject({ code: 'head_went_back', status: 503, limit: 7, got: 3 });
    expect((refused.json as { detail: string }).detail).toMatch(
      /an older backup was restored.*restart all servers/s,
    );
    expect((await server.request('GET', '/v1/changes')).status).toBe(200);
    const restarted = await serve();
    acknowledged = kept;
    await postUntilKept(restarted, changeOf());
    await expectIntact(restarted);
  });
});

function name({ url }: TestDatabase): string {
  return new URL(url).pathname.slice(1);
}

/** From now on, the default isolation of new connections. */
async function serializable(): Promise<void> {
  await sql(
    database.url,
    `ALTER DATABASE ${name(database)} SET default_transaction_isolation = 'serializable'`,
  );
}

async function endConnections(): Promise<void> {
  await sql(postgres.url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
    name(database),
  ]);
}

interface Held {
  run(text: string): Promise<unknown>;
  release(): Promise<void>;
}

/** A transaction that stays open with what these statements have locked. */
async function hold(statements: string): Promise<Held> {
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SET statement_timeout = 0; BEGIN; ${statements}`);
  return {
    run: (text) => client.query(text),
    async release() {
      await client.query('COMMIT');
      await client.end();
    },
  };
}

/** Until so many connections wait for a lock. */
async function untilWaiting(count = 1): Promise<void> {
  for (;;) {
    const rows = await sql(
      database.url,
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (rows.length >= count) return;
  }
}
