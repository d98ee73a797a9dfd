// gRPC, gRPC-web and Connect: the same RPCs over three protocols, each told by its content type.

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
} from '@connectrpc/connect';
import type { UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HideSecrets } from '../../http/hide-secrets.ts';
import type { Annals } from '../dialect.ts';
import { isExpected, toWireError } from './errors.ts';
import type { Method } from './methods.ts';
import { MAX_MESSAGE_BYTES } from './wire.ts';

export interface RpcAnswersOptions {
  methods: readonly Method[];
  /** Adds health and reflection. */
  routes(router: ConnectRouter): void;
  onError(error: unknown): void;
  annals: Pick<Annals, 'bodyMs' | 'hideSecrets' | 'stopping'>;
}

/** Smaller answers cost more to compress than to send. */
const COMPRESS_MIN_BYTES = 32 * 1024;
const HTTP_INTERNAL = 500;

/** Was the message read, so that what goes wrong is not its own fault? */
const IS_READ = createContextKey(false);

/** Where the request comes from. */
const ADDRESS = createContextKey('');

/** An answer without a message, as each protocol says it. */
interface Refusal {
  code: Code;
  /** What Connect calls the code, and its HTTP status. */
  name: string;
  httpStatus: number;
  message: string;
}

const UNIMPLEMENTED = { code: Code.Unimplemented, name: 'unimplemented', httpStatus: 501 };
const UNREADABLE: Refusal = {
  code: Code.InvalidArgument,
  name: 'invalid_argument',
  httpStatus: 400,
  message: 'the body is no message of this RPC',
};

type Handler = ConnectRouter['handlers'][number];

export class RpcAnswers {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #onError: (error: unknown) => void;
  readonly #annals: RpcAnswersOptions['annals'];

  constructor({ methods, routes, onError, annals }: RpcAnswersOptions) {
    const router = createConnectRouter({
      readMaxBytes: MAX_MESSAGE_BYTES,
      compressMinBytes: COMPRESS_MIN_BYTES,
      acceptCompression: [compressionGzip, compressionBrotli],
      jsonOptions: { ignoreUnknownFields: true },
      // Ends streams that would last for ever.
      shutdownSignal: annals.stopping,
    });
    for (const { desc, call } of methods) {
      router.rpc(desc, async (input, { requestHeader, values }) => {
        values.set(IS_READ, true);
        try {
          const output = await call(input, {
            header: (name) => requestHeader.get(name) ?? undefined,
            address: values.get(ADDRESS),
          });
          return output as MessageInitShape<typeof desc.output>;
        } catch (error) {
          if (!isExpected(error)) onError(error);
          throw toWireError(error);
        }
      });
    }
    routes(router);
    this.#handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
    this.#onError = onError;
    this.#annals = annals;
  }

  /** Answers in the request's own protocol; the reply is taken out of Fastify's hands. */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const path = request.url.split('?', 1)[0] as string;
    const handler = this.#handlers.get(path);
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    if (handler === undefined) {
      const message = this.#annals.hideSecrets(`${path.slice(1)} is not implemented`);
      return refuse(request, reply, { ...UNIMPLEMENTED, message });
    }
    const { bodyMs, stopping } = this.#annals;
    awaitBody(request, handler.method.methodKind === 'bidi_streaming' ? undefined : bodyMs, stopping);
    const values = createContextValues().set(ADDRESS, request.ip);
    try {
      const response = await handler(universalRequestOf(request, reply, values));
      // Over the protocol of Connect, bytes that are no message would be a failure of the server.
      if (response.status === HTTP_INTERNAL && !values.get(IS_READ)) refuse(request, reply, UNREADABLE);
      else {
        const isRefusal = handler.method.methodKind === 'unary' && !values.get(IS_READ);
        const safe = isRefusal ? await withoutSecrets(response, this.#annals.hideSecrets) : response;
        await universalResponseToNodeResponse(withPlainMessage(safe), reply.raw);
      }
    } catch (error) {
      // A complaint about bytes that are no message may itself be no text that a header can carry.
      if (!values.get(IS_READ) && !reply.raw.headersSent) return refuse(request, reply, UNREADABLE);
      if (ConnectError.from(error).code !== Code.Aborted && !reply.raw.writableEnded) this.#onError(error);
      hangUp(request);
    }
  }
}

/** The body stays readable where an answer comes before its end. */
function universalRequestOf(
  { raw }: FastifyRequest,
  reply: FastifyReply,
  contextValues: ContextValues,
): UniversalServerRequest {
  const body = raw.iterator({ destroyOnReturn: false });
  return { ...universalRequestFromNodeRequest(raw, reply.raw, undefined, contextValues), body };
}

const TRAILER_FRAME = 0x80;
const FRAME_HEAD_BYTES = 5;

/** Connect repeats what it cannot read: in a JSON body, in trailers, or over gRPC-web in the frame that ends the body. */
async function withoutSecrets(
  response: UniversalServerResponse,
  hide: HideSecrets,
): Promise<UniversalServerResponse> {
  const message = response.trailer?.get('grpc-message') ?? null;
  if (message !== null) response.trailer?.set('grpc-message', hide(message));
  const { body, header } = response;
  if (body === undefined) return response;
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  const bytes = Buffer.concat(parts);
  const headBytes = bytes[0] === TRAILER_FRAME ? FRAME_HEAD_BYTES : 0;
  const text = bytes.subarray(headBytes).toString();
  const content = Buffer.from(hide(text));
  if (content.toString() === text) return { ...response, body: iterable(bytes) };
  const head = Buffer.from(bytes.subarray(0, headBytes));
  if (headBytes > 0) head.writeUInt32BE(content.length, 1);
  if (header?.has('content-length')) header.set('content-length', String(content.length));
  return { ...response, body: iterable(Buffer.concat([head, content])) };
}

async function* iterable(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/**
 * gRPC percent-encodes in a message what is no printable ASCII, and `%`. Connect encodes more, and what
 * it encodes more, the clients of grpc-js do not decode.
 */
function withPlainMessage(response: UniversalServerResponse): UniversalServerResponse {
  const { body, trailer } = response;
  if (trailer === undefined || body === undefined) return response;
  return { ...response, body: respelling(body, trailer) };
}

async function* respelling(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncIterable<Uint8Array> {
  yield* body;
  const message = trailer.get('grpc-message');
  if (message !== null) trailer.set('grpc-message', messageHeader(decodeURIComponent(message)));
}

function messageHeader(text: string): string {
  return text.replace(/[^ -$&-~]+/gu, encodeURIComponent);
}

function refuse(
  { headers }: FastifyRequest,
  { raw }: FastifyReply,
  { code, name, httpStatus, message }: Refusal,
): void {
  const type = headers['content-type'] ?? '';
  const status = { 'grpc-status': String(code), 'grpc-message': messageHeader(message) };
  if (!type.startsWith('application/grpc')) {
    raw.writeHead(httpStatus, { 'content-type': 'application/json' });
    raw.end(JSON.stringify({ code: name, message }));
  } else if (type.startsWith('application/grpc-web')) {
    raw.writeHead(200, { 'content-type': type, ...status }).end();
  } else {
    raw.writeHead(200, { 'content-type': type });
    raw.addTrailers(status);
    raw.end();
  }
}

/** A message that does not arrive whole in its time, or before the server stops, is not waited for. */
function awaitBody(request: FastifyRequest, bodyMs: number | undefined, stopping: AbortSignal): void {
  const { raw } = request;
  const refuse = (): void => {
    // Not begun: a client may send it again, to another server.
    if (!raw.complete) hangUp(request, constants.NGHTTP2_REFUSED_STREAM);
  };
  const timer = bodyMs === undefined ? undefined : setTimeout(() => hangUp(request), bodyMs);
  stopping.addEventListener('abort', refuse);
  const stop = (): void => {
    clearTimeout(timer);
    stopping.removeEventListener('abort', refuse);
  };
  raw.once('end', stop).once('close', stop);
}

function hangUp({ raw }: FastifyRequest, code: number = constants.NGHTTP2_CANCEL): void {
  const stream = http2StreamOf(raw);
  if (stream === undefined) raw.destroy();
  else stream.close(code);
}

function http2StreamOf(raw: object): ServerHttp2Stream | undefined {
  return 'stream' in raw ? (raw.stream as ServerHttp2Stream) : undefined;
}
