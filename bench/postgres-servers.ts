// Several servers on one database: on organizations of their own, and all on one.

import { type ChildServer, startChild } from '../test/child.ts';
import type { PostgresServer } from '../test/postgres-server.ts';
import { createDatabase } from './postgres-database.ts';
import { type Answer, median } from './question.ts';
import { HEADERS } from './servers.ts';

const SECONDS = Number(process.env.SECONDS ?? 5);
const ROUNDS = 5;
const WARMING = 8;
const WRITERS = 48;

export async function manyServers(postgres: PostgresServer): Promise<Answer[]> {
  const url = await createDatabase(postgres, 'servers');
  const servers: ChildServer[] = [];
  for (let count = 0; count < 4; count++) servers.push(await startChild({ ANNALS_DATABASE_URL: url }));
  const apart = ['one', 'two', 'three'];
  const slugs = [...apart, 'hot'];
  for (const slug of slugs) await post(servers[0]?.url as string, '/v1/organizations', { slug });
  const rates = { one: [] as number[], three: [] as number[], alone: [] as number[], hot: [] as number[] };
  const slugOf = (writer: number): string => apart[writer % apart.length] as string;
  // A server that is asked a third as often is cold for three times as long: that is not what is asked here.
  for (let round = 0; round < WARMING; round++) await totalRate(servers, slugOf);
  for (let round = 0; round < ROUNDS; round++) {
    rates.one.push(await totalRate(servers.slice(0, 1), slugOf));
    rates.three.push(await totalRate(servers.slice(0, 3), slugOf));
    rates.alone.push(await totalRate(servers.slice(0, 1), () => 'hot'));
    rates.hot.push(await totalRate(servers, () => 'hot'));
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

/** Changes acknowledged per second by all servers together, WRITERS writers shared among them. */
async function totalRate(
  servers: readonly ChildServer[],
  slugOf: (writer: number) => string,
): Promise<number> {
  const until = performance.now() + SECONDS * 1000;
  let count = 0;
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    const index = writer % servers.length;
    while (performance.now() < until) {
      const resource = { type: 'things', id: `${writer}-${count % 50}` };
      const change = {
        resource,
        action: 'update',
        actor: { type: 'user', id: 'ada' },
        after: { count, text: TEXT },
      };
      await post(servers[index]?.url as string, '/v1/changes', change, slugOf(writer));
      count += 1;
    }
  });
  const started = performance.now();
  await Promise.all(writers);
  return count / ((performance.now() - started) / 1000);
}

const TEXT = 'x'.repeat(300);

async function post(url: string, path: string, body: object, organization = 'default'): Promise<void> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { ...HEADERS, 'content-type': 'application/json', 'annals-organization': organization },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}
