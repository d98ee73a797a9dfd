// What a recorder at hand makes of the news that another server has appended to its log.

import { hash, randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Sha256 } from '../src/core/merkle.ts';
import { SALT_BYTES } from '../src/core/section.ts';
import { makeRecorder, type Record } from '../src/ingest/record.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import type { News, Store } from '../src/store/store.ts';

const sha256: Sha256 = (data) => hash('sha256', data, 'buffer');
const log = randomUUID();

let tell: (news: News) => void;
/** What the appends of the first recorder came to. */
let outcomes: string[];
let [here, elsewhere]: Record[] = [];

beforeEach(() => {
  const store = openMemoryStore();
  outcomes = [];
  const hearing = new Proxy(store, {
    get(target, name) {
      if (name === 'subscribe') return (hear: typeof tell) => (tell = hear);
      if (name !== 'append') return (Reflect.get(target, name, target) as () => void)?.bind?.(target);
      return async (...args: Parameters<Store['append']>) => {
        const result = await target.append(...args);
        outcomes.push(result.outcome);
        return result;
      };
    },
  });
  const sealing = { now: () => Date.now() * 1000, salt: () => randomBytes(SALT_BYTES), sha256 };
  [here, elsewhere] = [hearing, store].map((each) => makeRecorder(each, sealing).record);
});

async function write(record: Record | undefined): Promise<void> {
  const resource = { type: 'things', id: '1' };
  const actor = { type: 'user', id: 'ada' } as const;
  const proposal = {
    id: randomUUID(),
    resource,
    action: 'update',
    actor,
    after: { id: randomUUID() },
  } as const;
  await record?.(log, [proposal]);
}

describe('a recorder that has a head at hand', () => {
  it.each<[string, News]>([
    ['the log has grown', { kind: 'head', log, size: 2 }],
    ['some news was missed', { kind: 'missed' }],
  ])('reads it again when it hears that %s', async (_, news) => {
    await write(here);
    await write(elsewhere);
    tell(news);
    await write(here);
    expect(outcomes).toEqual(['appended', 'appended']);
  });

  it.each<[string, News[]]>([
    ['nothing', []],
    ['only of another log', [{ kind: 'head', log: randomUUID(), size: 2 }]],
    ['only what it knows', [{ kind: 'head', log, size: 1 }]],
  ])('finds out by its append when it hears %s', async (_, news) => {
    await write(here);
    await write(elsewhere);
    for (const one of news) tell(one);
    await write(here);
    expect(outcomes).toEqual(['appended', 'stale', 'appended']);
  });
});
