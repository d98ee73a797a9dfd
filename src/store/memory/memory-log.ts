// One log in memory: what was appended, as it was handed in, and reads that look at all of it.

import type { ResourceRef } from '../../core/entry.ts';
import type { Instant } from '../../core/instant.ts';
import { EMPTY_TREE, type Hash, type Node } from '../../core/merkle.ts';
import type { Latest, SealedEntry, Tip } from '../../core/seal.ts';
import type {
  AppendResult,
  Batch,
  KeptAnswer,
  LatestRow,
  LogId,
  Range,
  Selection,
  StoredEntry,
} from '../store.ts';
import { byTime, isSelected, selectEntries } from './select.ts';

export class MemoryLog {
  tip: Tip;
  readonly #entries: SealedEntry[] = [];
  readonly #nodes: Node[] = [];
  #latest: Latest[] = [];
  readonly #answers: KeptAnswer[] = [];

  constructor(log: LogId) {
    this.tip = { log, tree: EMPTY_TREE, recordedAt: Number.NEGATIVE_INFINITY };
  }

  append(expectedSize: number, batch: Batch): AppendResult {
    if (this.#entries.length !== expectedSize) return { outcome: 'stale' };
    const ids = batch.entries.map(({ id }) => id).filter((id) => this.find([id]).length > 0);
    const keys = batch.answers.map(({ key }) => key).filter((key) => this.answer(key) !== undefined);
    if (ids.length > 0 || keys.length > 0) return { outcome: 'repeated', ids, keys };
    this.#entries.push(...batch.entries);
    this.#nodes.push(...batch.nodes);
    this.#answers.push(...batch.answers);
    for (const latest of batch.latest) {
      this.#latest = this.#latest.filter(({ resource }) => !isSame(resource, latest.resource));
      this.#latest.push(latest);
    }
    this.tip = batch.tip;
    return { outcome: 'appended' };
  }

  latest(resource: ResourceRef): Latest | undefined {
    return this.#latest.find((latest) => isSame(latest.resource, resource));
  }

  find(ids: string[]): StoredEntry[] {
    return this.#entries.filter(({ id }) => ids.includes(id)).map((entry) => this.#stored(entry, true));
  }

  answer(key: string): KeptAnswer | undefined {
    return this.#answers.find((answer) => answer.key === key);
  }

  select(selection: Selection, range: Range, withStates: boolean): StoredEntry[] {
    return selectEntries(this.#entries, selection, range).map((entry) => this.#stored(entry, withStates));
  }

  count(selection: Selection): number {
    return this.#entries.filter((entry) => isSelected(entry, selection)).length;
  }

  asOf(resource: ResourceRef, at: Instant, knownAt: Instant): StoredEntry | undefined {
    const last = this.#entries
      .filter((entry) => isSame(entry.resource, resource) && entry.action !== 'access')
      .filter((entry) => entry.occurredAt <= at && entry.recordedAt <= knownAt)
      .sort(byTime)
      .at(-1);
    return last && this.#stored(last, true);
  }

  resources(type: string | undefined, behind: ResourceRef | undefined, limit: number): LatestRow[] {
    return this.#latest
      .filter(({ resource, state }) => state !== null && (type === undefined || resource.type === type))
      .filter(({ resource }) => behind === undefined || byName(behind, resource) < 0)
      .sort((left, right) => byName(left.resource, right.resource))
      .slice(0, limit)
      .flatMap(({ resource }) => this.resource(resource) ?? []);
  }

  resource(resource: ResourceRef): LatestRow | undefined {
    const latest = this.latest(resource);
    if (latest?.stateVersion === undefined || latest.statePosition === undefined) return undefined;
    const entry = this.#entries[latest.statePosition] as SealedEntry;
    return {
      resource: latest.resource,
      version: latest.stateVersion,
      position: latest.statePosition,
      state: latest.state === null ? null : latest.stateText,
      changedAt: entry.occurredAt,
      changedBy: entry.actor,
    };
  }

  node(level: number, index: number): Hash | undefined {
    if (level === 0) return this.#entries[index]?.leafHash;
    return this.#nodes.find((node) => node.level === level && node.index === index)?.hash;
  }

  #stored({ streams: _, ...entry }: SealedEntry, withStates: boolean): StoredEntry {
    if (!withStates || entry.action === 'access') return { ...entry, before: undefined, after: undefined };
    const prior = entry.prior === undefined ? undefined : this.#entries[entry.prior];
    return { ...entry, before: entry.before === undefined ? (prior?.after ?? null) : entry.before };
  }
}

function isSame(left: ResourceRef, right: ResourceRef): boolean {
  return left.type === right.type && left.id === right.id;
}

/** By type, then id, in the order of code points (that of UTF-8 bytes), as databases compare text. */
function byName(left: ResourceRef, right: ResourceRef): number {
  return (
    Buffer.compare(Buffer.from(left.type), Buffer.from(right.type)) ||
    Buffer.compare(Buffer.from(left.id), Buffer.from(right.id))
  );
}
