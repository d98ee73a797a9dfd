// What resources look like now.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { StateText } from '../../core/state-text.ts';
import { appendAll, LogSealer } from '../contract-batches.ts';
import { changeOf, randomChanges } from '../contract-changes.ts';
import { compareNames, keyOf, latestRows, modelOf } from '../contract-model.ts';
import type { LatestRow } from '../store.ts';
import type { Subject } from './subject.ts';

const COUNTRY = { type: 'countries', id: 'CHE' };

export function latestSentences(subject: Subject): void {
  const { store, random, hint } = subject;
  const newSealer = (): LogSealer => new LogSealer(randomUUID(), random());

  it('gives latest states in the order asked for, undefined where the resource is unknown', async () => {
    const sealer = newSealer();
    const other = changeOf(sealer.random, {
      resource: { type: 'orders', id: '1', name: 'One' },
      after: { a: 1 },
    });
    await appendAll(store(), sealer, [changeOf(sealer.random, { after: { b: [2] } }), other]);
    const unknown = { type: 'countries', id: 'FRA' };
    const first = { version: 1, stateVersion: 1 };
    expect(await store().latest(sealer.log, [other.resource, unknown, COUNTRY, other.resource])).toEqual([
      { ...first, resource: other.resource, statePosition: 1, state: StateText.of({ a: 1 }) },
      undefined,
      { ...first, resource: COUNTRY, statePosition: 0, state: StateText.of({ b: [2] }) },
      { ...first, resource: other.resource, statePosition: 1, state: StateText.of({ a: 1 }) },
    ]);
    expect(await store().latest(sealer.log, [])).toEqual([]);
  });

  it('gives a null state for a deleted resource, and goes on counting its versions', async () => {
    const sealer = newSealer();
    await appendAll(store(), sealer, [
      changeOf(sealer.random),
      changeOf(sealer.random, { action: 'delete' }),
    ]);
    const deleted = { version: 2, stateVersion: 2, statePosition: 1, state: null };
    expect(await store().latest(sealer.log, [COUNTRY])).toEqual([{ resource: COUNTRY, ...deleted }]);
    expect(await store().resource(sealer.log, COUNTRY)).toMatchObject({
      version: 2,
      position: 1,
      state: null,
    });
  });

  it('counts an access as a version, and leaves the state as it was', async () => {
    const sealer = newSealer();
    const access = changeOf(sealer.random, { action: 'access', actor: { type: 'user', id: 'eve' } });
    await appendAll(store(), sealer, [changeOf(sealer.random, { after: { a: 1 } }), access]);
    const [latest] = await store().latest(sealer.log, [COUNTRY]);
    expect(latest).toMatchObject({
      version: 2,
      stateVersion: 1,
      statePosition: 0,
      state: StateText.of({ a: 1 }),
    });
    const row = await store().resource(sealer.log, COUNTRY);
    expect(row).toMatchObject({
      version: 1,
      position: 0,
      state: '{"a":1}',
      changedBy: '{"id":"ada","type":"user"}',
    });
  });

  it('knows the version, and no state, of a resource that was only accessed', async () => {
    const sealer = newSealer();
    await appendAll(store(), sealer, [changeOf(sealer.random, { action: 'access' })]);
    const nothing = { stateVersion: undefined, statePosition: undefined, state: null };
    expect(await store().latest(sealer.log, [COUNTRY])).toEqual([
      { resource: COUNTRY, version: 1, ...nothing },
    ]);
    expect(await store().resource(sealer.log, COUNTRY)).toBeUndefined();
    expect(await store().resources(sealer.log, undefined, undefined, 10)).toEqual([]);
  });

  it('gives the name that the last change of state gave, or none', async () => {
    const sealer = newSealer();
    const named = { ...COUNTRY, name: 'Schweiz' };
    await appendAll(store(), sealer, [changeOf(sealer.random, { resource: named })]);
    expect((await store().resource(sealer.log, COUNTRY))?.resource).toEqual(named);
    await appendAll(store(), sealer, [changeOf(sealer.random)]);
    expect((await store().resource(sealer.log, COUNTRY))?.resource).toEqual(COUNTRY);
    expect((await store().latest(sealer.log, [COUNTRY]))[0]?.resource).toEqual(COUNTRY);
  });

  it('follows every resource through random changes', async () => {
    const sealer = newSealer();
    for (const count of [40, 1, 90, 30]) {
      await appendAll(store(), sealer, randomChanges(sealer.random, count), 9);
      const rows = latestRows(modelOf(sealer.written));
      for (const row of rows) {
        expect(await store().resource(sealer.log, row.resource), hint).toEqual(row);
      }
      const versions = new Map(sealer.written.map(({ entry }) => [keyOf(entry.resource), entry.version]));
      const latest = await store().latest(
        sealer.log,
        rows.map(({ resource }) => resource),
      );
      expect(latest, hint).toEqual(
        rows.map(({ resource, version, position, state }) => ({
          resource,
          version: versions.get(keyOf(resource)),
          stateVersion: version,
          statePosition: position,
          state: StateText.ofText(state),
        })),
      );
    }
  });

  it('lists resources by type and id in order of code points, deleted ones left out, page by page', async () => {
    const sealer = newSealer();
    await appendAll(store(), sealer, randomChanges(sealer.random, 150));
    const all = latestRows(modelOf(sealer.written)).filter(({ state }) => state !== null);
    for (const type of [undefined, 'countries', 'Bücher', 'nothing']) {
      const expected = all.filter(({ resource }) => type === undefined || resource.type === type);
      for (const limit of [1, 3, 1000]) {
        const rows: LatestRow[] = [];
        for (;;) {
          const page = await store().resources(sealer.log, type, rows.at(-1)?.resource, limit);
          expect(page.length, hint).toBeLessThanOrEqual(limit);
          rows.push(...page);
          if (page.length < limit) break;
        }
        expect(rows, hint).toEqual(expected);
      }
    }
  });

  it('lists resources behind any name, whether a resource has it or not', async () => {
    const sealer = newSealer();
    await appendAll(store(), sealer, randomChanges(sealer.random, 150));
    const all = latestRows(modelOf(sealer.written)).filter(({ state }) => state !== null);
    const types = ['', 'Bücher', 'countries', 'd', 'orders', 'z'];
    for (const behind of types.flatMap((type) => ['', 'CHE', 'D', 'z', '狐'].map((id) => ({ type, id })))) {
      for (const type of [undefined, 'countries', 'memberships']) {
        const expected = all
          .filter(({ resource }) => type === undefined || resource.type === type)
          .filter(({ resource }) => compareNames(behind, resource) < 0);
        const rows = await store().resources(sealer.log, type, behind, 1000);
        expect(rows, `${type} behind ${behind.type}/${behind.id}, ${hint}`).toEqual(expected);
      }
    }
  });
}
