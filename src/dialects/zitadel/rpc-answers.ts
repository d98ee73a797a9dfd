// gRPC, gRPC-web and Connect: the same RPCs over three protocols, each told by its content type.

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createConnectRouter } from '@connectrpc/connect';
import type { UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BODY_TIMEOUT_MS } from '../../http/limits.ts';
import { isExpected, toWireError } from './errors.ts';
import type { Method } from './methods.ts';
import { MAX_MESSAGE_BYTES } from './wire.ts';

export interface RpcAnswersOptions {
  methods: readonly Method[];
  /** Adds health and reflection. */
  routes(router: ConnectRouter): void;
  /** Ends streams that would last for ever. */
  shutdown: AbortSignal;
  onError(error: unknown): void;
}

type Handler = ConnectRouter['handlers'][number];

export class RpcAnswers {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #onError: (error: unknown) => void;

  constructor({ methods, routes, shutdown, onError }: RpcAnswersOptions) {
    const router = createConnectRouter({
      readMaxBytes: MAX_MESSAGE_BYTES,
      acceptCompression: [compressionGzip, compressionBrotli],
      jsonOptions: { ignoreUnknownFields: true },
      shutdownSignal: shutdown,
    });
    for (const { desc, call } of methods) {
      router.rpc(desc, async (input, { requestHeader }) => {
        try {
          const output = await call(input, (name) => requestHeader.get(name) ?? undefined);
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
  }

  /** Answers in the request's own protocol; the reply is taken out of Fastify's hands. */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const path = request.url.split('?', 1)[0] as string;
    const handler = this.#handlers.get(path);
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    if (handler === undefined) return refuseUnknown(path, request, reply);
    if (handler.method.methodKind !== 'bidi_streaming') timeBody(request);
    try {
      const response = await handler(universalRequestOf(request, reply));
      await universalResponseToNodeResponse(withPlainMessage(response), reply.raw);
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Aborted && !reply.raw.writableEnded) this.#onError(error);
      hangUp(request);
    }
  }
}

/** The body stays readable where an answer comes before its end. */
function universalRequestOf({ raw }: FastifyRequest, reply: FastifyReply): UniversalServerRequest {
  const body = raw.iterator({ destroyOnReturn: false });
  return { ...universalRequestFromNodeRequest(raw, reply.raw, undefined, undefined), body };
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

const HTTP_UNIMPLEMENTED = 501;

/** An RPC that is not answered: Unimplemented, as the protocol of the request says it. */
function refuseUnknown(path: string, request: FastifyRequest, { raw }: FastifyReply): void {
  const message = `${path.slice(1)} is not implemented`;
  const type = request.headers['content-type'] ?? '';
  const status = { 'grpc-status': String(Code.Unimplemented), 'grpc-message': messageHeader(message) };
  if (!type.startsWith('application/grpc')) {
    raw.writeHead(HTTP_UNIMPLEMENTED, { 'content-type': 'application/json' });
    raw.end(JSON.stringify({ code: 'unimplemented', message }));
  } else if (type.startsWith('application/grpc-web')) {
    raw.writeHead(200, { 'content-type': type, ...status }).end();
  } else {
    raw.writeHead(200, { 'content-type': type });
    raw.addTrailers(status);
    raw.end();
  }
}

/** A message that does not arrive whole in its time is not waited for. */
function timeBody(request: FastifyRequest): void {
  const timer = setTimeout(() => hangUp(request), BODY_TIMEOUT_MS);
  const stop = (): void => clearTimeout(timer);
  request.raw.once('end', stop).once('close', stop);
}

function hangUp({ raw }: FastifyRequest): void {
  const stream = http2StreamOf(raw);
  if (stream === undefined) raw.destroy();
  else stream.close(constants.NGHTTP2_CANCEL);
}

function http2StreamOf(raw: object): ServerHttp2Stream | undefined {
  return 'stream' in raw ? (raw.stream as ServerHttp2Stream) : undefined;
}
