// Several servers on one database: on organizations of their own, and all on one.

import { type ChildServer, startChild } from '../test/child.ts';
import type { PostgresServer } from '../test/postgres-server.ts';
import { rateOf } from './load.ts';
import { createDatabase } from './postgres-database.ts';
import { type Answer, median } from './question.ts';
import { HEADERS } from './servers.ts';

const SECONDS = Number(process.env.SECONDS ?? 5);
const ROUNDS = 5;
const WARMING = 8;
const CONNECTIONS = 48;

/** Who writes to which organization: a server and a slug for each share of the connections. */
type Shares = [server: ChildServer, slug: string][];

export async function manyServers(postgres: PostgresServer): Promise<Answer[]> {
  const url = await createDatabase(postgres, 'servers');
  const servers: ChildServer[] = [];
  for (let count = 0; count < 4; count++) servers.push(await startChild({ ANNALS_DATABASE_URL: url }));
  const [first] = servers as [ChildServer];
  const apart = ['one', 'two', 'three'];
  for (const slug of [...apart, 'hot']) await makeOrganization(first.url, slug);
  const shares = {
    one: apart.map((slug) => [first, slug]),
    three: apart.map((slug, index) => [servers[index], slug]),
    alone: [[first, 'hot']],
    hot: servers.map((server) => [server, 'hot']),
  } as { [Name in 'one' | 'three' | 'alone' | 'hot']: Shares };
  // A server that is asked a third as often is cold for three times as long: that is not what is asked here.
  for (let round = 0; round < WARMING; round++) {
    await totalRate(servers.map((server, index) => [server, apart[index % apart.length] as string]));
  }
  const rates = { one: [] as number[], three: [] as number[], alone: [] as number[], hot: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['one', 'three', 'alone', 'hot'] as const) {
      rates[name].push(await totalRate(shares[name]));
    }
  }
  for (const server of servers) await server.end('SIGTERM');
  const answer = (question: string, many: number[], one: number[], atLeast: number): Answer => ({
    question: `PostgreSQL: ${question}`,
    figure: median(many.map((rate, round) => rate / (one[round] as number))),
    reach: { atLeast },
    unit: '',
    beside: `${median(many).toFixed(0)}/s, one server ${median(one).toFixed(0)}/s`,
  });
  return [
    answer('three servers on an organization each / one server on all three', rates.three, rates.one, 1),
    answer('four servers on one organization / one server', rates.hot, rates.alone, 0.5),
  ];
}

/** Changes acknowledged per second by all together, the connections shared evenly. */
async function totalRate(shares: Shares): Promise<number> {
  const rates = shares.map(([{ url }, slug]) =>
    rateOf({
      url,
      connections: CONNECTIONS / shares.length,
      seconds: SECONDS,
      requests: Array.from({ length: RESOURCES }, (_, index) => ({
        method: 'POST' as const,
        path: '/v1/changes',
        headers: { ...HEADERS, 'content-type': 'application/json', 'annals-organization': slug },
        body: changeOf(index),
      })),
      // In the place of each `[<id>]` comes one of its own.
      idReplacement: true,
    }),
  );
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
}

const RESOURCES = 800;
const TEXT = 'x'.repeat(300);

function changeOf(index: number): string {
  return JSON.stringify({
    resource: { type: 'things', id: `${index}` },
    action: 'update',
    actor: { type: 'user', id: 'ada' },
    after: { count: '[<id>]', text: TEXT },
  });
}

async function makeOrganization(url: string, slug: string): Promise<void> {
  const answer = await fetch(`${url}/v1/organizations`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-type': 'application/json' },
    body: JSON.stringify({ slug }),
  });
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
}
