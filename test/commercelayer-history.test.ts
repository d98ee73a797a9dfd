// A random history read through the Versions API, page by page, filter by filter, against brute force.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseInstant } from '../src/core/instant.ts';
import type { JsonObject } from '../src/core/json.ts';
import { PREDICATE_NAMES } from '../src/dialects/commercelayer/predicates.ts';
import { type Expected, FILTERED, HistoryMaker, meets, REFERENCES } from './commercelayer-oracle.ts';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom } from './random.ts';
import { newToken, organizationOf } from './tokens.ts';

interface Page {
  data: { id: string; type: string; attributes: JsonObject }[];
  meta: { record_count: number; page_count: number };
  links: { first: string; prev?: string; next?: string; last: string };
}

const given = process.env.ANNALS_SEED;
const random = makeRandom(given === undefined ? undefined : Number(given));
const hint = `ANNALS_SEED=${random.seed} repeats this run`;
const ORGANIZATIONS = ['default', 'empty', 'second', 'third'];
const CHANGES = { default: 260, empty: 0, second: 90, third: 41 } as Record<string, number>;

/** By organization, in the order of the logs; then all of them, as the root token reads them. */
const histories = new Map<string, Expected[]>();
const tokens = new Map<string, string>();
let all: Expected[] = [];
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  const { directory, record } = server.annals;
  for (const slug of ORGANIZATIONS) {
    const organization = await organizationOf(directory, slug);
    tokens.set(slug, (await newToken(directory, ['read'], slug)).secret);
    const founding = await foundingOf(slug);
    const maker = new HistoryMaker(random);
    const changes = Array.from({ length: CHANGES[slug] as number }, () => maker.next());
    for (let start = 0; start < changes.length; start += 37) {
      await record(organization.id, changes.slice(start, start + 37));
    }
    histories.set(slug, [...founding, ...maker.expected]);
  }
  all = ORGANIZATIONS.flatMap((slug) => histories.get(slug) as Expected[]);
});
afterAll(() => server.stop());

/** The roles that an organization has from the start are created like any other: two versions. */
async function foundingOf(slug: string): Promise<Expected[]> {
  const headers = { 'annals-organization': slug };
  const path = '/v1/changes?type=roles&order=asc&include=states';
  const { data } = (await server.request('GET', path, undefined, headers)).json as {
    data: { id: string; occurredAt: string; resource: { id: string }; after: JsonObject }[];
  };
  return data.map(({ id, occurredAt, resource, after: { name, kind } }) => {
    const instant = parseInstant(occurredAt) as number;
    const at = new Date(Math.floor(instant / 1000)).toISOString();
    const marks = { created_at: at, updated_at: at, reference: null, reference_origin: null, metadata: null };
    const changes = { name: [null, name as string], kind: [null, kind as string] };
    const about = { resource_type: 'roles', resource_id: resource.id, event: 'create', who: {} };
    return { id, occurredAt: instant, attributes: { ...about, changes, ...marks } };
  });
}

async function page(parameters: Record<string, string>, token = server.token): Promise<Page> {
  const query = new URLSearchParams(parameters).toString();
  const answer = await server.request('GET', `/api/versions?${query}`, undefined, {
    authorization: `Bearer ${token}`,
  });
  expect(answer.status, `${query} answered ${answer.text}; ${hint}`).toBe(200);
  return answer.json as Page;
}

/** Follows `next` from the first page to the last. */
async function readToEnd(parameters: Record<string, string>, token?: string): Promise<Page[]> {
  const pages = [await page(parameters, token)];
  for (let next = pages[0]?.links.next; next !== undefined; next = pages.at(-1)?.links.next) {
    pages.push(await page(Object.fromEntries(new URL(next).searchParams), token));
  }
  return pages;
}

/** The page that must be answered: ids and the count of all. */
async function expectIds(
  parameters: Record<string, string>,
  wanted: readonly Expected[],
  token?: string,
): Promise<void> {
  const size = Number(parameters['page[size]'] ?? 10);
  const start = (Number(parameters['page[number]'] ?? 1) - 1) * size;
  const got = await page(parameters, token);
  const ids = wanted.slice(start, start + size).map(({ id }) => id);
  const message = `${JSON.stringify(parameters)}; ${hint}`;
  expect({ ids: got.data.map(({ id }) => id), ...got.meta }, message).toEqual({
    ids,
    record_count: wanted.length,
    page_count: Math.ceil(wanted.length / size),
  });
}

/** Each of the jobs, a few at a time. */
async function inParallel<Item>(items: readonly Item[], job: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await job(item);
  };
  await Promise.all(Array.from({ length: 8 }, work));
}

describe('a history read to its end', () => {
  it.each(ORGANIZATIONS)('shows the versions of %s alone, in the order of its log', async (slug) => {
    const pages = await readToEnd({ 'page[size]': '7' }, tokens.get(slug));
    const wanted = histories.get(slug) as Expected[];
    const got = pages.flatMap(({ data }) => data.map(({ id, attributes }) => ({ id, attributes })));
    expect(got, hint).toEqual(wanted.map(({ id, attributes }) => ({ id, attributes })));
    expect(pages.map(({ meta }) => meta.record_count)).toEqual(pages.map(() => wanted.length));
  });

  it('shows the root token one organization after the other', async () => {
    const pages = await readToEnd({ 'page[size]': '25' });
    expect(
      pages.flatMap(({ data }) => data.map(({ id }) => id)),
      hint,
    ).toEqual(all.map(({ id }) => id));
  });

  it('jumps to any page', async () => {
    await inParallel(
      Array.from({ length: 40 }, (_, index) => index),
      async () => {
        const size = 1 + random.below(25);
        const number = 1 + random.below(Math.ceil(all.length / size) + 2);
        await expectIds({ 'page[size]': String(size), 'page[number]': String(number) }, all);
      },
    );
  });

  it('gives each version by its id, to those who may read it', async () => {
    await inParallel(all, async ({ id, attributes }) => {
      const { status, json } = await server.request('GET', `/api/versions/${id}`);
      expect(status, hint).toBe(200);
      expect(json, hint).toMatchObject({ data: { id, attributes } });
      const other = histories.get('third')?.some((version) => version.id === id) ? 'second' : 'third';
      const refused = await server.request('GET', `/api/versions/${id}`, undefined, {
        authorization: `Bearer ${tokens.get(other)}`,
      });
      expect(refused.status).toBe(404);
    });
  });

  it.each(['roles', 'permissions', 'memberships'])('lists the versions of each of the %s', async (type) => {
    const known = all.filter(({ attributes }) => type === 'roles' || attributes.resource_type !== 'roles');
    const ids = new Set(known.map(({ attributes }) => attributes.resource_id as string));
    await inParallel([...ids], async (id) => {
      const { json } = await server.request('GET', `/api/${type}/${id}/versions?page[size]=25`);
      const wanted = all.filter(
        ({ attributes }) => attributes.resource_type === type && attributes.resource_id === id,
      );
      const got = json as Page;
      expect(
        got.data.map((version) => version.id),
        hint,
      ).toEqual(wanted.slice(0, 25).map((version) => version.id));
      expect(got.meta.record_count).toBe(wanted.length);
    });
  });
});

describe('sorting', () => {
  const keys = ['id', 'created_at', 'updated_at', 'reference', 'reference_origin'].flatMap((key) => [
    key,
    `-${key}`,
  ]);
  const pairs = keys.flatMap((left) => keys.map((right) => `${left},${right}`));

  it.each([undefined, 'second'])('answers every sort key and pair of keys to %s', async (slug) => {
    const history = slug === undefined ? all : (histories.get(slug) as Expected[]);
    await inParallel([...keys, ...pairs], async (sort) => {
      const wanted = sortedBy(history, sort);
      const number = String(1 + random.below(Math.ceil(history.length / 25)));
      await expectIds({ sort, 'page[size]': '25', 'page[number]': number }, wanted, tokens.get(slug ?? ''));
    });
  });

  function sortedBy(history: readonly Expected[], sort: string): Expected[] {
    const sortKeys = sort
      .split(',')
      .map((key) => ({ name: key.replace('-', ''), sign: key.startsWith('-') ? -1 : 1 }));
    const last = sortKeys.at(-1)?.sign ?? 1;
    return history
      .map((version, place) => ({ version, place }))
      .sort((left, right) => {
        for (const { name, sign } of sortKeys) {
          const [one, other] = [left, right].map(({ version }) =>
            name === 'id' ? version.id : version.attributes[name],
          );
          if (one === other) continue;
          if (one === null || other === null) return one === null ? sign : -sign;
          return String(one) < String(other) ? -sign : sign;
        }
        return last * (left.version.occurredAt - right.version.occurredAt || left.place - right.place);
      })
      .map(({ version }) => version);
  }
});

describe('filters', () => {
  const names = Object.keys(FILTERED);

  it('answers every predicate on every attribute', async () => {
    const cases = PREDICATE_NAMES.flatMap((predicate) => names.map((name) => `${name}_${predicate}`));
    await inParallel(cases, (key) => expectFiltered([randomCondition(key)]));
  });

  it('answers attributes joined by _or_', async () => {
    await inParallel(Array.from({ length: 100 }), () =>
      expectFiltered([randomCondition(randomKey(2 + random.below(2)))]),
    );
  });

  it('answers random pairs and triples of filters, sorted, on any page', async () => {
    await inParallel(Array.from({ length: 250 }), () => {
      const conditions = Array.from({ length: 2 + random.below(2) }, () => randomCondition(randomKey(1)));
      return expectFiltered(conditions, 1 + random.below(3));
    });
  });

  it('answers the short forms', async () => {
    const some = [random.pick(all), random.pick(all)];
    const at = random.pick(all).attributes.created_at as string;
    const ids = some.map(({ id }) => id).join(',');
    await expectIds(
      { 'filter[ids]': ids },
      all.filter((version) => some.includes(version)),
    );
    await expectIds(
      { 'filter[id]': ids },
      all.filter((version) => some.includes(version)),
    );
    await expectIds(
      { 'filter[resource_type]': 'roles,orders' },
      all.filter((version) => meets(version, 'resource_type_in', 'roles,orders')),
    );
    await expectIds(
      { 'filter[created_at_from]': at },
      all.filter((version) => meets(version, 'created_at_gteq', at)),
    );
    await expectIds(
      { 'filter[updated_at_to]': at },
      all.filter((version) => meets(version, 'updated_at_lteq', at)),
    );
    await expectIds(
      { 'filter[metadata]': '{"foo":"bar"}' },
      all.filter((version) => meets(version, 'metadata_eq', '{"foo":"bar"}')),
    );
  });

  async function expectFiltered(
    conditions: readonly (readonly [key: string, operand: string])[],
    number = 1,
  ): Promise<void> {
    const unique = new Map(conditions);
    const wanted = all.filter((version) =>
      [...unique].every(([key, operand]) => meets(version, key, operand)),
    );
    const parameters = [...unique].map(([key, operand]) => [`filter[q][${key}]`, operand]);
    await expectIds({ ...Object.fromEntries(parameters), 'page[number]': String(number) }, wanted);
  }

  function randomKey(attributes: number): string {
    const joined = Array.from({ length: attributes }, () => random.pick(names)).join('_or_');
    return `${joined}_${random.pick(PREDICATE_NAMES)}`;
  }

  function randomCondition(key: string): [key: string, operand: string] {
    const list = /_(any|all|in|in_or_null)$/.test(key) && !/_not_null$/.test(key);
    const operands = Array.from({ length: list ? 1 + random.below(3) : 1 }, () => operandOf(key));
    return [key, operands.join(',')];
  }

  /** An operand that the predicate can read, often one that something has. */
  function operandOf(key: string): string {
    if (/_(null|not_null|blank|present|true|false)$/.test(key) && !key.endsWith('_or_null'))
      return random.pick(['true', 'false', '1', '0']);
    const { id, attributes } = random.pick(all);
    if (key.endsWith('_jcont')) {
      return JSON.stringify(
        random.pick([
          attributes.metadata,
          attributes.reference,
          { foo: 'bar' },
          {},
          1,
          ['a'],
          attributes.created_at,
        ]),
      );
    }
    const compares = /_(eq|not_eq|lt|lteq|gt|gteq|in|not_in)(_any|_all|_or_null)?$/.test(key);
    if (compares && /created_at|updated_at/.test(key)) {
      return random.pick([attributes.created_at as string, '2024-01-07', '2024-01-05T12:00:00.0005Z']);
    }
    if (key.startsWith('id_') && random.chance(0.7)) return compares ? id : id.slice(0, 3);
    if (key.includes('resource_')) return random.pick(['roles', 'orders', 'r1', 'R2', 'Bücher', 'r_', '%o%']);
    if (key.startsWith('metadata') && random.chance(0.7))
      return random.pick(['{"foo":"bar"}', 'bar', '"text"', '{%', 'null', 'true']);
    return random.pick([...REFERENCES, '%b%', 'a_', '2024-01-0', 'Z', '\\%', 'c%']).replaceAll(',', '');
  }
});
