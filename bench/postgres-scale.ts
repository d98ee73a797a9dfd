// Reads on PostgreSQL at a million entries against ten thousand.

import { type ChildServer, startChild } from '../test/child.ts';
import type { PostgresServer } from '../test/postgres-server.ts';
import { msOf } from './load.ts';
import { createDatabase, run } from './postgres-database.ts';
import { type Answer, amount, percentile } from './question.ts';
import { repeatedLines, streamInto } from './stream.ts';

const LARGE = Number(process.env.LARGE ?? 1_000_000);
const SMALL = 10_000;
const READS = Number(process.env.READS ?? 400);

const READ: Record<string, (at: number) => string> = {
  'history page': (at) => `/v1/resources/countries/${COUNTRIES[at % COUNTRIES.length]}/changes?limit=20`,
  'filtered list': () => '/v1/changes?action=update&changed=name&limit=20',
  'exact count': () => '/v1/changes?action=update&changed=name&count=exact&limit=1',
  'page 400': () => '/v1/changes?action=update&limit=20&page=400',
};
const COUNTRIES = ['CHE', 'FRA', 'DEU', 'ITA', 'AUT', 'ESP', 'NOR', 'JPN'];

export async function readsAtScale(server: PostgresServer): Promise<Answer[]> {
  const large = await filled(server, 'large', LARGE);
  const small = await filled(server, 'small', SMALL);
  const answers: Answer[] = [];
  for (const [name, path] of Object.entries(READ)) {
    const times: [number[], number[]] = [[], []];
    // In turn, so that a machine whose speed drifts drifts for both; the first reads warm up.
    for (let at = -20; at < READS; at++) {
      const [slow, fast] = [await msOf(large.url + path(at + 20)), await msOf(small.url + path(at + 20))];
      if (at < 0) continue;
      times[0].push(slow);
      times[1].push(fast);
    }
    const [atLarge, atSmall] = times.map((some) => percentile(some, 0.99)) as [number, number];
    answers.push({
      question: `PostgreSQL: ${name} at ${amount(LARGE)} entries / at ${amount(SMALL)}, 99th percentile`,
      figure: atLarge / atSmall,
      reach: { atMost: 2 },
      unit: '',
      beside: `${atLarge.toFixed(1)} ms, ${atSmall.toFixed(1)} ms`,
    });
  }
  await large.end('SIGTERM');
  await small.end('SIGTERM');
  return answers;
}

async function filled(server: PostgresServer, name: string, count: number): Promise<ChildServer> {
  const url = await createDatabase(server, name);
  const annals = await startChild({ ANNALS_DATABASE_URL: url });
  await streamInto(annals.url, repeatedLines(count));
  await run(url, 'VACUUM ANALYZE');
  return annals;
}
