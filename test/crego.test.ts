// Crego Omni history through a started server: the example of the reference page, who may read, pages at
// their edges, what a record shows, and bad input.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import { type Mutated, mutate, sendAll } from './mutations.ts';
import { makeRandom } from './random.ts';
import { bearing, makeOrganization, makeToken } from './tokens.ts';
import { uuidOfUlid } from './ulids.ts';

interface CregoRecord {
  id: string;
  tenant_id: string;
  user_id: string;
  object_id: string;
  timestamp: string;
  content_type: number;
  [member: string]: unknown;
}
interface CregoPage {
  count: number;
  total_pages: number;
  results: CregoRecord[];
  [member: string]: unknown;
}
interface Fixture {
  changes: { ulid: string; [member: string]: unknown }[];
  request: string;
  answer: CregoPage;
}

const fixture = JSON.parse(
  readFileSync(new URL('../src/dialects/crego/fixtures/history.json', import.meta.url), 'utf8'),
) as Fixture;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** What the log of an organization with a token begins with: itself, two roles, and the token. */
const BEGINNING = 4;

/** Records changes in an organization of their own, behind its beginning; answers the header that reads it. */
async function arranged(slug: string, changes: object[]): Promise<Record<string, string>> {
  const organization = await makeOrganization(server, slug);
  const headers = bearing(await makeToken(server, ['read'], organization));
  if (changes.length > 0) {
    const answer = await server.request('POST', '/v1/changes', changes, {
      'annals-organization': organization,
    });
    expect(answer.status, answer.text).toBe(201);
  }
  return headers;
}

function change(number: number, given: object = {}): object {
  const resource = { type: 'people', id: `p${number}` };
  return { resource, action: 'create', actor: { type: 'user', id: 'ada' }, after: { number }, ...given };
}

async function page(query: string, headers: Record<string, string>): Promise<CregoPage> {
  const answer = await server.request('GET', `/history/${query}`, undefined, headers);
  expect(answer.status, answer.text).toBe(200);
  return answer.json as CregoPage;
}

async function refusal(query: string, headers: Record<string, string>): Promise<unknown[]> {
  const { status, json } = await server.request('GET', `/history/${query}`, undefined, headers);
  return [status, json];
}

describe('the example of the reference page', () => {
  it('is answered with the same members, types and values', async () => {
    // In a log that holds nothing else, which the root token alone can read.
    const fresh = await startServer();
    const changes = fixture.changes.map(({ ulid, ...rest }) => ({ ...rest, id: uuidOfUlid(ulid) }));
    expect((await fresh.request('POST', '/v1/changes', changes)).status).toBe(201);
    const organization = (await fresh.request('GET', '/v1/organizations/default')).json as { id: string };
    const answer = await fresh.request('GET', fixture.request);
    await fresh.stop();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch('application/json');
    const results = fixture.answer.results.map((record, index) => ({
      ...record,
      // The schema of the page has it, the example has not.
      created_by: record.user_id,
      tenant_id: organization.id,
      content_type: 2 - index,
    }));
    expect(answer.json).toEqual({ ...fixture.answer, results });
  });

  it('is answered without the slash at the end too', async () => {
    const headers = await arranged('no-slash', [change(1)]);
    const paths = ['/history/', '/history', '/history?action_type=create', '/history/?action_type=CREATE'];
    const answers = await Promise.all(paths.map((path) => server.request('GET', path, undefined, headers)));
    for (const { text } of answers) expect(text).toBe(answers[0]?.text);
    expect(answers[0]?.json).toMatchObject({ count: BEGINNING + 1 });
  });
});

describe('who may read', () => {
  it('is nobody without a token, or with one that is not known', async () => {
    for (const [authorization, detail] of [
      ['', 'Authentication credentials were not provided.'],
      ['Basic YTpi', 'Authentication credentials were not provided.'],
      ['Bearer wrong', 'Invalid token.'],
    ] as const) {
      const answer = await server.request('GET', '/history/', undefined, { authorization });
      expect([answer.status, answer.json]).toEqual([401, { detail }]);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('is no token that may only write', async () => {
    const headers = bearing(await makeToken(server, ['write']));
    const detail = 'You do not have permission to perform this action.';
    expect(await refusal('', headers)).toEqual([403, { detail }]);
  });

  it("is a token that may read, of its own organization's history, whichever another header names", async () => {
    const [ours, theirs] = [
      await arranged('ours', [change(1)]),
      await arranged('theirs', [change(2), change(3)]),
    ];
    const read = await page('', ours);
    expect(read.count).toBe(BEGINNING + 1);
    expect(read.results[0]).toMatchObject({ object_id: 'p1' });
    expect(await page('', { ...ours, 'annals-organization': 'theirs' })).toEqual(read);
    expect(await page('?user_id=ada', theirs)).toMatchObject({
      count: 2,
      results: [{ object_id: 'p3' }, { object_id: 'p2' }],
    });
  });
});

describe('pages', () => {
  let headers: Record<string, string>;
  beforeAll(async () => {
    // 31 records, each change named by its position.
    const changes = Array.from({ length: 31 }, (_, position) => change(position)).slice(BEGINNING);
    headers = await arranged('pages', changes);
  });

  it('are newest first, 15 by default', async () => {
    const { results, ...envelope } = await page('', headers);
    expect(results.map(({ object_id: id }) => id)).toEqual(
      Array.from({ length: 15 }, (_, index) => `p${30 - index}`),
    );
    expect(envelope).toEqual({
      count: 31,
      total_pages: 3,
      current_page: 1,
      has_previous: false,
      has_next: true,
      previous_page: null,
      next_page: 2,
    });
  });

  it('end with what is left', async () => {
    const { results, ...envelope } = await page('?page=3', headers);
    expect(results.map(({ object_id: id, tenant_id: tenant }) => [id, tenant])).toEqual([
      [results[0]?.tenant_id, results[0]?.tenant_id],
    ]);
    expect(envelope).toMatchObject({
      has_previous: true,
      has_next: false,
      previous_page: 2,
      next_page: null,
    });
  });

  it.each([
    ['?page_size=31', 31, 1],
    ['?page_size=30', 30, 2],
    ['?page_size=1', 1, 31],
    ['?page_size=1&page=31', 1, 31],
    ['?page_size=100', 31, 1],
    ['?page_size=1000', 31, 1],
    ['?page_size=0', 15, 3],
    ['?page_size=ten', 15, 3],
    ['?page_size=', 15, 3],
  ])('of %s have %i records, and are %i', async (query, records, pages) => {
    const { results, total_pages: totalPages } = await page(query, headers);
    expect([results.length, totalPages]).toEqual([records, pages]);
  });

  it.each(['4', '0', '-1', 'two', 'last', '1.5', '99999999999999999999'])(
    'are not number %s',
    async (number) => {
      expect(await refusal(`?page=${number}`, headers)).toEqual([404, { detail: 'Invalid page.' }]);
    },
  );

  it('are one where nothing matches', async () => {
    const nothing = {
      count: 0,
      total_pages: 1,
      current_page: 1,
      has_next: false,
      next_page: null,
      results: [],
    };
    const empty = await startServer();
    expect(await empty.request('GET', '/history/')).toMatchObject({ status: 200, json: nothing });
    await empty.stop();
    for (const query of [
      '?action_type=login',
      '?user_id=nobody',
      '?ip_address=x',
      '?timestamp_after=9999-01-01',
    ]) {
      expect(await page(query, headers)).toMatchObject(nothing);
      expect(await refusal(`${query}&page=2`, headers)).toEqual([404, { detail: 'Invalid page.' }]);
    }
  });
});

describe('a record', () => {
  it('has a number for its type that stays, whatever is recorded later', async () => {
    const headers = await arranged('types', [change(1), change(2, { resource: { type: 'teams', id: 't' } })]);
    const typesOf = async (): Promise<number[]> =>
      (await page('', headers)).results.map((record) => record.content_type);
    expect(await typesOf()).toEqual([5, 4, 3, 2, 2, 1]);
    const later = ['zones', 'areas', 'people', 'teams'].map((type) =>
      change(3, { resource: { type, id: 'later' } }),
    );
    await server.request('POST', '/v1/changes', later, { 'annals-organization': 'types' });
    expect(await typesOf()).toEqual([5, 4, 7, 6, 5, 4, 3, 2, 2, 1]);
  });

  it('is found by the id of its resource, whatever its type, exactly as it was recorded', async () => {
    const ids = ['a/b', 'Zürich 狐', '01JQ8RRBB2XRSVTCG11Y6JKCKH', '01jq8rrbb2xrsvtcg11y6jkckh', ' '];
    const headers = await arranged(
      'ids',
      ids.flatMap((id) => ['people', 'teams'].map((type) => change(1, { resource: { type, id } }))),
    );
    for (const id of ids) {
      const { count, results } = await page(`?object_id=${encodeURIComponent(id)}`, headers);
      expect([count, ...results.map((record) => record.object_id)]).toEqual([2, id, id]);
    }
  });
});

describe('bad input', () => {
  it('is an instant that is none, by the name of its parameter', async () => {
    const headers = bearing(server.token);
    for (const name of ['timestamp_after', 'timestamp_before']) {
      expect(await refusal(`?${name}=soon`, headers)).toEqual([
        400,
        { [name]: ['Enter a valid date/time.'] },
      ]);
    }
  });

  it('is any other method, with any body', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      for (const [path, body] of [
        ['/history/', '{'],
        ['/history', '{}'],
        ['/history', undefined],
      ] as const) {
        const answer = await server.request(method, path, body);
        expect([answer.status, answer.json]).toEqual([405, { detail: `Method "${method}" not allowed.` }]);
        expect(answer.headers.get('allow')).toBe('GET, HEAD');
      }
    }
  });

  it.each(['/history/1', '/history//', '/history/%zz', '/history/%ff'])('is the path %s', async (path) => {
    const { status, json } = await server.request('GET', path);
    expect([status, json]).toEqual([404, { detail: 'Not found.' }]);
  });

  it('is answered with documented statuses alone, in 5,000 mutated requests', async () => {
    const random = makeRandom();
    const good = [
      '',
      '?action_type=create',
      '?user_id=ada&ip_address=192.0.2.7&object_id=p1',
      '?page=1&page_size=100&timestamp_after=2025-01-01&timestamp_before=2025-03-26T13:53:02.869449%2B05:30',
    ];
    const tokens = [server.token, undefined, 'wrong', await makeToken(server, ['write'])];
    const requests = Array.from({ length: 5000 }, () => mutate(random, '/history/', good, tokens));
    const answers = await sendAll(server.url, requests);
    answers.forEach(({ status, text }, index) => {
      const message = `seed ${random.seed}: ${JSON.stringify(requests[index])}: ${text.slice(0, 200)}`;
      expect([200, 400, 401, 403, 404, 405], message).toContain(status);
      if ((requests[index] as Mutated).method === 'HEAD') return;
      const body = JSON.parse(text) as object;
      if (status === 200) expect(body, message).toHaveProperty('results');
      else if (status === 400) expect(Object.keys(body)[0], message).toMatch(/^timestamp_/);
      else expect(body, message).toEqual({ detail: expect.any(String) });
    });
    expect(new Set(answers.map(({ status }) => status)), `seed ${random.seed}`).toEqual(
      new Set([200, 400, 401, 403, 404, 405]),
    );
  });
});
