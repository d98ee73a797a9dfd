// The reads of `scale`, on PostgreSQL: in a large log and in a small one.

import { type ChildServer, startChild } from '../test/child.ts';
import type { PostgresServer } from '../test/postgres-server.ts';
import { LARGE } from './large.ts';
import { createDatabase, run } from './postgres-database.ts';
import type { Answer } from './question.ts';
import { compareReads, SMALL } from './scale.ts';
import { chunksOf, repeatedLines, streamInto } from './stream.ts';

export async function readsAtScale(server: PostgresServer): Promise<Answer[]> {
  const large = await filled(server, 'large', LARGE);
  const small = await filled(server, 'small', SMALL);
  const answers = await compareReads(small, large);
  await large.end('SIGTERM');
  await small.end('SIGTERM');
  return answers.map((answer) => ({ ...answer, question: `PostgreSQL: ${answer.question}` }));
}

async function filled(server: PostgresServer, name: string, count: number): Promise<ChildServer> {
  const url = await createDatabase(server, name);
  const annals = await startChild({ ANNALS_DATABASE_URL: url });
  await streamInto(annals.url, chunksOf(repeatedLines(count)));
  await run(url, 'VACUUM ANALYZE');
  return annals;
}
