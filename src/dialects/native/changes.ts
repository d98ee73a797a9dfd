// /v1/changes and a resource's history: writes of changes, lists, single entries.

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Change } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { behindSpace, OPENING_BRACE } from '../../core/json-bytes.ts';
import { bodyBytes, leaveBodies } from '../../http/bodies.ts';
import { mediaTypeOf } from '../../http/request-context.ts';
import { ChangeWire } from '../../ingest/change-schema.ts';
import { parseJson } from '../../ingest/json-text.ts';
import { CHANGE_BYTES, MOST_CHANGES } from '../../ingest/limits.ts';
import { LineProposal } from '../../ingest/line.ts';
import { changeTooLarge, checkChangeSize, type Given, normaliseChange } from '../../ingest/normalise.ts';
import type { CompleteRow, Reader } from '../../query/read.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';
import type { Annals } from '../dialect.ts';
import { contentOf, describe, UUID } from './describe.ts';
import { makeEntryTexts } from './entry-texts.ts';
import { ask, asWriter, cursorAt, rangeOf, requestKeyOf, selectionOf } from './from-wire.ts';
import { recordLines } from './ndjson.ts';
import { type EntryText, listBytes, listPieces, receiptText, toText, toWholeEntry } from './to-wire.ts';
import {
  ChangesQuery,
  countedListOf,
  EntryWire,
  HistoryQuery,
  IdParams,
  ReceiptWire,
  ResourceParams,
  WholeEntryWire,
  WriteHeaders,
} from './wire.ts';

export function registerChanges(app: FastifyInstance, annals: Annals): void {
  const entryTexts = makeEntryTexts(annals.read);

  app.register(async (scope) => {
    leaveBodies(scope);
    registerWrites(scope, annals);
  });
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
  ): Promise<Buffer | Readable> {
    const { organization } = await ask(annals, request, 'read', 'changes');
    const { id: log } = organization;
    const { query } = request;
    const range = rangeOf(query);
    reply.type('application/json');
    const counting = query.count === 'exact' ? annals.read.count(log, selection) : undefined;
    if (query.include === 'states') {
      const [{ next, lots }, count] = await Promise.all([
        pageWithStates(annals.read, log, selection, range),
        counting,
      ]);
      return Readable.from(listPieces(lots, next, count), { objectMode: false });
    }
    const [texts, count] = await Promise.all([entryTexts(log, selection, oneMore(range)), counting]);
    const last = texts.length > range.limit ? texts[range.limit - 1] : undefined;
    return listBytes(texts.slice(0, range.limit), last === undefined ? null : cursorAt(last.position), count);
  }
}

/** One more than asked for tells whether there is a next page. */
function oneMore(range: Range): Range {
  return { ...range, limit: range.limit + 1 };
}

/** Rows with states are large: so many are read, and written out, at a time. */
const ROWS_AT_ONCE = 50;

interface PageWithStates {
  next: string | null;
  lots: AsyncGenerator<EntryText[]>;
}

async function pageWithStates(
  { local, rows }: Reader,
  log: LogId,
  selection: Selection,
  range: Range,
): Promise<PageWithStates> {
  const states = { states: true };
  if (local === undefined) {
    const all = await rows(log, selection, oneMore(range), states);
    const positions = all.map(({ position }) => position);
    return pageOf(positions, range, async (from, to) => all.slice(from, to));
  }
  const positions = await local.positions(log, selection, oneMore(range));
  return pageOf(positions, range, (from, to) => local.at(log, positions.slice(from, to), states));
}

/** @param rows those at some of the positions */
function pageOf(
  positions: readonly number[],
  { limit }: Range,
  rows: (from: number, to: number) => Promise<CompleteRow[]>,
): PageWithStates {
  const next = positions.length > limit ? cursorAt(positions[limit - 1] as number) : null;
  const count = Math.min(positions.length, limit);
  async function* lots(): AsyncGenerator<EntryText[]> {
    for (let from = 0; from < count; from += ROWS_AT_ONCE) {
      yield (await rows(from, Math.min(count, from + ROWS_AT_ONCE))).map(toText);
    }
  }
  return { next, lots: lots() };
}

function registerWrites(app: FastifyInstance, annals: Annals): void {
  app.post(
    '/v1/changes',
    describe('Record a change, an array of changes, or a stream of lines', {
      headers: WriteHeaders,
      bodies: {
        'application/json': Type.Union([ChangeWire, Type.Array(ChangeWire, { maxItems: MOST_CHANGES })]),
        'application/x-ndjson': Type.String({ description: 'A change a line' }),
      },
      response: {
        201: Type.Union([ReceiptWire, Type.Array(ReceiptWire)], {
          description: 'A receipt, or one for each, in order',
        }),
        200: {
          description: 'Of a stream: a line for each, a receipt or `{"line": n, "error": problem}`',
          content: contentOf({ 'application/x-ndjson': Type.String() }),
        },
      },
    }),
    async (request, reply) => {
      const { caller, organization } = await ask(annals, request, 'create', 'changes');
      if (mediaTypeOf(request) === 'application/x-ndjson') {
        return recordLines(annals, request, reply, { caller, organization });
      }
      const given = { id: annals.uuid, actor: caller.actor };
      const signed = (change: Change): Change => asWriter(caller, change);
      const body = bodyBytes(request);
      const isOne = body[behindSpace(body, behindMark(body))] === OPENING_BRACE;
      const changes = isOne ? [oneOf(body, given, signed)] : severalOf(body, given).map(signed);
      const receipts = await annals.record(organization.id, changes, requestKeyOf(request, caller));
      const texts = receipts.map(receiptText);
      reply.code(201).type('application/json');
      return isOne ? texts[0] : `[${texts.join(',')}]`;
    },
  );
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

function behindMark(body: Buffer): number {
  const { length } = BYTE_ORDER_MARK;
  return body.subarray(0, length).equals(BYTE_ORDER_MARK) ? length : 0;
}

/** One change, read as a line is. */
function oneOf(body: Buffer, given: Given, signed: (change: Change) => Change): LineProposal {
  if (body.length > CHANGE_BYTES) throw changeTooLarge(body.length);
  return new LineProposal(body, given, signed);
}

/** An array of changes, or what is neither an array nor an object. */
function severalOf(body: Buffer, given: Given): Change[] {
  const value = body.length === 0 ? null : parseJson(body);
  return Array.isArray(value) ? changesOf(value, body.length, given) : [normaliseChange(value, given)];
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
