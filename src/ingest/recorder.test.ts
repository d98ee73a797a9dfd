import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Change, Receipt } from '../core/entry.ts';
import type { AnnalsError } from '../core/errors.ts';
import { type Draft, draftOf, type Latest } from '../core/seal.ts';
import { START, sha256 } from '../store/contract-batches.ts';
import { Faults } from '../store/memory/faults.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import type { Store, StoredEntry } from '../store/store.ts';
import type { Proposal } from './proposal.ts';
import { makeRecorder, type Record } from './record.ts';

const LOG = '00000000-0000-7000-8000-000000000001';
const ADA = { type: 'user', id: 'ada' } as const;

let faults: Faults;
let store: Store;
let record: Record;
let ids: number;

beforeEach(() => {
  faults = new Faults();
  store = openMemoryStore({ faults });
  record = recordOn(store);
  ids = 0;
});

function recordOn(kept: Store): Record {
  return makeRecorder(kept, { now: () => START, salt: () => new Uint8Array(16), sha256 }).record;
}

/** The store with other methods in place of its own. */
function storeWith(methods: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => Reflect.get(methods, name) ?? Reflect.get(target, name)?.bind(target),
  });
}

function change(count: number, more: Partial<Change> = {}): Change {
  ids += 1;
  const id = `00000000-0000-7000-8000-${String(ids).padStart(12, '0')}`;
  return {
    id,
    resource: { type: 'notes', id: '1' },
    action: 'update',
    actor: ADA,
    after: { count },
    ...more,
  };
}

/** A state that adds one to what is there. */
function addOne(): { resource: { type: string; id: string }; derive(latest: Latest | undefined): Draft } {
  const { resource, ...rest } = change(0);
  return {
    resource,
    derive: (latest) =>
      draftOf({ ...rest, resource, after: { count: Number(latest?.state?.value.count ?? 0) + 1 } }),
  };
}

function entries(kept: Store = store): Promise<StoredEntry[]> {
  const range = { by: 'position', order: 'asc', limit: 1000 } as const;
  return kept.select(LOG, { streams: [] }, range, { states: true });
}

const codeOf = (error: unknown): string => (error as AnnalsError).code;

describe('record', () => {
  it('refuses what an append did not keep, and goes on', async () => {
    faults.next('append failed and nothing was kept');
    await expect(record(LOG, [change(1)])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await record(LOG, [change(2)])).toMatchObject([{ position: 0, version: 1 }]);
    expect(await entries()).toMatchObject([{ after: '{"count":2}' }]);
  });

  it('answers the first receipt when what was kept without a reply is sent again', async () => {
    const lost = change(1);
    faults.next('append failed and everything was kept');
    await expect(record(LOG, [lost])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await record(LOG, [lost])).toMatchObject([{ id: lost.id, position: 0, version: 1 }]);
    expect(await record(LOG, [change(2)])).toMatchObject([{ position: 1, version: 2 }]);
    expect(await entries()).toHaveLength(2);
  });

  it('seals again what was stale, in its order', async () => {
    faults.next('append is stale');
    faults.next('append is stale');
    const receipts = await Promise.all(
      Array.from({ length: 50 }, (_, count) => record(LOG, [change(count)])),
    );
    expect(receipts.map(([receipt]) => receipt?.position)).toEqual(receipts.map((_, index) => index));
    const kept = await entries();
    expect(kept.map(({ after }) => after)).toEqual(receipts.map((_, count) => `{"count":${count}}`));
  });

  it('keeps the order of what waits behind an append that failed', async () => {
    faults.next('append failed and nothing was kept');
    const settled = await Promise.allSettled(Array.from({ length: 60 }, () => record(LOG, [addOne()])));
    const failed = settled.filter(({ status }) => status === 'rejected').length;
    expect(failed).toBeGreaterThan(0);
    expect(failed).toBeLessThan(60);
    const kept = await entries();
    expect(kept.map(({ after }) => after)).toEqual(
      Array.from({ length: 60 - failed }, (_, n) => `{"count":${n + 1}}`),
    );
    expect(kept.every(({ continuity }) => continuity !== 'gap')).toBe(true);
  });

  it('refuses when the head cannot be read, and goes on', async () => {
    faults.next('read failed');
    await expect(record(LOG, [change(1)])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await record(LOG, [change(2)])).toMatchObject([{ position: 0 }]);
  });

  it('reads the head before the states: a write between the two makes the append stale, not wrong', async () => {
    const other = recordOn(store);
    let intrusions = 1;
    const latest: Store['latest'] = async (log, resources) => {
      const states = await store.latest(log, resources);
      if (intrusions-- > 0) await other(log, [change(7)]);
      return states;
    };
    const [receipt] = await recordOn(storeWith({ latest }))(LOG, [addOne()]);
    expect(receipt).toMatchObject({ position: 1, version: 2 });
    expect(await entries()).toMatchObject([
      { after: '{"count":7}' },
      { before: '{"count":7}', after: '{"count":8}' },
    ]);
  });

  it('answers an append that was taken on top of one whose reply was lost, and does not do it again', async () => {
    faults.next('append failed and everything was kept');
    const append: Store['append'] = async (...args) => {
      const [result] = await Promise.allSettled([store.append(...args)]);
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    };
    const recordSlowly = recordOn(storeWith({ append }));
    const first = recordSlowly(LOG, [addOne()]);
    first.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 10));
    const second = recordSlowly(LOG, [addOne()]);
    await expect(first).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await second).toMatchObject([{ position: 1, version: 2, changed: true }]);
    expect(await entries()).toMatchObject([{ after: '{"count":1}' }, { after: '{"count":2}' }]);
  });

  it('appends many changes behind an append that is under way, and lets few gather until it has landed', async () => {
    const land: (() => void)[] = [];
    const sizes: number[] = [];
    const recordSlowly = recordOn(
      storeWith({
        append: async (log, expectedSize, batch) => {
          sizes.push(batch.tip.tree.size - expectedSize);
          await new Promise<void>((resolve) => land.push(resolve));
          return store.append(log, expectedSize, batch);
        },
      }),
    );
    const written = [recordSlowly(LOG, [addOne()])];
    await vi.waitFor(() => expect(sizes).toEqual([1]));
    written.push(recordSlowly(LOG, [addOne()]), recordSlowly(LOG, [addOne()]));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(sizes).toEqual([1]);
    written.push(recordSlowly(LOG, Array.from({ length: 20 }, addOne)));
    await vi.waitFor(() => expect(sizes).toEqual([1, 22]));
    for (const landed of land) landed();
    expect((await Promise.all(written)).flat()).toHaveLength(23);
    expect((await entries()).at(-1)).toMatchObject({ after: '{"count":23}', version: 23 });
  });

  it('takes turns where the store has them and another server was first', async () => {
    const other = recordOn(store);
    await record(LOG, [addOne()]);
    let turns = 0;
    const turn: Store['turn'] = async (_, work) => {
      turns += 1;
      await work(store);
    };
    const shared = recordOn(storeWith({ turn }));
    for (let round = 0; round < 4; round++) {
      expect(await shared(LOG, [addOne()])).toMatchObject([{ version: 2 * round + 2 }]);
      await other(LOG, [addOne()]);
    }
    expect(turns).toBeGreaterThan(1);
    const alone = turns;
    for (let round = 0; round < 3; round++) await shared(LOG, [addOne()]);
    expect(turns).toBeLessThanOrEqual(alone + 2);
    expect((await entries()).at(-1)).toMatchObject({ after: '{"count":12}', version: 12 });
  });

  it('asks for the states of what waits for its turn before that comes', async () => {
    const other = recordOn(store);
    await record(LOG, [addOne()]);
    const asked: string[] = [];
    let hasCome: Promise<void> | undefined;
    const turn: Store['turn'] = (_, work) =>
      work({
        append: (...given) => store.append(...given),
        tip: async (log) => {
          await hasCome;
          return store.tip(log);
        },
        latest: (log, resources) => {
          asked.push(...resources.map(({ id }) => id));
          return store.latest(log, resources);
        },
      });
    const shared = recordOn(storeWith({ turn }));
    await shared(LOG, [addOne()]);
    await other(LOG, [addOne()]);
    let come: (() => void) | undefined;
    hasCome = new Promise((resolve) => {
      come = resolve;
    });
    const first = shared(LOG, [addOne()]);
    await vi.waitFor(() => expect(asked).toEqual(['1']));
    const second = shared(LOG, [change(1, { resource: { type: 'notes', id: '2' } })]);
    await vi.waitFor(() => expect(asked).toEqual(['1', '2']));
    come?.();
    expect([...(await first), ...(await second)]).toMatchObject([{ version: 4 }, { version: 1 }]);
    expect(asked).toEqual(['1', '2']);
  });

  it('seals on no state that another server has changed where a turn breaks off behind the head', async () => {
    const other = recordOn(store);
    await record(LOG, [addOne()]);
    const turn: Store['turn'] = (_, work) =>
      work({
        append: (...given) => store.append(...given),
        tip: (log) => store.tip(log),
        latest: () => Promise.reject(new Error('the connection ended')),
      });
    const shared = recordOn(storeWith({ turn }));
    for (let round = 0; round < 3; round++) {
      expect(await shared(LOG, [addOne()])).toMatchObject([
        { version: 2 * round + 2, continuity: 'continuous' },
      ]);
      await other(LOG, [addOne()]);
    }
    expect((await entries()).map(({ after }) => after)).toEqual(
      Array.from({ length: 7 }, (_, index) => `{"count":${index + 1}}`),
    );
  });

  it('goes on without a turn where it gets none', async () => {
    const other = recordOn(store);
    const turn: Store['turn'] = () => Promise.reject(new Error('no connection'));
    const shared = recordOn(storeWith({ turn }));
    for (let round = 0; round < 3; round++) {
      expect(await shared(LOG, [addOne()])).toMatchObject([{ version: 2 * round + 1 }]);
      await other(LOG, [addOne()]);
    }
  });

  it('asks for the head before it refuses, or records nothing, by a state that another server changed unheard', async () => {
    const other = recordOn(store);
    const resource = { type: 'notes', id: '1' };
    await record(LOG, [change(1)]);
    await other(LOG, [change(2)]);
    const put: Proposal = {
      resource,
      derive: (latest) => (latest?.state?.text === '{"count":1}' ? undefined : draftOf(change(1))),
    };
    expect(await record(LOG, [put])).toMatchObject([{ version: 3, changed: true }]);
    expect(await record(LOG, [put])).toMatchObject([{ version: 3, changed: false }]);
    await other(LOG, [change(2)]);
    const guarded: Proposal = {
      resource,
      derive: (latest) => {
        if (latest?.version !== 4) throw new Error(`the version is ${latest?.version}`);
        return draftOf(change(3));
      },
    };
    expect(await record(LOG, [guarded])).toMatchObject([{ version: 5 }]);
    await expect(record(LOG, [guarded])).rejects.toThrow('the version is 5');
    await other(LOG, [change(4)]);
    await expect(record(LOG, [guarded])).rejects.toThrow('the version is 6');
  });

  it('stays right where another server writes to the same log', async () => {
    const records = [record, recordOn(store), recordOn(store)];
    await Promise.all(Array.from({ length: 90 }, (_, n) => (records[n % 3] as Record)(LOG, [addOne()])));
    const kept = await entries();
    expect(kept.map(({ after }) => after)).toEqual(
      Array.from({ length: 90 }, (_, n) => `{"count":${n + 1}}`),
    );
  });

  it('keeps all of an array or none of it', async () => {
    await record(LOG, [change(1)]);
    const refusing = { resource: { type: 'notes', id: '1' }, derive: () => Promise.reject() as never };
    refusing.derive = () => {
      throw new Error('refused');
    };
    await expect(record(LOG, [change(2), refusing, change(3)])).rejects.toThrow('refused');
    expect(await entries()).toHaveLength(1);
    expect(await record(LOG, [addOne(), addOne()])).toMatchObject([{ version: 2 }, { version: 3 }]);
    expect((await entries()).at(-1)).toMatchObject({ after: '{"count":3}' });
  });

  it('answers the receipt of the entry that left the state where nothing differs', async () => {
    const [first] = (await record(LOG, [change(1)])) as [Receipt];
    await record(
      LOG,
      [change(0, { action: 'access' })].map(({ after: _, ...access }) => access),
    );
    const unchanged = { resource: { type: 'notes', id: '1' }, derive: () => undefined };
    expect(await record(LOG, [unchanged])).toEqual([{ ...first, changed: false }]);
    expect(await entries()).toHaveLength(2);
  });

  it('replays an idempotency key after a reply was lost', async () => {
    const requestKey = { key: 'k', fingerprint: 'f' };
    faults.next('append failed and everything was kept');
    await expect(record(LOG, [change(1)], requestKey)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await record(LOG, [change(1)], requestKey)).toMatchObject([{ position: 0 }]);
    const other = { key: 'k', fingerprint: 'other' };
    expect(await record(LOG, [change(1)], other).catch(codeOf)).toBe('idempotency_key_reused');
    expect(await entries()).toHaveLength(1);
  });

  it('answers the same receipts where two servers use one idempotency key at once', async () => {
    const requestKey = { key: 'k', fingerprint: 'f' };
    const [one, two] = await Promise.all(
      [record, recordOn(store)].map((each) => each(LOG, [change(1)], requestKey)),
    );
    expect(two).toEqual(one);
    expect(await entries()).toHaveLength(1);
  });
});
