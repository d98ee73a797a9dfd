import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ResourceRef } from '../core/entry.ts';
import type { Latest } from '../core/seal.ts';
import type { Submission } from './sealed-batch.ts';
import { StatesAhead } from './states-ahead.ts';

let waiting: Submission[];
let asked: string[][];
let latest: (resources: ResourceRef[]) => Promise<(Latest | undefined)[]>;
let ahead: StatesAhead;

beforeEach(() => {
  vi.useFakeTimers();
  waiting = [];
  asked = [];
  latest = async (resources) => {
    asked.push(resources.map(({ id }) => id));
    return resources.map((resource) =>
      resource.id === 'unknown'
        ? undefined
        : { resource, version: 7, stateVersion: undefined, statePosition: undefined, state: null },
    );
  };
  ahead = new StatesAhead(
    () => waiting,
    (resources) => latest(resources),
  );
});
afterEach(() => vi.useRealTimers());

function about(...ids: string[]): Submission {
  const proposals = ids.map((id) => ({ resource: { type: 'notes', id }, derive: () => undefined }));
  return { proposals, requestKey: undefined, admit: undefined, known: undefined, resolve() {}, reject() {} };
}

it('asks once for each resource that waits, some at a time, and answers what is known of all', async () => {
  waiting.push(about('1', '2'));
  ahead.askSoon();
  waiting.push(about('2', 'unknown'));
  ahead.askSoon();
  expect(asked).toEqual([]);
  vi.runAllTimers();
  expect(asked).toEqual([['1', '2', 'unknown']]);
  waiting.push(about('3', '1'));
  ahead.askSoon();
  vi.runAllTimers();
  waiting.push(about('4'));
  const states = await ahead.all();
  expect(asked).toEqual([['1', '2', 'unknown'], ['3'], ['4']]);
  expect([...states].map(([key, known]) => [key, known?.version])).toEqual([
    ['notes/1', 7],
    ['notes/2', 7],
    ['notes/unknown', undefined],
    ['notes/3', 7],
    ['notes/4', 7],
  ]);
});

it('asks for nothing where nothing waits, and nothing any longer once it has ended', async () => {
  expect((await ahead.all()).size).toBe(0);
  ahead.askSoon();
  waiting.push(about('1'));
  ahead.end();
  vi.runAllTimers();
  expect(asked).toEqual([]);
});

it('leaves out what cannot be read, which is refused when it is sealed', async () => {
  const unreadable = about('1');
  Object.defineProperty(unreadable.proposals[0], 'resource', {
    get() {
      throw new Error('no JSON');
    },
  });
  waiting.push(unreadable, about('2'));
  expect([...(await ahead.all()).keys()]).toEqual(['notes/2']);
});

it('rejects where a question failed, also one that was asked long before', async () => {
  latest = () => Promise.reject(new Error('the connection ended'));
  waiting.push(about('1'));
  ahead.askSoon();
  await vi.runAllTimersAsync();
  await expect(ahead.all()).rejects.toThrow('the connection ended');
});
