// /v1/changes and a resource's history: writes of changes, lists, single entries.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Change } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { bodyBytes } from '../../http/bodies.ts';
import { ChangeWire } from '../../ingest/change-schema.ts';
import { CHANGE_BYTES, MOST_CHANGES } from '../../ingest/limits.ts';
import { changeTooLarge, checkChangeSize, type Given, normaliseChange } from '../../ingest/normalise.ts';
import type { Selection } from '../../store/store.ts';
import type { Annals } from '../dialect.ts';
import { describe, UUID } from './describe.ts';
import { makeEntryTexts } from './entry-texts.ts';
import { ask, asWriter, cursorAt, rangeOf, requestKeyOf, selectionOf } from './from-wire.ts';
import { recordLines } from './ndjson.ts';
import { listBytes, receiptText, toText, toWholeEntry } from './to-wire.ts';
import {
  ChangesQuery,
  countedListOf,
  EntryWire,
  HistoryQuery,
  IdParams,
  ReceiptWire,
  ResourceParams,
  WholeEntryWire,
} from './wire.ts';

export function registerChanges(app: FastifyInstance, annals: Annals): void {
  const entryTexts = makeEntryTexts(annals.read);

  app.post(
    '/v1/changes',
    describe('Record a change, an array of changes, or a stream of lines', {
      consumes: ['application/json', 'application/x-ndjson'],
      body: Type.Union([ChangeWire, Type.Array(ChangeWire, { maxItems: MOST_CHANGES })]),
      response: {
        201: Type.Union([ReceiptWire, Type.Array(ReceiptWire)], {
          description: 'A receipt, or one for each, in order',
        }),
        200: Type.String({
          description: 'Of a stream: a line for each, a receipt or `{"line": n, "error": problem}`',
        }),
      },
    }),
    async (request, reply) => {
      const { caller, organization } = await ask(annals, request, 'create', 'changes');
      if (request.headers['content-type']?.startsWith('application/x-ndjson') === true) {
        return recordLines(annals, request, reply, { caller, organization });
      }
      const given = { id: annals.uuid, actor: caller.actor };
      const body = (request.body ?? null) as Json;
      const { length } = bodyBytes(request);
      const read = Array.isArray(body) ? changesOf(body, length, given) : [changeOf(body, length, given)];
      const changes = read.map((change) => asWriter(caller, change));
      const receipts = await annals.record(organization.id, changes, requestKeyOf(request, caller));
      const texts = receipts.map(receiptText);
      reply.code(201).type('application/json');
      return Array.isArray(body) ? `[${texts.join(',')}]` : texts[0];
    },
  );

  app.get<{ Querystring: ChangesQuery }>(
    '/v1/changes',
    describe('List changes, newest first', {
      querystring: ChangesQuery,
      response: { 200: countedListOf(EntryWire) },
    }),
    (request, reply) => list(request, reply, selectionOf(request.query)),
  );

  app.get<{ Params: ResourceParams; Querystring: HistoryQuery }>(
    '/v1/resources/:type/:id/changes',
    describe("List a resource's history, newest first", {
      params: ResourceParams,
      querystring: HistoryQuery,
      response: { 200: countedListOf(EntryWire) },
    }),
    (request, reply) => list(request, reply, selectionOf(request.query, request.params)),
  );

  app.get<{ Params: IdParams }>(
    '/v1/changes/:id',
    describe('Read one change with its states and its patch', {
      params: IdParams,
      response: { 200: WholeEntryWire },
    }),
    async (request) => {
      const { organization } = await ask(annals, request, 'read', 'changes');
      const { id } = request.params;
      const entry = UUID.test(id) ? await annals.read.entry(organization.id, id.toLowerCase()) : undefined;
      if (entry === undefined)
        throw new AnnalsError('not_found', `there is no change with the id "${id}"`, { got: id });
      return toWholeEntry(entry);
    },
  );

  async function list(
    request: FastifyRequest<{ Querystring: HistoryQuery }>,
    reply: FastifyReply,
    selection: Selection,
  ): Promise<Buffer> {
    const { organization } = await ask(annals, request, 'read', 'changes');
    const { query } = request;
    const range = rangeOf(query);
    // One more than asked for tells whether there is a next page.
    const wanted = { ...range, limit: range.limit + 1 };
    const [texts, count] = await Promise.all([
      query.include === 'states'
        ? annals.read
            .rows(organization.id, selection, wanted, { states: true })
            .then((rows) => rows.map(toText))
        : entryTexts(organization.id, selection, wanted),
      query.count === 'exact' ? annals.read.count(organization.id, selection) : undefined,
    ]);
    const last = texts.length > range.limit ? texts[range.limit - 1] : undefined;
    reply.type('application/json');
    return listBytes(texts.slice(0, range.limit), last === undefined ? null : cursorAt(last.position), count);
  }
}

function changeOf(body: Json, bytes: number, given: Given): Change {
  if (bytes > CHANGE_BYTES) throw changeTooLarge(bytes);
  return normaliseChange(body, given);
}

function changesOf(body: Json[], bytes: number, given: Given): Change[] {
  if (body.length > MOST_CHANGES) {
    throw new AnnalsError(
      'too_many_changes',
      `a JSON body may have ${MOST_CHANGES} changes, got ${body.length}; send more as application/x-ndjson`,
      { field: 'body', limit: MOST_CHANGES, got: body.length },
    );
  }
  return body.map((value, index) => {
    try {
      if (bytes > CHANGE_BYTES) checkChangeSize(value);
      return normaliseChange(value, given);
    } catch (error) {
      if (!(error instanceof AnnalsError)) throw error;
      throw new AnnalsError(error.code, `change ${index}: ${error.message}`, { ...error.facts, index });
    }
  });
}
