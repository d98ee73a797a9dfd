// A random history, read through the Zitadel dialect to its end by the wire's own paging: every list,
// and every filter and pair of filters of the event list, equal what brute force says.

import { createServerTransport } from '@zitadel/client/node';
import { createAdminServiceClient, createManagementServiceClient } from '@zitadel/client/v1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom, type Random } from './random.ts';

interface Ref {
  type: string;
  id: string;
}

/** A change as it was recorded; its place in the list is its position. */
interface Recorded {
  resource: Ref;
  related: Ref[];
  action: 'create' | 'update' | 'delete' | 'access';
  event?: string;
  actor: { type: 'user'; id: string };
  occurredAt: string;
  after?: object;
}

const TYPES = ['organizations', 'projects', 'apps', 'users', 'project_grants', 'notes', 'org'];
const ACTORS = ['ada', 'bob', 'cyd', 'root'];
const EVENTS = ['org.added', 'org.domain.verified', 'project.application.changed', 'notes.removed', 'other'];
/** An id alone is looked for under types that have a resource: each of these is never deleted. */
const KEPT = 'kept';
const COUNT = 600;

let server: TestServer;
let org: string;
let log: Recorded[];
const random = makeRandom();
const seed = `seed ${random.seed}`;

beforeAll(async () => {
  server = await startServer();
  org = (await server.annals.directory.organization('default'))?.id ?? '';
  const kept = TYPES.map((type) => makeChange(random, { type, id: KEPT }, 'create'));
  log = [...kept, ...Array.from({ length: COUNT }, () => makeChange(random))];
  const { status, text } = await server.request('POST', '/v1/changes', log);
  expect(status, text).toBe(201);
});
afterAll(() => server.stop());

function makeRef(): Ref {
  const type = random.pick(TYPES);
  return { type, id: type === 'organizations' && random.chance(0.7) ? org : random.pick(['1', '2', 'root']) };
}

function makeChange({ pick, below, chance }: Random, resource = makeRef(), only?: 'create'): Recorded {
  const action = only ?? pick(['create', 'update', 'update', 'delete', 'access'] as const);
  return {
    resource,
    related: Array.from({ length: below(4) }, makeRef),
    action,
    ...(chance(0.5) ? { event: pick(EVENTS) } : {}),
    actor: { type: 'user', id: pick(ACTORS) },
    occurredAt: new Date(Date.UTC(2024, 0, 1, 0, below(2000))).toISOString(),
    ...(action === 'create' || action === 'update' ? { after: { n: below(3) } } : {}),
  };
}

/** The sequences of the changes that are wanted, in the order of the wire. */
function wanted(filter: (change: Recorded) => boolean, asc: boolean): number[] {
  const found = log.flatMap((change, position) => (filter(change) ? [position + 1] : []));
  return asc ? found : found.reverse();
}

function isAbout({ resource, related }: Recorded, type: string, id: string): boolean {
  return [resource, ...related].some((ref) => ref.type === type && ref.id === id);
}

type Page = (query: { sequence: number; limit: number; asc: boolean }) => Promise<number[]>;

/** Asks for page after page behind the last sequence, until one is empty. */
async function readToTheEnd(page: Page, asc: boolean, limit = 1 + random.below(90)): Promise<number[]> {
  const seen: number[] = [];
  for (;;) {
    const next = await page({ sequence: seen.at(-1) ?? 0, limit, asc });
    if (next.length === 0) return seen;
    expect(next.length, seed).toBeLessThanOrEqual(limit);
    seen.push(...next);
  }
}

function overRest(path: string): Page {
  return async (query) => {
    const { json, text } = await server.request('POST', path, { query });
    expect(text, seed).toMatch(/^\{("result"|\})/);
    return ((json as { result?: { sequence: string }[] }).result ?? []).map(({ sequence }) =>
      Number(sequence),
    );
  };
}

describe('every change list', () => {
  it.each([true, false])('is what brute force says, ascending: %s', async (asc) => {
    const lists: [string, (change: Recorded) => boolean][] = [
      ['/management/v1/orgs/me/changes/_search', (change) => isAbout(change, 'organizations', org)],
      ['/auth/v1/users/me/changes/_search', (change) => isAbout(change, 'users', 'root')],
    ];
    for (const id of ['1', '2', KEPT, 'nothing']) {
      lists.push(
        [`/management/v1/projects/${id}/changes/_search`, (change) => isAbout(change, 'projects', id)],
        [`/management/v1/users/${id}/changes/_search`, (change) => isAbout(change, 'users', id)],
        [
          `/management/v1/projects/9/grants/${id}/changes/_search`,
          (change) => isAbout(change, 'project_grants', id),
        ],
        [
          `/management/v1/projects/1/apps/${id}/changes/_search`,
          (change) => isAbout(change, 'apps', id) && isAbout(change, 'projects', '1'),
        ],
      );
    }
    for (const [path, filter] of lists) {
      expect(await readToTheEnd(overRest(path), asc), `${seed} ${path}`).toEqual(wanted(filter, asc));
    }
  });

  it('is the same over gRPC', async () => {
    const client = createManagementServiceClient(
      createServerTransport(server.token, { baseUrl: server.url }),
    );
    const page: Page = async ({ sequence, ...query }) => {
      const { result } = await client.listOrgChanges({ query: { ...query, sequence: BigInt(sequence) } });
      return result.map((change) => Number(change.sequence));
    };
    expect(await readToTheEnd(page, false), seed).toEqual(
      wanted((change) => isAbout(change, 'organizations', org), false),
    );
  });
});

/** One filter of the event list: its field, and what it means. */
interface Filter {
  input: object;
  accepts(change: Recorded): boolean;
}

const WORDS: Record<string, string> = {
  organizations: 'org',
  projects: 'project',
  apps: 'project.application',
  users: 'user',
};
const PAST = { create: 'added', update: 'changed', delete: 'removed', access: 'accessed' };

function aggregateOf({ resource: { type } }: Recorded): string {
  return WORDS[type] ?? type;
}

function eventOf(change: Recorded): string {
  return change.event ?? `${aggregateOf(change)}.${PAST[change.action]}`;
}

const filters: Record<string, (asc: boolean) => Filter> = {
  editor() {
    const editorUserId = random.pick([...ACTORS, 'nobody']);
    return { input: { editorUserId }, accepts: ({ actor }) => actor.id === editorUserId };
  },
  events() {
    const known = [
      ...EVENTS,
      'user.changed',
      'notes.added',
      'org.removed',
      'nothing.added',
      'nothing',
      '.added',
    ];
    const eventTypes = Array.from({ length: 1 + random.below(4) }, () => random.pick(known));
    return { input: { eventTypes }, accepts: (change) => eventTypes.includes(eventOf(change)) };
  },
  id() {
    const aggregateId = random.pick(['1', 'root', org, KEPT, 'nothing']);
    return { input: { aggregateId }, accepts: ({ resource }) => resource.id === aggregateId };
  },
  types() {
    const known = ['org', 'project', 'project.application', 'user', 'notes', 'organizations'];
    const aggregateTypes = Array.from({ length: 1 + random.below(3) }, () => random.pick(known));
    return { input: { aggregateTypes }, accepts: (change) => aggregateTypes.includes(aggregateOf(change)) };
  },
  from(asc) {
    const from = new Date(random.pick(log).occurredAt).getTime();
    const value = { seconds: BigInt(from / 1000), nanos: 0 };
    const isDeprecated = random.chance(0.3);
    return {
      input: isDeprecated ? { creationDate: value } : { creationDateFilter: { case: 'from', value } },
      accepts: ({ occurredAt }) => (asc ? Date.parse(occurredAt) > from : Date.parse(occurredAt) < from),
    };
  },
  range() {
    const [since, until] = [random.pick(log), random.pick(log)]
      .map(({ occurredAt }) => Date.parse(occurredAt))
      .sort() as [number, number];
    const [from, to] = [since, until].map((ms) => ({ seconds: BigInt(ms / 1000), nanos: 0 }));
    return {
      input: { creationDateFilter: { case: 'range', value: { since: from, until: to } } },
      accepts: ({ occurredAt }) => Date.parse(occurredAt) >= since && Date.parse(occurredAt) < until,
    };
  },
  owner() {
    const resourceOwner = random.chance(0.8) ? org : 'other';
    return { input: { resourceOwner }, accepts: () => resourceOwner === org };
  },
};

describe('the event list', () => {
  const names = Object.keys(filters);
  const pairs = names.flatMap((one, index) =>
    names.slice(index).map((other): [string, string] => [one, other]),
  );

  it.each(pairs)('is what brute force says, by %s and %s', async (one, other) => {
    const client = createAdminServiceClient(createServerTransport(server.token, { baseUrl: server.url }));
    for (let round = 0; round < 4; round++) {
      const asc = random.chance(0.5);
      const chosen = [...new Set([one, other])].map((name) =>
        (filters[name] as (asc: boolean) => Filter)(asc),
      );
      // The oneof and the date that it overrides cannot both be asked for.
      const dates = chosen.filter(({ input }) => 'creationDateFilter' in input || 'creationDate' in input);
      const asked = dates.length > 1 ? chosen.filter((filter) => filter !== dates[0]) : chosen;
      const input = Object.assign({}, ...asked.map((filter) => filter.input)) as object;
      const page: Page = async ({ sequence, ...query }) => {
        const { events } = await client.listEvents({ ...query, ...input, sequence: BigInt(sequence) });
        return events.map((event) => Number(event.sequence));
      };
      const expected = wanted((change) => asked.every(({ accepts }) => accepts(change)), asc);
      const told = `${seed} ${JSON.stringify(input, (_, value) => (typeof value === 'bigint' ? `${value}` : value))}`;
      expect(await readToTheEnd(page, asc, 40 + random.below(400)), told).toEqual(expected);
    }
  });
});
