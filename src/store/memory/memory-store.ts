// The store in memory: the reference for the others, and the store of tests that need faults. It
// looks at everything for every question, and keeps nothing when the process ends.

import type { ResourceRef } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import type { Instant } from '../../core/instant.ts';
import type { Hash } from '../../core/merkle.ts';
import type { Latest, Tip } from '../../core/seal.ts';
import { StateText } from '../../core/state-text.ts';
import type {
  AppendResult,
  Batch,
  KeptAnswer,
  LatestRow,
  LogId,
  Organization,
  Parts,
  Range,
  Selection,
  Store,
  StoredEntry,
} from '../store.ts';
import { Faults } from './faults.ts';
import { MemoryLog } from './memory-log.ts';

export function openMemoryStore(options: { faults?: Faults } = {}): Store {
  return new MemoryStore(options.faults ?? new Faults());
}

/** Copies whatever comes in or goes out: what a caller does to its own objects changes nothing here. */
class MemoryStore implements Store {
  readonly #faults: Faults;
  readonly #logs = new Map<LogId, MemoryLog>();
  readonly #organizations: Organization[] = [];
  readonly #secrets = new Map<string, { value: Uint8Array; until: Instant | undefined }>();
  #isClosed = false;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  async append(log: LogId, expectedSize: number, batch: Batch): Promise<AppendResult> {
    this.#mustBeOpen();
    if (this.#faults.strikes('append failed and nothing was kept')) throw unavailable('the append failed');
    if (this.#faults.strikes('append is stale')) return { outcome: 'stale' };
    const kept = this.#logs.get(log) ?? new MemoryLog(log);
    this.#logs.set(log, kept);
    const result = kept.append(expectedSize, batch);
    if (this.#faults.strikes('append failed and everything was kept'))
      throw unavailable('the reply was lost');
    return result;
  }

  tip(log: LogId): Promise<Tip> {
    return this.#read(log, (kept) => kept.tip);
  }

  async latest(log: LogId, resources: ResourceRef[]): Promise<(Latest | undefined)[]> {
    const found = await this.#read(log, (kept) => resources.map((resource) => kept.latest(resource)));
    return found.map((latest) => latest && { ...latest, state: StateText.ofText(latest.state) });
  }

  find(log: LogId, ids: string[]): Promise<StoredEntry[]> {
    return this.#read(log, (kept) => kept.find(ids));
  }

  answer(log: LogId, key: string): Promise<KeptAnswer | undefined> {
    return this.#read(log, (kept) => kept.answer(key));
  }

  select(log: LogId, selection: Selection, range: Range, parts: Parts = {}): Promise<StoredEntry[]> {
    return this.#read(log, (kept) => kept.select(selection, range, parts));
  }

  count(log: LogId, selection: Selection): Promise<number> {
    return this.#read(log, (kept) => kept.count(selection));
  }

  asOf(log: LogId, resource: ResourceRef, at: Instant, knownAt: Instant): Promise<StoredEntry | undefined> {
    return this.#read(log, (kept) => kept.asOf(resource, at, knownAt));
  }

  resources(
    log: LogId,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): Promise<LatestRow[]> {
    return this.#read(log, (kept) => kept.resources(type, behind, limit));
  }

  resource(log: LogId, resource: ResourceRef): Promise<LatestRow | undefined> {
    return this.#read(log, (kept) => kept.resource(resource));
  }

  types(log: LogId): Promise<string[]> {
    return this.#read(log, (kept) => kept.types());
  }

  nodes(log: LogId, names: { level: number; index: number }[]): Promise<(Hash | undefined)[]> {
    return this.#read(log, (kept) => names.map(({ level, index }) => kept.node(level, index)));
  }

  async organizations(): Promise<Organization[]> {
    this.#mustBeOpen();
    return structuredClone(this.#organizations).sort(byAge);
  }

  async addOrganization(organization: Organization): Promise<boolean> {
    this.#mustBeOpen();
    const isTaken = this.#organizations.some(
      ({ id, slug }) => id === organization.id || slug === organization.slug,
    );
    if (!isTaken) this.#organizations.push(structuredClone(organization));
    return !isTaken;
  }

  async secret(name: string): Promise<Uint8Array | undefined> {
    this.#mustBeOpen();
    return structuredClone(this.#secrets.get(name)?.value);
  }

  async addSecret(name: string, value: Uint8Array, until?: Instant): Promise<boolean> {
    this.#mustBeOpen();
    if (this.#secrets.has(name)) return false;
    this.#secrets.set(name, { value: Uint8Array.from(value), until });
    return true;
  }

  async dropSecrets(now: Instant): Promise<void> {
    this.#mustBeOpen();
    for (const [name, { until }] of this.#secrets) {
      if (until !== undefined && until < now) this.#secrets.delete(name);
    }
  }

  async ping(): Promise<void> {
    this.#mustBeOpen();
  }

  async backup(): Promise<void> {
    throw unavailable('a memory store cannot be copied to a file');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  async #read<Answer>(log: LogId, answer: (kept: MemoryLog) => Answer): Promise<Answer> {
    this.#mustBeOpen();
    if (this.#faults.strikes('read failed')) throw unavailable('the read failed');
    return structuredClone(answer(this.#logs.get(log) ?? new MemoryLog(log)));
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw unavailable('the store is closed');
  }
}

function unavailable(message: string): AnnalsError {
  return new AnnalsError('store_unavailable', message);
}

function byAge(left: Organization, right: Organization): number {
  return left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1);
}
