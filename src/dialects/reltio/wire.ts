// What Reltio's entity history says on the wire: its events, entities and errors.

import type { Json, JsonObject } from '../../core/json.ts';

/** One item of `_changes`. */
export interface ReltioEvent {
  /** When it occurred, milliseconds since the Unix epoch. */
  timestamp: number;
  /** The actor's login name, else its id. */
  user: string;
  /** Such as `ENTITY_CHANGED`. */
  type: string;
  /** The other entities of a merge or split. */
  uris?: Json[];
}

/** The answer of `_changesWithTotal`. */
export interface ReltioChanges {
  changes: ReltioEvent[];
  /** All matching events, not only those of the page. */
  total: number;
}

export interface ReltioEntity {
  uri: string;
  type: string;
  attributes: JsonObject;
  createdBy: string;
  createdTime: number;
  updatedBy: string;
  updatedTime: number;
}

/** Every error but 401. */
export interface ReltioError {
  severity: 'Error';
  errorMessage: string;
  errorCode: number;
  errorDetailMessage: string;
  innerErrorData: { exception: string };
}

/** The error of 401, as OAuth words it (RFC 6750). */
export interface OAuthError {
  error: 'invalid_token';
  error_description: string;
}

/** A query string; a parameter that is repeated is an array. */
export type Query = Record<string, string | string[] | undefined>;

export interface TenantParams {
  tenant: string;
  id: string;
}

/** The type URI of a resource type. */
export const TYPE_URI = 'configuration/entityTypes/';
