// From the native wire to selections, ranges and writes.

import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { bearerToken, type Caller } from '../../auth/access.ts';
import type { Actor, Change, ResourceRef } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import { type Instant, parseInstant } from '../../core/instant.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { type Stream, streamOf } from '../../core/streams.ts';
import type { Organization } from '../../directory/directory.ts';
import type { Subject, Verb } from '../../directory/subjects.ts';
import { bodyBytes } from '../../http/bodies.ts';
import { header, requestContext } from '../../http/request-context.ts';
import { parseJson } from '../../ingest/json-text.ts';
import { abbreviate } from '../../ingest/limits.ts';
import { normaliseActor, normaliseContext, normaliseIp } from '../../ingest/normalise.ts';
import { described, INSTANT } from '../../ingest/refusal.ts';
import type { RequestKey } from '../../ingest/sealed-batch.ts';
import type { Range, Selection } from '../../store/store.ts';
import type { Annals } from '../dialect.ts';
import { type ChangesQuery, MOST_KEY } from './wire.ts';

/** Who asks, and of which organization. */
export interface Asked {
  caller: Caller;
  organization: Organization;
}

/** @throws AnnalsError `unauthenticated`, `forbidden`, `not_found` */
export async function ask(
  annals: Annals,
  request: FastifyRequest,
  verb: Verb,
  subject: Subject,
): Promise<Asked> {
  const asked = await whoAsks(annals, request);
  annals.access.require(asked.caller, verb, subject);
  return asked;
}

/** The same for what only the root token may do. */
export async function askRoot(annals: Annals, request: FastifyRequest): Promise<Asked> {
  const asked = await whoAsks(annals, request);
  annals.access.requireRoot(asked.caller);
  return asked;
}

async function whoAsks({ access }: Annals, request: FastifyRequest): Promise<Asked> {
  const caller = await access.authenticate(bearerToken(request.headers.authorization), request.ip);
  const organization = await access.organization(caller, header(request, 'annals-organization'));
  return { caller, organization };
}

/** A change by whom it says, where the caller may write for others. @throws AnnalsError `forbidden` */
export function asWriter(caller: Caller, change: Change): Change {
  const actor = writing(caller, change.actor);
  return actor === change.actor ? change : { ...change, actor };
}

/** A member is called in the log what the directory calls them, whatever else a change says. */
function writing({ mayWriteForOthers, actor: own }: Caller, wanted: Actor): Actor {
  if (mayWriteForOthers) return wanted;
  const { type, id } = wanted;
  if (type === own.type && id === own.id) return own;
  throw new AnnalsError(
    'forbidden',
    `a member writes as themselves, ${own.type} ${own.id}; got ${type} ${id}`,
    {
      field: '/actor',
      limit: own.id,
      got: id,
    },
  );
}

export function selectionOf(query: ChangesQuery, resource?: ResourceRef): Selection {
  const streams: Stream[] = [];
  const about = resource ?? (query.resource === undefined ? undefined : refOf(query.resource));
  if (about !== undefined) streams.push(streamOf.resource(about));
  if (query.related !== undefined) streams.push(streamOf.related(refOf(query.related)));
  if (query.type !== undefined) streams.push(streamOf.type(query.type));
  if (query.actor !== undefined) streams.push(streamOf.actor(query.actor));
  if (query.action !== undefined) streams.push(streamOf.action(query.action));
  if (query.event !== undefined) streams.push(streamOf.event(query.event));
  if (query.ip !== undefined) streams.push(streamOf.ip(normaliseIp(query.ip) ?? query.ip));
  if (query.changed !== undefined) streams.push(streamOf.changed(query.changed));
  return { streams, since: instantOf('since', query.since), until: instantOf('until', query.until) };
}

export function rangeOf({ order = 'desc', limit = 50, page, cursor }: ChangesQuery): Range {
  if (page !== undefined && cursor !== undefined) {
    throw new AnnalsError('invalid_parameter', '"page" and "cursor" exclude each other; got both', {
      field: 'page',
      limit: 'page or cursor',
      got: 'both',
    });
  }
  const behind = cursor === undefined ? undefined : positionOf(cursor);
  return { by: 'position', order, limit, behind, skip: ((page ?? 1) - 1) * limit };
}

/** A cursor is the last entry's position: positions never move, so it stays valid while others append. */
export function cursorAt(position: number): string {
  return Buffer.from(`p${position}`).toString('base64url');
}

function positionOf(cursor: string): NonNullable<Range['behind']> {
  const position = /^p(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (position !== undefined) return { position: Number(position), occurredAt: 0 };
  throw invalidCursor(cursor);
}

export function cursorBehind({ type, id }: ResourceRef): string {
  return Buffer.from(`r${type}/${id}`).toString('base64url');
}

export function refBehind(cursor: string): ResourceRef {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (text.startsWith('r') && text.includes('/')) return refOf(text.slice(1));
  throw invalidCursor(cursor);
}

function invalidCursor(got: string): AnnalsError {
  return new AnnalsError('invalid_cursor', 'the cursor is not one that this list gave', {
    field: 'cursor',
    limit: 'a cursor of this list',
    got: abbreviate(got),
  });
}

/** `type/id`; an id may contain slashes, a type none. */
export function refOf(text: string): ResourceRef {
  const slash = text.indexOf('/');
  return { type: text.slice(0, slash), id: text.slice(slash + 1) };
}

export function instantOf(field: string, text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const instant = parseInstant(text);
  if (instant !== undefined) return instant;
  throw new AnnalsError('invalid_parameter', `"${field}" must be ${INSTANT}; got ${described(text)}`, {
    field,
    limit: INSTANT,
    got: abbreviate(text),
  });
}

/** Actor and context of a write that has none in its body: the headers', else the token's and the request's. */
export function writerOf(request: FastifyRequest, caller: Caller): { actor: Actor; context: JsonObject } {
  const actor = jsonHeader(request, 'annals-actor', normaliseActor);
  const context = jsonHeader(request, 'annals-context', normaliseContext);
  return {
    actor: writing(caller, actor ?? caller.actor),
    context: context ?? normaliseContext(requestContext(request), 'request'),
  };
}

/**
 * Headers come as Latin-1 from Node; what was sent is UTF-8.
 * @throws AnnalsError `invalid_header`, whatever is wrong with it
 */
function jsonHeader<Read>(
  request: FastifyRequest,
  name: string,
  normalise: (value: Json, pointer: string) => Read,
): Read | undefined {
  const value = header(request, name);
  if (value === undefined) return undefined;
  try {
    return normalise(parseJson(Buffer.from(value, 'latin1')), name);
  } catch (error) {
    if (!(error instanceof AnnalsError)) throw error;
    const { message, facts } = error;
    // The pointers of a text that is no JSON begin at its top.
    const field = facts.field?.startsWith(name) === true ? facts.field : name + (facts.field ?? '');
    throw new AnnalsError('invalid_header', `the header ${name} is not as it must be: ${message}`, {
      ...facts,
      field,
    });
  }
}

/** The id of what has no other place to be found again: it follows from the key. */
export function idUnder({ key }: RequestKey, { id }: Organization): string {
  return uuidOf(`${id}\n${key}`);
}

/** A UUIDv8 (RFC 9562) that follows from the text. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The request's idempotency key, bound to the token that uses it. */
export function requestKeyOf(request: FastifyRequest, caller: Caller): RequestKey | undefined {
  const key = header(request, 'idempotency-key');
  if (key === undefined) return undefined;
  if (key.length === 0 || key.length > MOST_KEY) {
    throw new AnnalsError(
      'invalid_header',
      `Idempotency-Key must have 1 to ${MOST_KEY} characters, got ${key.length}`,
      {
        field: 'Idempotency-Key',
        limit: MOST_KEY,
        got: key.length,
      },
    );
  }
  const content = createHash('sha256').update(`${request.method} ${request.url}\n`);
  for (const name of ['content-type', 'if-match', 'if-none-match', 'annals-actor', 'annals-context']) {
    content.update(`${name}:${header(request, name) ?? ''}\n`);
  }
  return { key: `${caller.id}:${key}`, fingerprint: content.update(bodyBytes(request)).digest('base64') };
}
