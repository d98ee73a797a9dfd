// The directory with 10,000 memberships in one organization and 1,000 organizations: how long lists,
// filters and includes take, and what it costs to find out who calls.

import { startServer, type TestServer } from '../test/harness.ts';
import { type Answer, amount, median, percentile } from './question.ts';

const MEMBERS = Number(process.env.MEMBERS ?? 10_000);
const ORGANIZATIONS = Number(process.env.ORGANIZATIONS ?? 1_000);
const READS = 500;
const MOST_MS = 50;
const AT_ONCE = 64;
const MEDIA_TYPE = 'application/vnd.api+json';

export async function directory(): Promise<Answer[]> {
  const server = await startServer();
  try {
    const { member, admin } = await fill(server);
    return [...(await timeReads(server)), await costOfAccess(server, member, admin)];
  } finally {
    await server.stop();
  }
}

/** Answers the secret of a member who is an administrator, and of a credential. */
async function fill(server: TestServer): Promise<{ member: string; admin: string }> {
  await inTurns(ORGANIZATIONS - 1, (index) =>
    made(server, '/v1/organizations', { slug: `organization-${index}`, name: `Organization ${index}` }),
  );
  const found = await server.annals.directory.organization('default');
  const id = found?.id as string;
  const role = (await get(server, '/api/roles?filter[q][kind_eq]=admin', 'default')).data[0]?.id as string;
  const relationships = {
    organization: { data: { type: 'organizations', id } },
    role: { data: { type: 'roles', id: role } },
  };
  const members: string[] = [];
  await inTurns(MEMBERS, async (index) => {
    const attributes = { user_email: `member-${index}@${index % 7}.example`, metadata: { index } };
    const answer = await made(server, '/api/memberships', {
      data: { type: 'memberships', attributes, relationships },
    });
    members.push((answer as { data: { id: string } }).data.id);
  });
  const pat = await made(server, '/v1/tokens', { name: 'member', membership: members[0] });
  const token = await made(server, '/v1/tokens', { name: 'application', scopes: ['read', 'write'] });
  return { member: (pat as { secret: string }).secret, admin: (token as { secret: string }).secret };
}

const READ_KINDS: Record<string, (at: number) => string> = {
  'memberships, any page': (at) => `/api/memberships?page[number]=${1 + ((at * 37) % (MEMBERS / 10))}`,
  'memberships filtered by text, sorted': (at) =>
    `/api/memberships?filter[q][user_email_cont]=${at % 10}1@&sort=-created_at`,
  'memberships with role, organization and applications': (at) =>
    `/api/memberships?include=role,organization,application_memberships&page[size]=25&page[number]=${1 + (at % 100)}`,
  'memberships filtered by their role': () =>
    '/api/memberships?filter[q][role_kind_eq]=admin&filter[q][status_eq]=pending&page[size]=25',
  'organizations, any page': (at) => `/api/organizations?page[number]=${1 + (at % (ORGANIZATIONS / 10))}`,
  'organizations filtered by name': (at) => `/api/organizations?filter[q][name_end]=${at % 100}&sort=name`,
  'roles of all organizations with them': (at) =>
    `/api/roles?include=organization&filter[q][organization_name_start]=Organization&page[number]=${1 + (at % 50)}`,
};

async function timeReads(server: TestServer): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [name, path] of Object.entries(READ_KINDS)) {
    const times: number[] = [];
    // The first reads warm up.
    for (let at = -20; at < READS; at++) {
      const started = performance.now();
      await get(server, path(at + 20));
      if (at >= 0) times.push(performance.now() - started);
    }
    answers.push({
      question: `directory: ${name}, 99th percentile (${amount(MEMBERS)} members, ${amount(ORGANIZATIONS)} organizations)`,
      figure: percentile(times, 0.99),
      reach: { atMost: MOST_MS },
      unit: 'ms',
      beside: `median ${median(times).toFixed(1)} ms`,
    });
  }
  return answers;
}

const CALLS = 50_000;
const POSTS = 6_000;

/** Processor time, which other work on the machine does not change. */
async function costOfAccess(server: TestServer, member: string, application: string): Promise<Answer> {
  const { access } = server.annals;
  const perCall: number[] = [];
  for (const token of [member, application, server.token]) {
    await cpuMicros(1_000, () => access.authenticate(token, '127.0.0.1'));
    perCall.push(await cpuMicros(CALLS, () => access.authenticate(token, '127.0.0.1')));
  }
  const post = (index: number): Promise<unknown> =>
    made(server, '/v1/changes', {
      resource: { type: 'things', id: String(index % 100) },
      action: 'update',
      after: { index, text: 'x'.repeat(200) },
    });
  await inTurns(500, post);
  const started = process.cpuUsage();
  await inTurns(POSTS, post);
  const { user, system } = process.cpuUsage(started);
  const perPost = (user + system) / POSTS;
  const most = Math.max(...perCall);
  return {
    question: "directory: authenticating a request / a single-change POST, processor time, client's included",
    figure: most / perPost,
    reach: { atMost: 0.05 },
    unit: '',
    beside: `${most.toFixed(2)} µs, ${perPost.toFixed(0)} µs`,
  };
}

async function cpuMicros(times: number, call: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage();
  for (let count = 0; count < times; count++) await call();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / times;
}

async function inTurns(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function made(server: TestServer, path: string, body: unknown): Promise<unknown> {
  const headers = path.startsWith('/api') ? { 'content-type': MEDIA_TYPE } : {};
  const answer = await server.request('POST', path, JSON.stringify(body), {
    'content-type': 'application/json',
    'annals-organization': 'default',
    ...headers,
  });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

async function get(
  server: TestServer,
  path: string,
  organization?: string,
): Promise<{ data: { id: string }[] }> {
  const named = organization === undefined ? {} : { 'annals-organization': organization };
  const answer = await server.request('GET', path, undefined, named);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.json as { data: { id: string }[] };
}
