// The Zitadel dialect: its routes. What answers them is loaded with the first request.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Annals, Dialect } from '../dialect.ts';
import type { Answers } from './answers.ts';
import { allowOrigins } from './cors.ts';
import { MAX_CHANGES, MAX_MESSAGE_BYTES } from './wire.ts';

export interface ZitadelSettings {
  /** The most entries of one answer. */
  maxChanges?: number | undefined;
}

const REST_PATHS = [
  '/management/v1/*',
  '/admin/v1/*',
  '/auth/v1/*',
  '/system/v1/*',
  '/projects/:projectId/apps/:appId/changes/_search',
];
/** Services are told from first segments of other paths by their packages. */
const RPC_PATH = '/:service(^(?:zitadel|grpc)\\.[^/]+$)/:method';

export function zitadel({ maxChanges = MAX_CHANGES }: ZitadelSettings = {}): Dialect {
  return (app, annals) => {
    const onError = (error: unknown): void => app.log.error({ err: error }, 'a Zitadel request failed');
    let loading: Promise<Answers> | undefined;
    const load = (): Promise<Answers> => {
      loading ??= import('./answers.ts').then(({ makeAnswers }) =>
        makeAnswers(annals, { maxChanges, onError }),
      );
      return loading;
    };
    app.register(async (scope) => registerRest(scope, annals, load));
    app.register(async (scope) => registerRpc(scope, load));
    registerDebug(app, annals);
  };
}

/** Whatever the content type, a body is JSON; the answers decide whether to read it. */
function registerRest(app: FastifyInstance, { now }: Annals, load: () => Promise<Answers>): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_MESSAGE_BYTES }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', allowOrigins);
  app.setErrorHandler(async (error, request, reply) => {
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection');
    const { restError } = await load();
    return finish(reply, restError(error, reply));
  });
  for (const path of REST_PATHS) {
    app.all(path, async (request, reply) => finish(reply, await (await load()).rest(request, reply)));
  }

  /** As bytes: to the type of a text Fastify adds a charset, which the wire has not. */
  function finish(reply: FastifyReply, body: string): Buffer {
    const expires = new Date(now() / 1000).toUTCString();
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache', expires, 'x-robots-tag': 'none' });
    reply.header('content-type', 'application/json');
    return Buffer.from(body);
  }
}

/** Bodies are left unread: the protocols read them themselves. */
function registerRpc(app: FastifyInstance, load: () => Promise<Answers>): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onRequest', allowOrigins);
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (needsHttp2(request)) await reply.code(404).type('application/json').send(NOT_FOUND);
    else await (await load()).rpc(request, reply);
  };
  app.all(RPC_PATH, answer);
}

const NOT_FOUND = '{"code":5,"message":"Not Found"}';

/** gRPC proper has its status in trailers, and its clients speak HTTP/2; gRPC-web and Connect take either. */
function needsHttp2({ raw, headers }: FastifyRequest): boolean {
  return raw.httpVersionMajor < 2 && /^application\/grpc(?!-web)/i.test(headers['content-type'] ?? '');
}

function registerDebug(app: FastifyInstance, { ping }: Annals): void {
  app.get('/debug/healthz', { schema: { hide: true } }, (_request, reply) =>
    reply.type('text/plain').send('ok'),
  );
  app.get('/debug/ready', { schema: { hide: true } }, async (_request, reply) => {
    try {
      await ping();
      return reply.type('application/json').send('"ok"');
    } catch {
      return reply.code(412).type('text/plain').send('not ready');
    }
  });
}
