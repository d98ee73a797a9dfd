// One log in memory: what was appended, as it was handed in, and reads that look at all of it.

import type { ResourceRef } from '../../core/entry.ts';
import type { Instant } from '../../core/instant.ts';
import { EMPTY_TREE, type Hash } from '../../core/merkle.ts';
import type { Latest, SealedEntry, Tip } from '../../core/seal.ts';
import type { StateText } from '../../core/state-text.ts';
import type {
  AppendResult,
  Batch,
  KeptAnswer,
  LatestRow,
  LogId,
  Parts,
  Range,
  Selection,
  StoredEntry,
} from '../store.ts';
import { byTime, isSelected, selectEntries } from './select.ts';

const KEEP_ANSWERS_MICROS = 24 * 3600 * 1_000_000;

/** An entry as it is kept: with its states as texts. */
interface KeptEntry extends Omit<SealedEntry, 'before' | 'after'> {
  before: string | null | undefined;
  after: string | null | undefined;
}

/** A latest state, the state as text. */
export interface KeptLatest extends Omit<Latest, 'state'> {
  state: string | null;
}

export class MemoryLog {
  tip: Tip;
  readonly #entries: KeptEntry[] = [];
  readonly #ids = new Set<string>();
  readonly #nodes = new Map<string, Hash>();
  readonly #latest = new Map<string, KeptLatest>();
  readonly #answers = new Map<string, KeptAnswer>();

  constructor(log: LogId) {
    this.tip = { log, tree: EMPTY_TREE, recordedAt: Number.NEGATIVE_INFINITY };
  }

  append(expectedSize: number, batch: Batch): AppendResult {
    const parent = this.tip.tree.edge.at(-1);
    const isExpected =
      parent === undefined || (batch.parent !== undefined && Buffer.compare(parent, batch.parent) === 0);
    if (this.#entries.length !== expectedSize || !isExpected) return { outcome: 'stale' };
    const ids = batch.entries.map(({ id }) => id).filter((id) => this.#ids.has(id));
    const keys = batch.answers.map(({ key }) => key).filter((key) => this.#answers.has(key));
    if (ids.length > 0 || keys.length > 0) return { outcome: 'repeated', ids, keys };
    for (const entry of batch.entries) {
      this.#entries.push(
        structuredClone({ ...entry, before: textOf(entry.before), after: textOf(entry.after) }),
      );
      this.#ids.add(entry.id);
    }
    for (const { level, index, hash } of batch.nodes)
      this.#nodes.set(`${level}/${index}`, Uint8Array.from(hash));
    for (const { state, ...latest } of batch.latest) {
      this.#latest.set(nameOf(latest.resource), structuredClone({ ...latest, state: state?.text ?? null }));
    }
    for (const answer of batch.answers) this.#keepAnswer({ ...answer });
    this.tip = structuredClone(batch.tip);
    return { outcome: 'appended' };
  }

  latest(resource: ResourceRef): KeptLatest | undefined {
    return this.#latest.get(nameOf(resource));
  }

  find(ids: string[]): StoredEntry[] {
    return this.#entries.filter(({ id }) => ids.includes(id)).map((entry) => this.#stored(entry, ALL_PARTS));
  }

  answer(key: string): KeptAnswer | undefined {
    return this.#answers.get(key);
  }

  select(selection: Selection, range: Range, parts: Parts): StoredEntry[] {
    return selectEntries(this.#entries, selection, range).map((entry) => this.#stored(entry, parts));
  }

  count(selection: Selection): number {
    return this.#entries.filter((entry) => isSelected(entry, selection)).length;
  }

  asOf(resource: ResourceRef, at: Instant, knownAt: Instant): StoredEntry | undefined {
    const last = this.#entries
      .filter((entry) => nameOf(entry.resource) === nameOf(resource) && entry.action !== 'access')
      .filter((entry) => entry.occurredAt <= at && entry.recordedAt <= knownAt)
      .sort(byTime)
      .at(-1);
    return last && this.#stored(last, { states: true });
  }

  resources(type: string | undefined, behind: ResourceRef | undefined, limit: number): LatestRow[] {
    return [...this.#latest.values()]
      .filter(({ resource, state }) => state !== null && (type === undefined || resource.type === type))
      .filter(({ resource }) => behind === undefined || byName(behind, resource) < 0)
      .sort((left, right) => byName(left.resource, right.resource))
      .slice(0, limit)
      .flatMap(({ resource }) => this.resource(resource) ?? []);
  }

  resource(resource: ResourceRef): LatestRow | undefined {
    const latest = this.latest(resource);
    if (latest?.stateVersion === undefined || latest.statePosition === undefined) return undefined;
    const entry = this.#entries[latest.statePosition] as KeptEntry;
    return {
      resource: latest.resource,
      version: latest.stateVersion,
      position: latest.statePosition,
      state: latest.state,
      changedAt: entry.occurredAt,
      changedBy: entry.actor,
    };
  }

  types(): string[] {
    return [...new Set(this.#entries.map(({ resource }) => resource.type))];
  }

  node(level: number, index: number): Hash | undefined {
    if (level === 0) return this.#entries[index]?.leafHash;
    return this.#nodes.get(`${level}/${index}`);
  }

  #keepAnswer(answer: KeptAnswer): void {
    this.#answers.set(answer.key, answer);
    for (const { key, keptAt } of this.#answers.values()) {
      if (keptAt < answer.keptAt - KEEP_ANSWERS_MICROS) this.#answers.delete(key);
    }
  }

  #stored({ streams: _, ...entry }: KeptEntry, parts: Parts): StoredEntry {
    const seals = parts.seals === true ? {} : { salts: {}, digests: {} };
    if (parts.states !== true || entry.action === 'access') {
      return { ...entry, ...seals, before: undefined, after: undefined };
    }
    const prior = entry.prior === undefined ? undefined : this.#entries[entry.prior];
    const before = entry.before === undefined ? (prior?.after ?? null) : entry.before;
    return { ...entry, ...seals, before };
  }
}

function textOf(state: StateText | null | undefined): string | null | undefined {
  return state === undefined ? undefined : (state?.text ?? null);
}

const ALL_PARTS: Parts = { states: true, seals: true };

function nameOf({ type, id }: ResourceRef): string {
  return JSON.stringify([type, id]);
}

/** By type, then id, in the order of code points (that of UTF-8 bytes), as databases compare text. */
function byName(left: ResourceRef, right: ResourceRef): number {
  return (
    Buffer.compare(Buffer.from(left.type), Buffer.from(right.type)) ||
    Buffer.compare(Buffer.from(left.id), Buffer.from(right.id))
  );
}
