// The views of all organizations at hand, each as its log has it. What this server writes it knows at once;
// what another one wrote it learns within TRUSTED_MS, or as soon as it hears that the log has grown.

import { isEqual, type JsonObject } from '../core/json.ts';
import { parseText } from '../core/json-parse.ts';
import type { Sha256 } from '../core/merkle.ts';
import { type Stream, streamOf } from '../core/streams.ts';
import type { LogId, Organization, Store } from '../store/store.ts';
import { KEPT } from './declarations.ts';
import { found, foundedState } from './founding.ts';
import { isKeptByDirectory } from './ids.ts';
import { rowsOf } from './rows.ts';
import { DirectoryView } from './view.ts';

const TRUSTED_MS = 4_000;
/** Resources of all views at hand together; beyond that the views not used for longest are given up. */
const MOST_RESOURCES = 500_000;
const CHUNK = 500;

/** Every change of the directory belongs to the history of this resource as well, and so is in its stream. */
export function directoryRef(log: LogId): { type: string; id: string } {
  return { type: 'annals.directory', id: log };
}

/** A view, and how far into the log it looks. */
interface Held {
  view: DirectoryView;
  /** The last entry of the directory that it has learned. */
  position: number;
  checkedAtMs: number;
  /** The log may have grown since the last check began. */
  isSuspect: boolean;
  checking: Promise<void> | undefined;
}

export class Views {
  readonly #store: Store;
  readonly #sha256: Sha256;
  readonly #nowMs: () => number;
  /** In the order of use. */
  readonly #held = new Map<LogId, Held>();
  readonly #loading = new Map<LogId, Promise<Held>>();

  constructor(store: Store, sha256: Sha256, nowMs: () => number) {
    this.#store = store;
    this.#sha256 = sha256;
    this.#nowMs = nowMs;
  }

  /** The directory of an organization. */
  async of(organization: Organization): Promise<DirectoryView> {
    const held = this.#held.get(organization.id);
    const isTrusted = held?.isSuspect === false && this.#nowMs() - held.checkedAtMs < TRUSTED_MS;
    return isTrusted ? held.view : this.fresh(organization);
  }

  /** The same with everything that was in the log when it was asked for. */
  async fresh(organization: Organization): Promise<DirectoryView> {
    const held = this.#held.get(organization.id) ?? (await this.#load(organization));
    // A check that is under way may have read the log before what is asked for was written.
    if (held.checking !== undefined) await held.checking;
    held.checking ??= this.#check(held).finally(() => {
      held.checking = undefined;
    });
    await held.checking;
    return held.view;
  }

  /** The log, or every log, may hold more than is known here. */
  suspect(log?: LogId): void {
    const some = log === undefined ? this.#held.values() : [this.#held.get(log)];
    for (const held of some) if (held !== undefined) held.isSuspect = true;
  }

  #load(organization: Organization): Promise<Held> {
    const { id: log } = organization;
    let loading = this.#loading.get(log);
    if (loading === undefined) {
      loading = this.#read(organization).finally(() => this.#loading.delete(log));
      this.#loading.set(log, loading);
    }
    return loading;
  }

  /** From the latest states; what is appended meanwhile is learned by the check that follows. */
  async #read(organization: Organization): Promise<Held> {
    const { id: log } = organization;
    const view = new DirectoryView(organization);
    found(view, this.#sha256);
    const { size } = (await this.#store.tip(log)).tree;
    const held = {
      view,
      position: size - 1,
      checkedAtMs: Number.NEGATIVE_INFINITY,
      isSuspect: true,
      checking: undefined,
    };
    const isUsed = (await this.#store.count(log, { streams: [streamIn(log)] })) > 0;
    if (isUsed) {
      for (const { type } of KEPT) {
        for await (const { id, state, changedAt, version } of rowsOf(this.#store, log, type)) {
          view.learn(type, id, state, changedAt, version);
        }
      }
    }
    this.#giveUp(view.size);
    this.#held.set(log, held);
    return held;
  }

  async #check(held: Held): Promise<void> {
    const startedAtMs = this.#nowMs();
    held.isSuspect = false;
    const log = held.view.organization.id;
    try {
      await this.#learnNews(held);
    } catch (error) {
      held.isSuspect = true;
      throw error;
    }
    held.checkedAtMs = startedAtMs;
    this.#held.delete(log);
    this.#held.set(log, held);
  }

  async #learnNews(held: Held): Promise<void> {
    const { view } = held;
    const log = view.organization.id;
    await this.#readOrganization(view);
    for (;;) {
      const behind = { position: held.position, occurredAt: 0 };
      const range = { by: 'position', order: 'asc', limit: CHUNK, behind } as const;
      const rows = await this.#store.select(log, { streams: [streamIn(log)] }, range, { states: true });
      for (const { resource, action, after, occurredAt, position, version } of rows) {
        held.position = position;
        if (action === 'access' || !isKeptByDirectory(resource)) continue;
        view.learn(resource.type, resource.id, stateOf(after ?? null), occurredAt, version);
      }
      if (rows.length < CHUNK) return;
    }
  }

  /** Applications record changes of their organization as well: its state is whatever the log has last, and after a deletion what it was founded as. */
  async #readOrganization(view: DirectoryView): Promise<void> {
    const { id, createdAt } = view.organization;
    const row = await this.#store.resource(id, { type: 'organizations', id });
    if (row === undefined) return;
    const state = stateOf(row.state) ?? foundedState(view.organization);
    if (isEqual(view.get('organizations', id)?.state ?? null, state)) return;
    view.learn('organizations', id, state, Math.max(row.changedAt, createdAt), row.version);
  }

  #giveUp(more: number): void {
    let size = more;
    for (const { view } of this.#held.values()) size += view.size;
    for (const [log, { view }] of this.#held) {
      if (size <= MOST_RESOURCES) return;
      this.#held.delete(log);
      size -= view.size;
    }
  }
}

function streamIn(log: LogId): Stream {
  return streamOf.related(directoryRef(log));
}

function stateOf(text: string | null): JsonObject | null {
  return text === null ? null : (parseText(text) as JsonObject);
}
