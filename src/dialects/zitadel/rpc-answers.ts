// gRPC, gRPC-web and Connect: the same RPCs over three protocols, each told by its content type.

import type { ServerHttp2Stream } from 'node:http2';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createConnectRouter } from '@connectrpc/connect';
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
    const handler = this.#handlers.get(request.url.split('?', 1)[0] as string);
    if (handler === undefined) return void refuseUnknown(request, reply);
    reply.hijack();
    if (handler.method.methodKind !== 'bidi_streaming') timeBody(request);
    try {
      const response = await handler(
        universalRequestFromNodeRequest(request.raw, reply.raw, undefined, undefined),
      );
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      await universalResponseToNodeResponse(response, reply.raw);
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Aborted && !reply.raw.writableEnded) this.#onError(error);
      hangUp(request);
    }
  }
}

const HTTP_UNIMPLEMENTED = 501;

/** An RPC that is not answered: Unimplemented, as the protocol of the request says it. */
function refuseUnknown(request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?', 1)[0];
  const message = `${path?.slice(1)} is not implemented`;
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/grpc')) {
    reply
      .code(200)
      .headers({ 'grpc-status': Code.Unimplemented, 'grpc-message': encodeURIComponent(message) });
    reply.type(type).send('');
    return;
  }
  reply
    .code(HTTP_UNIMPLEMENTED)
    .type('application/json')
    .send(JSON.stringify({ code: 'unimplemented', message }));
}

/** A message that does not arrive whole in its time is not waited for. */
function timeBody(request: FastifyRequest): void {
  const timer = setTimeout(() => hangUp(request), BODY_TIMEOUT_MS);
  const stop = (): void => clearTimeout(timer);
  request.raw.once('end', stop).once('close', stop);
}

function hangUp({ raw }: FastifyRequest): void {
  if ('stream' in raw) (raw.stream as ServerHttp2Stream).close();
  else raw.destroy();
}
