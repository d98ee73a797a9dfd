// A random history through the Reltio dialect, page by page, against brute force: every filter, every
// pair of filters, and more events than the window has.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom } from './random.ts';
import {
  boundedBy,
  ENTITIES,
  FILTERS,
  makeFilter,
  matching,
  OPERATORS,
  type Question,
  randomHistory,
  toChange,
} from './reltio-model.ts';

const WINDOW = 1000;
const random = makeRandom();
const known = randomHistory(random, 2300);
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  for (let from = 0; from < known.length; from += 400) {
    const answer = await server.request('POST', '/v1/changes', known.slice(from, from + 400).map(toChange));
    expect(answer.status, answer.text).toBe(201);
  }
});
afterAll(() => server.stop());

async function get(entity: string, read: string, parameters: Record<string, string>): Promise<unknown> {
  const query = new URLSearchParams(parameters);
  const answer = await server.request('GET', `/reltio/api/default/entities/${entity}/${read}?${query}`);
  expect(answer.status, `seed ${random.seed}: ${query}: ${answer.text}`).toBe(200);
  return answer.json;
}

/** Reads to the end by `offset`, and compares; then the total. */
async function check(question: Question, order = random.pick(['asc', 'desc'])): Promise<void> {
  const { entity, filter, showAll, majorOnly } = question;
  const wanted = matching(known, question);
  const window = wanted.slice(0, WINDOW);
  const given: Record<string, string> = {
    ...(filter === undefined ? {} : { filter: filter.text }),
    ...(showAll === undefined ? {} : { showAll: String(showAll) }),
    ...(majorOnly === undefined ? {} : { showMajorEventsOnly: String(majorOnly) }),
  };
  const message = `seed ${random.seed}: ${JSON.stringify({ entity, order, ...given })}`;
  const max = Math.max(1 + random.below(80), Math.ceil(window.length / 3));
  const events: unknown[] = [];
  for (let offset = 0; ; offset += max) {
    const part = { order, max: `${max}`, offset: `${offset}` };
    const page = (await get(entity, '_changes', { ...given, ...part })) as unknown[];
    events.push(...page);
    if (page.length < max) break;
  }
  expect(events, message).toEqual(order === 'desc' ? window : window.toReversed());
  const changes = wanted.slice(0, 2);
  expect(await get(entity, '_changesWithTotal', { ...given, max: '2' }), message).toEqual({
    changes,
    total: wanted.length,
  });
}

describe('a random history', () => {
  const kinds = Object.keys(FILTERS);

  it('is read to its end, with what has no difference and without, and what is major alone', async () => {
    for (const { entity } of ENTITIES) {
      for (const order of ['asc', 'desc']) {
        for (const showAll of [false, true]) {
          await check({ entity, showAll }, order);
          await check({ entity, showAll, majorOnly: true }, order);
        }
      }
    }
  });

  it('has more events than the window, which ends at the newest 1000', async () => {
    expect(matching(known, { entity: 'hot', showAll: true }).length).toBeGreaterThan(WINDOW);
    expect(await get('hot', '_changes', { showAll: 'true', offset: '1000' })).toEqual([]);
    expect(await get('hot', '_changes', { showAll: 'true', max: '5000' })).toHaveLength(WINDOW);
  });

  it.each(kinds)('is filtered by %s', async (kind) => {
    for (const { entity } of ENTITIES) await check({ entity, filter: makeFilter(kind, random, known) });
  });

  it.each(Object.keys(OPERATORS))('is bounded by %s', async (operator) => {
    for (const { entity } of ENTITIES) await check({ entity, filter: boundedBy(operator, random, known) });
  });

  const pairs = kinds.flatMap((left, index) => kinds.slice(index).map((right) => [left, right] as const));
  it.each(pairs)('is filtered by %s and, or %s', async (left, right) => {
    const [one, other] = [makeFilter(left, random, known), makeFilter(right, random, known)];
    const { entity } = random.pick(ENTITIES);
    await check({
      entity,
      filter: {
        text: `${one.text} AND ${other.text}`,
        matches: (entry) => one.matches(entry) && other.matches(entry),
      },
    });
    await check({
      entity,
      filter: {
        text: `(${one.text} or ${other.text})`,
        matches: (entry) => one.matches(entry) || other.matches(entry),
      },
    });
  });
});
