// The real history, through the running server: every answer against one computed from the file.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/core/json.ts';
import { canonicalize, type Json } from '../src/core/json.ts';
import { type CountryChange, countryChanges, countryText } from './countries.ts';
import { startServer, type TestServer } from './harness.ts';
import { makeRandom } from './random.ts';

interface Item extends JsonObject {
  position: number;
  version: number;
  changed: boolean;
  changes: JsonObject;
}

const text = countryText();
const changes = countryChanges(text);
let server: TestServer;
let receipts: Item[];

beforeAll(async () => {
  server = await startServer();
  const answer = await server.request('POST', '/v1/changes', text, {
    'content-type': 'application/x-ndjson',
  });
  receipts = answer.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Item);
});
afterAll(() => server.stop());

/** The states of each country, in the order of the file. */
function statesOf(id: string): { change: CountryChange; position: number }[] {
  return changes
    .map((change, position) => ({ change, position }))
    .filter(({ change }) => change.resource.id === id);
}

const ids = [...new Set(changes.map(({ resource }) => resource.id))];

function keysThatDiffer(before: JsonObject | null, after: JsonObject | null): string[] {
  const keys = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...keys].filter((key) => textOf(before, key) !== textOf(after, key));
}

function textOf(state: JsonObject | null, key: string): string | undefined {
  const value = state?.[key];
  return value === undefined ? undefined : canonicalize(value);
}

async function get(path: string): Promise<{ data: Item[]; next: string | null; count: number }> {
  const answer = await server.request('GET', path);
  expect(answer.status).toBe(200);
  return answer.json as { data: Item[]; next: string | null; count: number };
}

describe('the country history', () => {
  it('is recorded line by line: a receipt each, positions and versions without a gap', () => {
    expect(receipts).toHaveLength(14_814);
    const versions = new Map<string, number>();
    receipts.forEach((receipt, position) => {
      const id = (changes[position] as CountryChange).resource.id;
      versions.set(id, (versions.get(id) ?? 0) + 1);
      expect(receipt).toMatchObject({ position, version: versions.get(id) });
    });
  });

  it('gives back every state of every version', async () => {
    for (const id of ids) {
      const states = statesOf(id);
      const path = `/v1/resources/countries/${id}/changes?include=states&order=asc&limit=1000`;
      const { data, next } = await get(path);
      expect(next).toBeNull();
      expect(data.map((item) => item.after)).toEqual(states.map(({ change }) => change.after ?? null));
      expect(data.map((item) => item.before)).toEqual([
        null,
        ...states.slice(0, -1).map(({ change }) => change.after ?? null),
      ]);
    }
  });

  it('gives each state by its version number', async () => {
    const random = makeRandom();
    for (let round = 0; round < 100; round++) {
      const id = random.pick(ids);
      const states = statesOf(id);
      const index = random.below(states.length);
      const { json } = await server.request('GET', `/v1/resources/countries/${id}?version=${index + 1}`);
      const wanted = { version: index + 1, state: states[index]?.change.after ?? null };
      expect(json, `seed ${random.seed}`).toMatchObject(wanted);
    }
  });

  it('gives the state as of 200 random instants', async () => {
    const random = makeRandom();
    const [first, last] = [Date.parse('2012-01-01T00:00:00Z'), Date.parse('2026-12-31T00:00:00Z')];
    for (let round = 0; round < 200; round++) {
      const id = random.pick(ids);
      const at = random.chance(0.3)
        ? Date.parse(random.pick(statesOf(id)).change.occurredAt)
        : first + random.below(last - first);
      const known = statesOf(id).filter(({ change }) => Date.parse(change.occurredAt) <= at);
      known.sort(
        (a, b) =>
          Date.parse(a.change.occurredAt) - Date.parse(b.change.occurredAt) || a.position - b.position,
      );
      const wanted = known.at(-1);
      const { status, json } = await server.request(
        'GET',
        `/v1/resources/countries/${id}?at=${new Date(at).toISOString()}`,
      );
      const message = `seed ${random.seed}, ${id} at ${new Date(at).toISOString()}`;
      if (wanted === undefined) expect(status, message).toBe(404);
      else expect((json as JsonObject).state, message).toEqual(wanted.change.after ?? null);
    }
  });

  it('counts exactly: for each actor, each country, each changed attribute', async () => {
    const counts = new Map<string, number>();
    const add = (filter: string): void => void counts.set(filter, (counts.get(filter) ?? 0) + 1);
    const latest = new Map<string, JsonObject | null>();
    for (const { actor, resource, after = null } of changes) {
      add(`actor=${actor.id}`);
      add(`resource=countries/${resource.id}`);
      for (const key of keysThatDiffer(latest.get(resource.id) ?? null, after)) add(`changed=${key}`);
      latest.set(resource.id, after);
    }
    expect(counts.size).toBeGreaterThan(300);
    for (const [filter, wanted] of counts) {
      const { count } = await get(`/v1/changes?${filter}&count=exact&limit=1`);
      expect(count, filter).toBe(wanted);
    }
  });

  it('keeps the 269 lines without a difference, and marks them', async () => {
    const unchanged = receipts.filter(({ changed }) => !changed);
    expect(unchanged).toHaveLength(269);
    const position = unchanged[0]?.position as number;
    const { data } = await get(`/v1/changes?order=asc&limit=1&page=${position + 1}`);
    expect(data[0]).toMatchObject({ position, changed: false, changes: {} });
  });

  it('lists the latest states as the file leaves them', async () => {
    const { data } = await get('/v1/resources?type=countries&limit=1000');
    const wanted = ids
      .map((id) => ({ id, state: statesOf(id).at(-1)?.change.after ?? null }))
      .filter(({ state }) => state !== null)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(data.map((item) => ({ id: (item.resource as JsonObject).id, state: item.state }))).toEqual(wanted);
  });

  it('adds nothing when every line is sent again under its id', async () => {
    const lines = changes.map((change, index) => ({
      ...change,
      id: (receipts[index] as Item).id as Json,
    }));
    const body = lines.map((line) => JSON.stringify(line)).join('\n');
    const answer = await server.request('POST', '/v1/changes', body, {
      'content-type': 'application/x-ndjson',
    });
    expect(
      answer.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(receipts);
    expect((await server.request('GET', '/v1/head')).json).toMatchObject({ size: 14_814 });
  });
});
