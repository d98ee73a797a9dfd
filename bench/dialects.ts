// The lists of two dialects at their beginning and far behind it, in the large log; and gRPC against a bare
// Connect service that answers the same message.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  ListOrgChangesRequestSchema,
  ListOrgChangesResponseSchema,
  ManagementService,
} from '@zitadel/proto/zitadel/management_pb.js';
import { grpcRateOf } from './grpc-load.ts';
import { LARGE, largeDatabase, versionsInLarge } from './large.ts';
import { msOf, ratesInTurn } from './load.ts';
import { type Answer, amount, percentile, ratioOfRates } from './question.ts';
import { HEADERS, type MeasuredAnnals, startAnnals, startBare } from './servers.ts';

const READS = 2_000;
const LATE_PAGE = 1_000;
const ENTRIES = 20;
const LOAD = { connections: 4, streams: 16, seconds: 5 };
const ROUNDS = 5;

interface List {
  name: string;
  path(page: number): string;
  /** The exact count in an answer. */
  countIn(answer: unknown): unknown;
  count(): number;
}

const LISTS: List[] = [
  {
    name: '/history/',
    path: (page) => `/history/?page=${page}`,
    countIn: (answer) => (answer as { count?: number }).count,
    count: () => LARGE,
  },
  {
    name: '/api/versions',
    path: (page) => `/api/versions?page[number]=${page}`,
    countIn: (answer) => (answer as { meta?: { record_count?: number } }).meta?.record_count,
    count: versionsInLarge,
  },
];

export async function dialects(): Promise<Answer[]> {
  const { folder, server } = await largeDatabase();
  await server.end();
  const annals = await startAnnals(folder);
  try {
    const answers: Answer[] = [];
    for (const list of LISTS) answers.push(...(await comparePages(annals, list)));
    answers.push(await compareCalls(annals, join(folder, 'changes.bin')));
    return answers;
  } finally {
    await annals.end();
  }
}

async function comparePages({ url }: MeasuredAnnals, list: List): Promise<Answer[]> {
  const [first, late] = [url + list.path(1), url + list.path(LATE_PAGE)];
  const bytes = [await checkedBytes(first, list), await checkedBytes(late, list)];
  const times: [number[], number[]] = [[], []];
  for (let read = 0; read < READS; read++) {
    times[0].push(await msOf(first));
    times[1].push(await msOf(late));
  }
  const [firstMs, lateMs] = times.map((values) => values.slice(READS / 10)) as [number[], number[]];
  const answer = (what: string, share: number): Answer => {
    const [one, other] = [percentile(lateMs, share), percentile(firstMs, share)];
    return {
      question: `${list.name} of ${amount(LARGE)}, page ${amount(LATE_PAGE)} / page 1, ${what}`,
      figure: one / other,
      reach: { atMost: 2 },
      unit: '',
      beside: `${one.toFixed(2)} ms, ${other.toFixed(2)} ms; ${bytes[1]} B, ${bytes[0]} B`,
    };
  };
  return [answer('median', 0.5), answer('99th percentile', 0.99)];
}

/** The length of an answer whose count is exact. */
async function checkedBytes(url: string, { name, countIn, count }: List): Promise<number> {
  const text = await fetch(url, { headers: HEADERS }).then((answer) => answer.text());
  const [got, wanted] = [countIn(JSON.parse(text)), count()];
  if (got !== wanted) throw new Error(`${name} counts ${got}, there are ${wanted}`);
  return Buffer.byteLength(text);
}

async function compareCalls(annals: MeasuredAnnals, file: string): Promise<Answer> {
  await recordOrgChanges(annals);
  const answered = await listOrgChanges(annals.url);
  writeFileSync(file, answered);
  const bare = await startBare('bare-grpc.ts', file);
  try {
    if (!(await listOrgChanges(bare.url)).equals(answered)) throw new Error('the messages are not the same');
    const load = {
      ...LOAD,
      path: `/${ManagementService.typeName}/${ManagementService.method.listOrgChanges.name}`,
      headers: HEADERS,
      message: toBinary(ListOrgChangesRequestSchema, create(ListOrgChangesRequestSchema, QUERY)),
    };
    const [ours, bares] = await ratesInTurn(
      () => grpcRateOf({ ...load, url: annals.url }),
      () => grpcRateOf({ ...load, url: bare.url }),
      ROUNDS,
    );
    const calls = `${LOAD.connections * LOAD.streams} calls at once`;
    return ratioOfRates(
      `gRPC ListOrgChanges of ${ENTRIES} (${answered.length} bytes), ${calls} / a bare Connect service that answers them`,
      ours,
      bares,
    );
  } finally {
    await bare.end();
  }
}

const QUERY = { query: { limit: ENTRIES } };

async function recordOrgChanges({ url }: MeasuredAnnals): Promise<void> {
  const { data } = (await fetch(`${url}/v1/organizations`, { headers: HEADERS }).then((answer) =>
    answer.json(),
  )) as { data: { id: string }[] };
  const changes = Array.from({ length: 2 * ENTRIES }, (_, number) => ({
    resource: { type: 'organizations', id: data[0]?.id },
    action: 'update',
    actor: { type: 'user', id: 'ada', name: 'Ada Lovelace', loginName: 'ada@example.com' },
    after: { name: `Name ${number}` },
  }));
  const answer = await fetch(`${url}/v1/changes`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-type': 'application/json' },
    body: JSON.stringify(changes),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
}

/** The answer of a server, as the message is encoded. */
async function listOrgChanges(baseUrl: string): Promise<Buffer> {
  const client = createClient(ManagementService, createGrpcTransport({ baseUrl }));
  const answer = await client.listOrgChanges(QUERY, { headers: HEADERS });
  if (answer.result.length !== ENTRIES) throw new Error(`${answer.result.length} changes`);
  return Buffer.from(toBinary(ListOrgChangesResponseSchema, answer));
}
