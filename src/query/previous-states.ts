// What the entries before a run leave of the resources in it: at hand where they were seen lately, else read.

import type { ResourceRef } from '../core/entry.ts';
import type { Latest } from '../core/seal.ts';
import { StateText } from '../core/state-text.ts';
import { streamOf } from '../core/streams.ts';
import type { Audit } from '../store/audit.ts';
import type { LogId, StoredEntry } from '../store/store.ts';

/** Bound on the text of the states at hand between runs, in bytes. */
const MOST_TEXT = 8 * 1024 * 1024;
/** What a state weighs beside its text. */
const OVERHEAD = 200;

export class PreviousStates {
  readonly #audit: Audit;
  readonly #log: LogId;
  /** In the order in which they were last set; undefined: the log does not know the resource yet. */
  readonly #states = new Map<string, Latest | undefined>();
  #weight = 0;

  constructor(audit: Audit, log: LogId) {
    this.#audit = audit;
    this.#log = log;
  }

  /** Has the state of every resource of these rows at hand, as it is below the first of them. */
  async load(rows: readonly StoredEntry[]): Promise<void> {
    for (const oldest of this.#states.keys()) {
      if (this.#weight <= MOST_TEXT) break;
      this.#remove(oldest);
    }
    const below = rows[0]?.position ?? 0;
    for (const { resource } of rows) {
      if (!this.#states.has(keyOf(resource))) this.set(resource, await this.#latestBelow(resource, below));
    }
  }

  get(resource: ResourceRef): Latest | undefined {
    return this.#states.get(keyOf(resource));
  }

  set(resource: ResourceRef, latest: Latest | undefined): void {
    const key = keyOf(resource);
    this.#remove(key);
    this.#states.set(key, latest);
    this.#weight += weightOf(latest);
  }

  #remove(key: string): void {
    if (!this.#states.has(key)) return;
    this.#weight -= weightOf(this.#states.get(key));
    this.#states.delete(key);
  }

  async #latestBelow(resource: ResourceRef, below: number): Promise<Latest | undefined> {
    const history = { streams: [streamOf.resource(resource)] };
    const last = { by: 'position', order: 'desc', limit: 1, below } as const;
    const [row] = await this.#audit.select(this.#log, history, last, { states: true });
    if (row === undefined) return undefined;
    if (row.action !== 'access') return latestOf(row, row.version);
    // An access has no state: its prior entry left it. Without one there are only accesses, and the first gave the name.
    const [selection, range] =
      row.prior === undefined
        ? [history, { ...last, order: 'asc' as const }]
        : [{ streams: [] }, { ...last, below: row.prior + 1 }];
    const [from] = await this.#audit.select(this.#log, selection, range, { states: true });
    return latestOf(from ?? row, row.version);
  }
}

/** What an entry leaves of its resource, whose last entry has this version. */
function latestOf(row: StoredEntry, version: number): Latest {
  const isAccess = row.action === 'access';
  return {
    resource: row.resource,
    version,
    stateVersion: isAccess ? undefined : row.version,
    statePosition: isAccess ? undefined : row.position,
    state: StateText.ofText(row.after ?? null),
  };
}

/** A type has no slash, so no two resources have one key. */
function keyOf({ type, id }: ResourceRef): string {
  return `${type}/${id}`;
}

function weightOf(latest: Latest | undefined): number {
  return OVERHEAD + (latest?.state?.bytes.length ?? 0);
}
