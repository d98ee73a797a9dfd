// The one write: all of a batch, or nothing of it.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { appendAll, LogSealer, START } from '../contract-batches.ts';
import { changeOf, randomChanges } from '../contract-changes.ts';
import { modelOf, plain, plainTip } from '../contract-model.ts';
import type { Batch, KeptAnswer, Store } from '../store.ts';
import type { Subject } from './subject.ts';

const HOUR_MICROS = 3_600_000_000;
const DAY_MICROS = 24 * HOUR_MICROS;

export function appendSentences(subject: Subject): void {
  const { store, random, hint } = subject;
  const newSealer = (): LogSealer => new LogSealer(randomUUID(), random());

  it('keeps what it has packed before as if it had come with the batch', async () => {
    const sealer = newSealer();
    const changes = [...randomChanges(sealer.random, 40), changeOf(sealer.random, { action: 'access' })];
    const batch = sealer.batch(changes);
    const pack = store().pack?.bind(store());
    if (pack === undefined) return;
    const [first, second, rest] = [
      batch.entries.slice(0, 20),
      batch.entries.slice(20, 30),
      batch.entries.slice(30),
    ];
    const packed = { ...batch, packed: [pack(first), pack(second)], entries: rest };
    expect(packed.packed.map(({ count }) => count)).toEqual([20, 10]);
    expect(await store().append(sealer.log, 0, packed)).toEqual({ outcome: 'appended' });
    const last = sealer.batch([changeOf(sealer.random)]);
    const whole = { ...last, packed: [pack(last.entries)], entries: [] };
    expect(await store().append(sealer.log, 41, whole)).toEqual({ outcome: 'appended' });
    const range = { by: 'position', order: 'asc', limit: 50 } as const;
    const kept = await store().select(sealer.log, { streams: [] }, range, { states: true, seals: true });
    expect(kept.map(plain), hint).toEqual(modelOf(sealer.written).map(({ stored }) => plain(stored)));
  });

  it('answers the tip of an empty log where the log is not known', async () => {
    const log = randomUUID();
    const empty = { log, tree: { size: 0, edge: [] }, recordedAt: Number.NEGATIVE_INFINITY };
    expect(plainTip(await store().tip(log))).toEqual(plainTip(empty));
  });

  it('answers empty-handed about a log that is not known', async () => {
    const log = randomUUID();
    const resource = { type: 'countries', id: 'CHE' };
    const range = { by: 'position', order: 'asc', limit: 10 } as const;
    expect(await store().count(log, { streams: [] })).toBe(0);
    expect(await store().select(log, { streams: [] }, range)).toEqual([]);
    expect(await store().latest(log, [resource])).toEqual([undefined]);
    expect(await store().resource(log, resource)).toBeUndefined();
    expect(await store().resources(log, undefined, undefined, 10)).toEqual([]);
    expect(await store().asOf(log, resource, START, START)).toBeUndefined();
    expect(await store().find(log, [randomUUID()])).toEqual([]);
    expect(await store().answer(log, 'key')).toBeUndefined();
    expect(await store().nodes(log, [{ level: 0, index: 0 }])).toEqual([undefined]);
  });

  it('moves size, edge and recordedAt of the tip with every append', async () => {
    const sealer = newSealer();
    for (const change of randomChanges(sealer.random, 20)) {
      await appendAll(store(), sealer, [change]);
      expect(plainTip(await store().tip(sealer.log)), hint).toEqual(plainTip(sealer.tip));
    }
  });

  it('answers stale, and stores nothing, when the log has another size', async () => {
    const sealer = newSealer();
    await appendAll(store(), sealer, randomChanges(sealer.random, 5));
    const late = sealer.fork();
    const batch = late.batch(randomChanges(late.random, 3), [answerOf('late')]);
    await appendAll(store(), sealer, randomChanges(sealer.random, 2));
    const before = await everythingOf(store(), sealer.log, batch);
    for (const expectedSize of [0, 5, 6, 8]) {
      expect(await store().append(sealer.log, expectedSize, batch)).toEqual({ outcome: 'stale' });
    }
    expect(await everythingOf(store(), sealer.log, batch), hint).toEqual(before);
  });

  it('answers stale, and stores nothing, when the log has the right size and another last entry', async () => {
    for (const size of [0, 1, 3, 4]) {
      const sealer = newSealer();
      if (size > 0) await appendAll(store(), sealer, randomChanges(sealer.random, size));
      const rival = sealer.fork();
      for (const count of [1, 2]) {
        rival.batch(randomChanges(rival.random, count));
        await appendAll(store(), sealer, randomChanges(sealer.random, count));
      }
      const batch = rival.batch([changeOf(rival.random)]);
      const before = await everythingOf(store(), sealer.log, batch);
      expect(await store().append(sealer.log, size + 3, batch), hint).toEqual({ outcome: 'stale' });
      expect(await everythingOf(store(), sealer.log, batch), hint).toEqual(before);
    }
  });

  it('answers stale, and stores nothing, when the log is empty and was expected not to be', async () => {
    const sealer = newSealer();
    sealer.batch([changeOf(sealer.random)]);
    const batch = sealer.batch([changeOf(sealer.random)]);
    const before = await everythingOf(store(), sealer.log, batch);
    expect(await store().append(sealer.log, 1, batch)).toEqual({ outcome: 'stale' });
    expect(await everythingOf(store(), sealer.log, batch)).toEqual(before);
  });

  it('names repeated change ids and keys, and stores nothing', async () => {
    const sealer = newSealer();
    const changes = randomChanges(sealer.random, 4);
    await store().append(sealer.log, 0, sealer.batch(changes, [answerOf('first'), answerOf('second')]));
    const again = [changes[2]!, changeOf(sealer.random), changes[0]!];
    const batch = sealer.fork().batch(again, [answerOf('second'), answerOf('third')]);
    const before = await everythingOf(store(), sealer.log, batch);
    const result = await store().append(sealer.log, 4, batch);
    const ids = [changes[2]!.id, changes[0]!.id];
    expect(result, hint).toEqual({ outcome: 'repeated', ids, keys: ['second'] });
    expect(await everythingOf(store(), sealer.log, batch), hint).toEqual(before);
  });

  it('names a repeated key where no id is repeated, and a repeated id where no key is', async () => {
    const sealer = newSealer();
    const [first, second] = [changeOf(sealer.random), changeOf(sealer.random)];
    await store().append(sealer.log, 0, sealer.batch([first], [answerOf('key')]));
    const sameKey = sealer.fork().batch([second], [answerOf('key')]);
    const sameId = sealer.fork().batch([first], [answerOf('other')]);
    const named = async (batch: Batch): Promise<unknown> => store().append(sealer.log, 1, batch);
    expect(await named(sameKey)).toEqual({ outcome: 'repeated', ids: [], keys: ['key'] });
    expect(await named(sameId)).toEqual({ outcome: 'repeated', ids: [first.id], keys: [] });
  });

  it('answers stale, not repeated, where both are true', async () => {
    const sealer = newSealer();
    const change = changeOf(sealer.random);
    const again = sealer.fork().batch([change]);
    await appendAll(store(), sealer, [change]);
    expect(await store().append(sealer.log, 0, again)).toEqual({ outcome: 'stale' });
  });

  it('takes in one log the ids and keys that another log has', async () => {
    const change = changeOf(random());
    const answers = { one: answerOf('key', 'one'), other: answerOf('key', 'other') };
    const [one, other] = [newSealer(), newSealer()];
    const appended = { outcome: 'appended' };
    expect(await store().append(one.log, 0, one.batch([change], [answers.one]))).toEqual(appended);
    expect(await store().append(other.log, 0, other.batch([change], [answers.other]))).toEqual(appended);
    expect(await store().answer(one.log, 'key')).toEqual(answers.one);
    expect(await store().answer(other.log, 'key')).toEqual(answers.other);
    expect(plainTip(await store().tip(one.log))).toEqual(plainTip(one.tip));
    expect(plainTip(await store().tip(other.log))).toEqual(plainTip(other.tip));
  });

  it('keeps answers with or without entries, and gives them back by key', async () => {
    const sealer = newSealer();
    const [empty, full] = [answerOf('🔑 one', '[]'), answerOf('two', '[{"position":0}]')];
    await store().append(sealer.log, 0, sealer.batch([], [empty]));
    expect(plainTip(await store().tip(sealer.log))).toEqual(plainTip(sealer.tip));
    await store().append(sealer.log, 0, sealer.batch([changeOf(sealer.random)], [full]));
    expect(await store().answer(sealer.log, empty.key)).toEqual(empty);
    expect(await store().answer(sealer.log, full.key)).toEqual(full);
    expect(await store().answer(sealer.log, 'three')).toBeUndefined();
    expect(plainTip(await store().tip(sealer.log))).toEqual(plainTip(sealer.tip));
  });

  it('keeps an answer for a day', async () => {
    const sealer = newSealer();
    const first = answerOf('first');
    const aDayLater = { ...answerOf('later'), keptAt: first.keptAt + DAY_MICROS };
    await store().append(sealer.log, 0, sealer.batch([], [first]));
    await store().append(sealer.log, 0, sealer.batch([], [aDayLater]));
    expect(await store().answer(sealer.log, 'first')).toEqual(first);
  });

  it('lets an answer go when it is older than a day and another comes, and takes its key again', async () => {
    const sealer = newSealer();
    // Before those of all other logs: a store may let a few of the oldest go at a time.
    const old = { ...answerOf('key'), keptAt: START - 30 * DAY_MICROS };
    const later = { ...answerOf('later'), keptAt: old.keptAt + DAY_MICROS + 1 };
    const again = { ...answerOf('key', '[{"position":0}]'), keptAt: later.keptAt };
    await store().append(sealer.log, 0, sealer.batch([], [old]));
    await store().append(sealer.log, 0, sealer.batch([], [later]));
    expect(await store().answer(sealer.log, 'key')).toBeUndefined();
    expect(await store().append(sealer.log, 0, sealer.batch([], [again]))).toEqual({ outcome: 'appended' });
    expect(await store().answer(sealer.log, 'key')).toEqual(again);
    expect(await store().answer(sealer.log, 'later')).toEqual(later);
  });

  it('takes one of two appends in flight on the same tip, and answers stale to the other', async () => {
    const sealer = newSealer();
    await appendAll(store(), sealer, [changeOf(sealer.random)]);
    const rival = sealer.fork();
    const ours = store().append(sealer.log, 1, sealer.batch(randomChanges(sealer.random, 3)));
    const theirs = store().append(sealer.log, 1, rival.batch(randomChanges(rival.random, 4)));
    const outcomes = (await Promise.all([ours, theirs])).map(({ outcome }) => outcome);
    expect(outcomes.toSorted(), hint).toEqual(['appended', 'stale']);
    const winner = outcomes[0] === 'appended' ? sealer : rival;
    expect(plainTip(await store().tip(sealer.log)), hint).toEqual(plainTip(winner.tip));
  });

  it('takes an append that is sealed on top of one still in flight', async () => {
    const sealer = newSealer();
    const inFlight = [3, 1, 4].map((count) => {
      const { size } = sealer.tip.tree;
      return store().append(sealer.log, size, sealer.batch(randomChanges(sealer.random, count)));
    });
    const outcomes = (await Promise.all(inFlight)).map(({ outcome }) => outcome);
    expect(outcomes, hint).toEqual(['appended', 'appended', 'appended']);
    expect(plainTip(await store().tip(sealer.log)), hint).toEqual(plainTip(sealer.tip));
  });

  it('answers stale to whatever is sealed on top of an append that fails', async () => {
    const sealer = newSealer();
    const change = changeOf(sealer.random);
    await appendAll(store(), sealer, [change]);
    const doomed = sealer.fork();
    const first = store().append(sealer.log, 1, doomed.batch([change]));
    const second = store().append(sealer.log, 2, doomed.batch([changeOf(doomed.random)]));
    expect(await first).toEqual({ outcome: 'repeated', ids: [change.id], keys: [] });
    expect(await second).toEqual({ outcome: 'stale' });
    expect(plainTip(await store().tip(sealer.log))).toEqual(plainTip(sealer.tip));
  });

  it('takes appends to several logs at once', async () => {
    const sealers = Array.from({ length: 8 }, newSealer);
    await Promise.all(
      sealers.map((sealer) => appendAll(store(), sealer, randomChanges(sealer.random, 12), 4)),
    );
    for (const sealer of sealers)
      expect(plainTip(await store().tip(sealer.log)), hint).toEqual(plainTip(sealer.tip));
  });

  it('keeps what it was given when the caller changes its own objects afterwards', async () => {
    const sealer = newSealer();
    const change = changeOf(sealer.random, { related: [{ type: 'orders', id: '1' }] });
    const batch = sealer.batch([change]);
    const range = { by: 'position', order: 'asc', limit: 1 } as const;
    await store().append(sealer.log, 0, batch);
    const before = await everythingOf(store(), sealer.log, batch);
    batch.entries[0]!.related.pop();
    batch.entries[0]!.leafHash.fill(0);
    const [read] = await store().select(sealer.log, { streams: [] }, range);
    read!.related.pop();
    read!.leafHash.fill(0);
    expect(await everythingOf(store(), sealer.log, batch)).toEqual(before);
  });
}

function answerOf(key: string, answer = '[]'): KeptAnswer {
  return { key, fingerprint: `fingerprint of ${key}`, answer, keptAt: START };
}

/** All that a log shows, also of what a batch would have added to it. */
async function everythingOf(store: Store, log: string, batch: Batch): Promise<object> {
  const range = { by: 'position', order: 'asc', limit: 1000 } as const;
  const resources = batch.latest.map(({ resource }) => resource);
  const nodes = [...batch.nodes, ...batch.entries.map(({ position }) => ({ level: 0, index: position }))];
  const streams = [...new Set(batch.entries.flatMap((entry) => entry.streams))];
  return {
    tip: await store.tip(log),
    entries: await store.select(log, { streams: [] }, range, { states: true, seals: true }),
    sizes: await Promise.all(streams.map((stream) => store.count(log, { streams: [stream] }))),
    latest: await store.latest(log, resources),
    resources: await store.resources(log, undefined, undefined, 1000),
    found: (
      await store.find(
        log,
        batch.entries.map(({ id }) => id),
      )
    ).map(({ position }) => position),
    nodes: await store.nodes(
      log,
      nodes.map(({ level, index }) => ({ level, index })),
    ),
    answers: await Promise.all(batch.answers.map(({ key }) => store.answer(log, key))),
  };
}
