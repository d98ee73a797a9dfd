// The one file that knows all the parts: it puts store, recorder, reader, access and dialects together.

import { hash, randomBytes } from 'node:crypto';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply } from 'fastify';
import { makeAccess } from './auth/access.ts';
import { makeForeignTokens } from './auth/foreign-tokens.ts';
import { makeAccessTokens } from './auth/oauth/access-tokens.ts';
import { makeOAuth } from './auth/oauth/routes.ts';
import type { Instant } from './core/instant.ts';
import type { Sha256 } from './core/merkle.ts';
import { SALT_BYTES } from './core/section.ts';
import { commercelayer } from './dialects/commercelayer/routes.ts';
import { crego } from './dialects/crego/routes.ts';
import type { Annals, Dialect } from './dialects/dialect.ts';
import { native } from './dialects/native/routes.ts';
import { reltio } from './dialects/reltio/routes.ts';
import { zitadel } from './dialects/zitadel/routes.ts';
import { makeDirectory } from './directory/directory.ts';
import { eachOutsideDirectory, outsideDirectory } from './directory/guard.ts';
import { makeApp } from './http/app.ts';
import { registerDocs } from './http/docs.ts';
import { registerHealth } from './http/health.ts';
import { hideSecretsInErrors, makeHideSecrets } from './http/hide-secrets.ts';
import { CONNECTION_LIMITS, type ConnectionLimits } from './http/limits.ts';
import type { TlsMaterial } from './http/listener.ts';
import { registerMetrics } from './http/metrics.ts';
import { sendProblem, shuttingDown } from './http/problem.ts';
import type { RateLimit } from './http/rate-limit.ts';
import { makeRecorder } from './ingest/record.ts';
import { makeReader } from './query/read.ts';
import type { Store } from './store/store.ts';

/** What the server needs from outside. */
export interface Means {
  store: Store;
  rootToken: string;
  /** The certificate to serve with; undefined: cleartext. */
  tls?: TlsMaterial | undefined;
  /** The most entries of one answer in the Zitadel dialect. */
  zitadelMaxChanges?: number | undefined;
  /** What one connection may take; by default CONNECTION_LIMITS. */
  limits?: ConnectionLimits | undefined;
  /** How often one address may guess at bearer tokens, and at clients' secrets; by default RATE_LIMITS. */
  guesses?: { failures?: RateLimit; tokens?: RateLimit } | undefined;
  logger: FastifyBaseLogger;
  now(): Instant;
  nowMs(): number;
  uuid(): string;
}

export interface Server {
  app: FastifyInstance;
  annals: Annals;
  /** Refuses new work and what has not come whole, finishes the rest, closes the connections. The store stays open. */
  stop(): Promise<void>;
}

const DIALECTS: Dialect[] = [native, commercelayer, reltio, crego];

const HASH_BYTES = 32;
/** Hashes that share a piece of memory, because one for each costs more than the hash. */
const HASHES_TOGETHER = 64;
let hashes = new Uint8Array(0);
let hashesUsed = 0;

/** SHA-256 of the runtime: native, synchronous. By way of a string: a buffer for each hash costs twice the hash. */
export const sha256: Sha256 = (data) => {
  const text = hash('sha256', data, 'binary');
  if (hashesUsed === hashes.length) {
    hashes = new Uint8Array(HASHES_TOGETHER * HASH_BYTES);
    hashesUsed = 0;
  }
  const from = hashesUsed;
  hashesUsed += HASH_BYTES;
  for (let at = 0; at < HASH_BYTES; at++) hashes[from + at] = text.charCodeAt(at);
  return hashes.subarray(from, hashesUsed);
};

/** Makes the server; the caller makes it listen. Makes the organization `default` where there is none. */
export async function makeServer(means: Means): Promise<Server> {
  const { store, rootToken, logger, now, nowMs, uuid, limits = CONNECTION_LIMITS, guesses = {} } = means;
  const stopping = new AbortController();
  const hideSecrets = makeHideSecrets(rootToken);
  const { record, recordEach, recorded } = makeRecorder(store, { now, salt: saltShaker(), sha256 });
  const directory = makeDirectory(store, { now, nowMs, uuid, randomBytes, sha256, record });
  const accessTokens = makeAccessTokens(store, { now, uuid });
  const foreignTokens = makeForeignTokens(directory, { now, nowMs, sha256, logger });
  const tokens = { own: accessTokens, foreign: foreignTokens };
  const annals: Annals = {
    record: outsideDirectory(record),
    recordEach: eachOutsideDirectory(recordEach),
    recorded,
    read: makeReader(store, sha256),
    access: makeAccess(directory, rootToken, tokens, { now, nowMs, sha256 }, guesses.failures),
    accessTokens,
    directory,
    hideSecrets,
    now,
    uuid,
    bodyMs: limits.bodyMs,
    stopping: stopping.signal,
    ping: () => store.ping(),
  };
  store.subscribe?.((news) => {
    directory.suspect(news.kind === 'head' ? news.log : undefined);
    if (news.kind !== 'head') annals.access.forget();
  });
  await directory.ensureOrganization({ slug: 'default', name: 'Default' });

  const makeEmptyApp = (): FastifyInstance => {
    const empty = makeApp(logger.child({}, { serializers: { url: hideSecrets } }), means.tls, limits);
    hideSecretsInErrors(empty, hideSecrets);
    return empty;
  };
  const app = makeEmptyApp();
  app.addHook('onRequest', (_request, reply, done) => {
    if (stopping.signal.aborted) refuseWork(reply);
    else done();
  });
  registerDocs(app, makeEmptyApp);
  registerMetrics(app);
  registerHealth(app, annals.ping);
  const limited = [makeOAuth(guesses.tokens), zitadel({ maxChanges: means.zitadelMaxChanges })];
  for (const dialect of [...DIALECTS, ...limited]) {
    await app.register(async (scope) => {
      await dialect(scope, annals);
    });
  }
  await app.ready();
  return {
    app,
    annals,
    async stop() {
      stopping.abort(shuttingDown());
      await app.close();
    },
  };
}

function refuseWork(reply: FastifyReply): void {
  if (reply.request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
  sendProblem(reply, shuttingDown());
}

const SALTS_AT_ONCE = 512;

/** Random salts, drawn from the system many at a time. */
function saltShaker(): () => Uint8Array {
  let drawn = new Uint8Array(0);
  let at = 0;
  return () => {
    if (at === drawn.length) {
      drawn = randomBytes(SALTS_AT_ONCE * SALT_BYTES);
      at = 0;
    }
    at += SALT_BYTES;
    return drawn.subarray(at - SALT_BYTES, at);
  };
}
