// What a dialect is handed, and what it is: a Fastify plugin that translates one wire language.

import type { FastifyInstance } from 'fastify';
import type { Access } from '../auth/access.ts';
import type { AccessTokens } from '../auth/oauth/access-tokens.ts';
import type { Instant } from '../core/instant.ts';
import type { Directory } from '../directory/directory.ts';
import type { HideSecrets } from '../http/hide-secrets.ts';
import type { Record, RecordEach, Recorded } from '../ingest/record.ts';
import type { Reader } from '../query/read.ts';

export interface Annals {
  record: Record;
  recordEach: RecordEach;
  recorded: Recorded;
  read: Reader;
  access: Access;
  accessTokens: AccessTokens;
  directory: Directory;
  /** For what is written past the server's own answers. */
  hideSecrets: HideSecrets;
  now(): Instant;
  /** A fresh UUIDv7, lower case. */
  uuid(): string;
  /** How long a body, or one line of a stream, may take to arrive, and a client to read a mebibyte of answers. */
  bodyMs: number;
  /** Aborted with `shutting_down` when the server stops: what has not come whole by then is refused. */
  stopping: AbortSignal;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
}

/** Registers a dialect's routes; each dialect is encapsulated, with an error handler of its own. */
export type Dialect = (app: FastifyInstance, annals: Annals) => void | Promise<void>;
