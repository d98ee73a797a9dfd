// The record: what a caller says (a change), what the log keeps (an entry), and what a resource
// looks like (a state). The words are those of docs/reference/words.md.

import type { Instant } from './instant.ts';
import type { Json, JsonObject } from './json.ts';

export type Action = 'create' | 'update' | 'delete' | 'access';
export const ACTIONS: readonly Action[] = ['create', 'update', 'delete', 'access'];

/** Whether the log had missed a change: see `seal`. */
export type Continuity = 'first' | 'continuous' | 'gap';

/** A whole resource at one version; null before it exists and after it is deleted. */
export type State = JsonObject | null;

export interface ResourceRef {
  type: string;
  id: string;
}
export interface Resource extends ResourceRef {
  name?: string;
}

export type ActorType = 'user' | 'application' | 'worker' | 'system';
export const ACTOR_TYPES: readonly ActorType[] = ['user', 'application', 'worker', 'system'];

export interface Actor {
  type: ActorType;
  id: string;
  name?: string;
  loginName?: string;
  avatarUrl?: string;
  /** The application through which a user acted, or further facts of an acting application. */
  application?: { id: string; name?: string; kind?: string; public?: boolean };
}

/** A change, once normalised: what a caller says happened. */
export interface Change {
  /** A lower-case UUID. */
  id: string;
  /** Absent: the moment at which it is recorded. */
  occurredAt?: Instant;
  resource: Resource;
  action: Action;
  event?: string;
  actor: Actor;
  related?: ResourceRef[];
  /** Absent: the state that the log knows. */
  before?: State;
  /** Present on create and update only. */
  after?: State;
  context?: JsonObject;
  metadata?: Json;
}

/** `{path: [before, after]}`, paths as JSON Pointers (RFC 6901); null stands for absent as well. */
export type Changes = Record<string, [before: Json, after: Json]>;

/** A change sealed into the log, as reads give it. */
export interface Entry {
  id: string;
  position: number;
  version: number;
  recordedAt: Instant;
  occurredAt: Instant;
  resource: Resource;
  action: Action;
  event?: string;
  actor: Actor;
  related: ResourceRef[];
  context?: JsonObject;
  metadata?: Json;
  continuity: Continuity;
  /** Is there a difference between before and after? */
  changed: boolean;
  changes: Changes;
  leafHash: Uint8Array;
  /** Present where the read asked for states. */
  before?: State;
  after?: State;
}

/** The answer to a write. */
export interface Receipt {
  id: string;
  position: number;
  version: number;
  recordedAt: Instant;
  continuity: Continuity;
  changed: boolean;
  leafHash: Uint8Array;
}
