// /v1/resources: latest states, states by version and as of a moment, differences, and writes of states.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Caller } from '../../auth/access.ts';
import { changesBetween, patchBetween } from '../../core/diff.ts';
import type { Receipt, ResourceRef, State } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import { MAX_INSTANT } from '../../core/instant.ts';
import type { Json } from '../../core/json.ts';
import { applyPatch, mergePatch, parsePatch } from '../../core/patch.ts';
import { type Draft, isSameState, type Latest } from '../../core/seal.ts';
import { StateText } from '../../core/state-text.ts';
import { streamOf } from '../../core/streams.ts';
import { behindDirectory, isKeptByDirectory } from '../../directory/ids.ts';
import { type Subject, subjectOf, type Verb } from '../../directory/subjects.ts';
import { header, mediaTypeOf } from '../../http/request-context.ts';
import { checkChangeSize, normaliseRef, normaliseState } from '../../ingest/normalise.ts';
import type { StateAt } from '../../query/read.ts';
import type { Annals } from '../dialect.ts';
import { describe, tagged } from './describe.ts';
import { type Asked, ask, cursorBehind, instantOf, refBehind, requestKeyOf, writerOf } from './from-wire.ts';
import { receiptText, toStateAt } from './to-wire.ts';
import {
  DiffQuery,
  DiffWire,
  listOf,
  ReceiptWire,
  ResourceParams,
  ResourcesQuery,
  StateHeaders,
  StateQuery,
  StateWire,
} from './wire.ts';

const FreeObject = Type.Object({}, { additionalProperties: true });
const RECEIPT = tagged('The receipt, `changed` is false where nothing differed', ReceiptWire);

export function registerResources(app: FastifyInstance, annals: Annals): void {
  const { read } = annals;

  app.get<{ Querystring: ResourcesQuery }>(
    '/v1/resources',
    describe('List latest states, by type and id; deleted resources are left out', {
      querystring: ResourcesQuery,
      response: { 200: listOf(StateWire) },
    }),
    async (request) => {
      const asked = await ask(annals, request, 'read', 'resources');
      const { type, limit = 50, cursor } = request.query;
      const behind = cursor === undefined ? undefined : refBehind(cursor);
      const states = await visible(asked, type, behind, limit + 1);
      const last = states.length > limit ? states[limit - 1] : undefined;
      return {
        data: states.slice(0, limit).map(toStateAt),
        next: last === undefined ? null : cursorBehind(last.resource),
      };
    },
  );

  app.get<{ Params: ResourceParams; Querystring: StateQuery }>(
    '/v1/resources/:type/:id',
    describe("Read a resource's state: the latest, at a version, or as of a moment", {
      params: ResourceParams,
      querystring: StateQuery,
      response: { 200: tagged('The state', StateWire) },
    }),
    async (request, reply) => {
      const { organization } = await askToRead(request);
      const found = await stateOf(organization.id, request.params, request.query);
      if (found === undefined) throw noState(request.params, request.query);
      reply.header('etag', etagOf(found.version));
      return toStateAt(found);
    },
  );

  app.get<{ Params: ResourceParams; Querystring: DiffQuery }>(
    '/v1/resources/:type/:id/diff',
    describe('The difference between two versions', {
      params: ResourceParams,
      querystring: DiffQuery,
      response: { 200: DiffWire },
    }),
    async (request) => {
      const { organization } = await askToRead(request);
      const { from, to } = request.query;
      const [before, after] = await Promise.all([
        versionOf(organization.id, request.params, from),
        versionOf(organization.id, request.params, to),
      ]);
      return { from, to, patch: patchBetween(before, after), changes: changesBetween(before, after) };
    },
  );

  app.put<{ Params: ResourceParams }>(
    '/v1/resources/:type/:id',
    describe('Put a state: the difference is computed and recorded', {
      params: ResourceParams,
      headers: StateHeaders,
      bodies: { 'application/json': FreeObject },
      response: { 200: RECEIPT, 201: tagged('The receipt of a resource that came into being', ReceiptWire) },
    }),
    (request, reply) => {
      const state = normaliseState((request.body ?? null) as Json, '');
      return write(request, reply, ['create', 'update'], () => state);
    },
  );

  app.patch<{ Params: ResourceParams }>(
    '/v1/resources/:type/:id',
    describe('Change a state by a merge patch (RFC 7396, an object) or a JSON Patch (RFC 6902, an array)', {
      params: ResourceParams,
      headers: StateHeaders,
      bodies: {
        'application/merge-patch+json': FreeObject,
        'application/json-patch+json': Type.Array(FreeObject),
        'application/json': Type.Union([FreeObject, Type.Array(FreeObject)]),
      },
      response: { 200: RECEIPT },
    }),
    (request, reply) => {
      const patch = patchOf(request);
      return write(request, reply, ['update'], (state) => {
        if (state === null) throw noState(request.params, {});
        return normaliseState(patch(state), '');
      });
    },
  );

  app.delete<{ Params: ResourceParams }>(
    '/v1/resources/:type/:id',
    describe('Delete a resource; its history stays', {
      params: ResourceParams,
      headers: StateHeaders,
      response: { 200: RECEIPT },
    }),
    (request, reply) =>
      write(request, reply, ['destroy'], (_, isKnown) => {
        if (!isKnown) throw noState(request.params, {});
        return null;
      }),
  );

  async function askToRead(request: FastifyRequest<{ Params: ResourceParams }>): Promise<Asked> {
    const asked = await ask(annals, request, 'read', 'resources');
    const hidden = hiddenSubject(asked.caller, request.params);
    if (hidden !== undefined) annals.access.require(asked.caller, 'read', hidden);
    return asked;
  }

  /** Latest states without those that the caller may not read, which are passed over together. */
  async function visible(
    { caller, organization }: Asked,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): Promise<StateAt[]> {
    const states: StateAt[] = [];
    let from = behind;
    while (states.length < limit) {
      const found = await read.resources(organization.id, type, from, limit);
      const hidden = found.find(({ resource }) => hiddenSubject(caller, resource) !== undefined);
      states.push(...(hidden === undefined ? found : found.slice(0, found.indexOf(hidden))));
      if (hidden === undefined && found.length < limit) break;
      from = hidden === undefined ? found.at(-1)?.resource : behindDirectory(hidden.resource.type);
    }
    return states.slice(0, limit);
  }

  /** Records what `next` makes of the latest state. A put may do either, so it needs both rights. */
  async function write(
    request: FastifyRequest<{ Params: ResourceParams }>,
    reply: FastifyReply,
    verbs: readonly [Verb, ...Verb[]],
    next: (state: State, isKnown: boolean) => State,
  ): Promise<string> {
    const [verb, ...others] = verbs;
    const { caller, organization } = await ask(annals, request, verb, 'resources');
    for (const other of others) annals.access.require(caller, other, 'resources');
    const resource = normaliseRef({ ...request.params }, '');
    const guard = guardOf(request);
    const { actor, context } = writerOf(request, caller);
    const id = annals.uuid();
    let isNew = false;
    const derive = (latest: Latest | undefined): Draft | undefined => {
      guard(latest);
      const state = latest?.state?.value ?? null;
      const after = next(state, latest?.stateVersion !== undefined);
      const kept = after && StateText.of(after);
      if (latest?.stateVersion !== undefined && isSameState(kept, latest.state)) return undefined;
      if (after !== null) checkChangeSize(after);
      isNew = state === null;
      const name = latest?.resource.name;
      const named = name === undefined ? resource : { ...resource, name };
      const action = after === null ? 'delete' : isNew ? 'create' : 'update';
      return { id, resource: named, action, actor, context, after: kept };
    };
    const requestKey = requestKeyOf(request, caller);
    const [receipt] = (await annals.record(organization.id, [{ resource, derive }], requestKey)) as [Receipt];
    // The receipt of another change was given before, or that change left the state: it says itself what it was.
    const { changed } = receipt;
    const isCreation = receipt.id === id ? isNew : changed && (await isCreatedBy(organization.id, receipt));
    reply
      .code(isCreation ? 201 : 200)
      .header('etag', etagOf(receipt.version))
      .type('application/json');
    return receiptText(receipt);
  }

  async function isCreatedBy(log: string, { id }: Receipt): Promise<boolean> {
    return (await read.entry(log, id))?.action === 'create';
  }

  async function stateOf(
    log: string,
    resource: ResourceRef,
    query: StateQuery,
  ): Promise<StateAt | undefined> {
    const { version, at, knownAt } = query;
    if (version !== undefined && (at !== undefined || knownAt !== undefined)) {
      throw new AnnalsError('invalid_parameter', '"version" and "at" exclude each other; got both', {
        field: 'version',
        limit: 'version or at',
        got: 'both',
      });
    }
    if (version !== undefined) return read.atVersion(log, resource, version);
    if (at === undefined && knownAt === undefined) return read.latest(log, resource);
    return read.asOf(log, resource, instantOf('at', at) ?? MAX_INSTANT, instantOf('knownAt', knownAt));
  }

  /** The state at a version that there is, or at version 0: null before it existed, however often it was looked at. */
  async function versionOf(log: string, resource: ResourceRef, version: number): Promise<State> {
    const found = version === 0 ? undefined : await read.atVersion(log, resource, version);
    if (found !== undefined) return found.state;
    const last = await read.count(log, { streams: [streamOf.resource(resource)] });
    if (last === 0 || version > last) throw noState(resource, last === 0 ? {} : { version });
    return null;
  }
}

/** The directory keeps its resources among all others: a state of them needs the right to read their type as well. */
function hiddenSubject({ rights }: Caller, resource: ResourceRef): Subject | undefined {
  const subject = isKeptByDirectory(resource) ? subjectOf(resource.type) : undefined;
  return subject === undefined || rights.may('read', subject) ? undefined : subject;
}

function etagOf(version: number): string {
  return `"${version}"`;
}

/** `If-Match` and `If-None-Match` (RFC 9110) against the version that left the latest state. */
function guardOf(request: FastifyRequest): (latest: Latest | undefined) => void {
  const [match, noneMatch] = [header(request, 'if-match'), header(request, 'if-none-match')];
  return (latest) => {
    const isThere = latest !== undefined && latest.state !== null;
    const tag = latest?.stateVersion === undefined ? undefined : etagOf(latest.stateVersion);
    if (match !== undefined && !isListed(match, tag, isThere)) throw failed('If-Match', match, tag);
    if (noneMatch !== undefined && isListed(noneMatch, tag, isThere))
      throw failed('If-None-Match', noneMatch, tag);
  };
}

function isListed(list: string, tag: string | undefined, isThere: boolean): boolean {
  if (list.trim() === '*') return isThere;
  return tag !== undefined && list.split(',').some((item) => item.trim() === tag);
}

function failed(field: string, wanted: string, got: string | undefined): AnnalsError {
  return new AnnalsError(
    'precondition_failed',
    `${field} was ${wanted}, and the resource is at ${got ?? 'no version'}`,
    {
      field,
      limit: wanted,
      got: got ?? 'none',
    },
  );
}

/** A merge patch is an object, a JSON Patch an array; the media type must not say otherwise. */
function patchOf(request: FastifyRequest): (state: Json) => Json {
  const body = (request.body ?? null) as Json;
  const type = mediaTypeOf(request);
  const isOperations = Array.isArray(body);
  if (type === 'application/json-patch+json' || (isOperations && type !== 'application/merge-patch+json')) {
    const operations = parsePatch(body);
    return (state) => applyPatch(state, operations);
  }
  return (state) => mergePatch(state, body);
}

function noState({ type, id }: ResourceRef, { version, at, knownAt }: StateQuery): AnnalsError {
  const when = [
    version === undefined ? '' : ` at version ${version}`,
    at === undefined ? '' : ` as of ${at}`,
    knownAt === undefined ? '' : ` as it was known at ${knownAt}`,
  ].join('');
  return new AnnalsError('not_found', `there is no ${type}/${id}${when}`, { got: `${type}/${id}` });
}
