// Lists of the API, page by page.

import type { Action, Actor, Changes, Continuity, Resource, ResourceRef, State } from '../core/entry.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Client, Query } from './client.ts';

/** An entry as the API gives it. */
export interface EntryAnswer {
  id: string;
  position: number;
  version: number;
  recordedAt: string;
  occurredAt: string;
  resource: Resource;
  action: Action;
  event?: string;
  actor: Actor;
  related: ResourceRef[];
  context?: JsonObject;
  metadata?: Json;
  continuity: Continuity;
  changed: boolean;
  changes: Changes;
  leafHash: string;
  before?: State;
  after?: State;
}

export interface Page<Item> {
  data: Item[];
  next: string | null;
  /** Exact; where asked for. */
  count?: number;
}

/** The pages of a list by its cursor; the exact count, where asked for, comes with the first. */
export async function* pagesOf<Item>(client: Client, path: string, query: Query): AsyncGenerator<Page<Item>> {
  let asked: Query = query;
  for (;;) {
    const page = await client.get<Page<Item>>(path, asked);
    yield page;
    if (page.next === null) return;
    const { count: _, ...rest } = query;
    asked = { ...rest, cursor: page.next };
  }
}
