// REST: verb, path, query and JSON body in; JSON out, as grpc-gateway translates.

import {
  create,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  type MessageInitShape,
  toJsonString,
} from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { SystemService } from '@zitadel/proto/zitadel/system_pb.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseJson } from '../../ingest/json-text.ts';
import { refusals, restBody, restStatus } from './errors.ts';
import type { Envelope } from './from-wire.ts';
import type { Method } from './methods.ts';
import { type Match, RestTable } from './rest.ts';
import { readQuery } from './url-query.ts';

const WRONG_VERB_STATUS = 405;

export class RestAnswers {
  readonly #table = new RestTable();
  readonly #methods: ReadonlyMap<unknown, Method>;

  constructor(methods: readonly Method[]) {
    this.#methods = new Map(methods.map((method) => [method.desc, method]));
    this.#table.add(ManagementService, '/management/v1');
    this.#table.add(AdminService, '/admin/v1');
    this.#table.add(AuthService, '/auth/v1');
    this.#table.add(SystemService, '/system/v1');
    // The reference page of the application history shows its path without the prefix.
    const alias = '/projects/{project_id}/apps/{app_id}/changes/_search';
    this.#table.addPath('POST', alias, { method: ManagementService.method.listAppChanges, hasBody: false });
  }

  /** @throws ConnectError, AnnalsError */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const [path, query = ''] = request.url.split('?', 2) as [string, string?];
    const match = this.#table.find(request.method, path);
    if (match === undefined) throw refusals.unknownPath();
    if (match === 'verb') return sendError(reply, refusals.wrongVerb(), WRONG_VERB_STATUS);
    const method = this.#methods.get(match.method);
    if (method === undefined)
      throw refusals.unimplemented(`${match.method.parent.typeName}/${match.method.name}`);
    const input = inputOf(match, new URLSearchParams(query), request);
    const output = await method.call(input, envelopeOf(request));
    return toJsonString(
      method.desc.output,
      create(method.desc.output, output as MessageInitShape<DescMessage>),
    );
  }
}

/** Sets status and headers, and answers the body. */
export function sendError(reply: FastifyReply, error: ConnectError, status = restStatus(error)): string {
  if (status === 401) reply.header('www-authenticate', error.rawMessage);
  for (const [name, value] of error.metadata) reply.header(name, value);
  reply.code(status);
  return restBody(error);
}

/** Metadata comes under its own name, or as `Grpc-Metadata-…`. */
function envelopeOf({ headers, ip }: FastifyRequest): Envelope {
  return {
    header(name) {
      const value = headers[name] ?? headers[`grpc-metadata-${name}`];
      return Array.isArray(value) ? value[0] : value;
    },
    address: ip,
  };
}

/** The path's fields count most; what they leave open is in the body, or in the query. */
function inputOf(
  { method, hasBody, fields }: Match,
  query: URLSearchParams,
  request: FastifyRequest,
): Message {
  const desc = method.input;
  const body = request.body as Buffer | undefined;
  const input = hasBody ? fromBody(desc, body) : fromQuery(desc, query, request);
  readQuery(desc, input, new URLSearchParams(fields));
  return input;
}

/** @throws ConnectError, AnnalsError where the body is no JSON, or does not fit the message */
function fromBody(desc: DescMessage, body: Buffer | undefined): Message {
  if (body === undefined || body.length === 0) return create(desc);
  const json = parseJson(body) as JsonValue;
  try {
    return fromJson(desc, json, { ignoreUnknownFields: true });
  } catch (error) {
    throw refusals.invalid((error as Error).message);
  }
}

/**
 * The URL's `query.limit=2`; without any such, a JSON body; and where that has none either, bare `limit=2`.
 * A form in the body counts as the URL's query, as it does in Go.
 */
function fromQuery(desc: DescMessage, query: URLSearchParams, request: FastifyRequest): Message {
  const body = request.body as Buffer | undefined;
  if (
    request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') &&
    body !== undefined
  ) {
    for (const [key, value] of new URLSearchParams(body.toString())) query.append(key, value);
  } else if (body !== undefined && body.length > 0 && ![...query.keys()].some((key) => key.includes('.'))) {
    const input = fromBody(desc, body);
    if ('query' in input && input.query !== undefined) return input;
  }
  const input = create(desc);
  const bareIn = desc.fields.find(({ name }) => name === 'query');
  if (!readQuery(desc, input, query) && bareIn !== undefined) readQuery(desc, input, query, bareIn);
  return input;
}
