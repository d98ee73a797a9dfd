// The HTTP server that all dialects share: limits, bodies, errors, metrics, health.

import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { AnnalsError } from '../core/errors.ts';
import { registerBodies } from './bodies.ts';
import { CONNECTION_LIMITS, type ConnectionLimits, JSON_BODY_LIMIT } from './limits.ts';
import { makeListener, type TlsMaterial } from './listener.ts';
import { isExpected, problemOf, sendProblem } from './problem.ts';
import { SCHEMA_CONTROLLER } from './schemas.ts';

/** @param tls the certificate to serve with; undefined: cleartext */
export function makeApp(
  logger: FastifyBaseLogger,
  tls?: TlsMaterial,
  limits: ConnectionLimits = CONNECTION_LIMITS,
): FastifyInstance {
  const listener = makeListener({ tls, limits });
  const app = Fastify({
    loggerInstance: logger,
    bodyLimit: JSON_BODY_LIMIT,
    serverFactory: listener.serverFactory,
    schemaController: SCHEMA_CONTROLLER,
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    rewriteUrl: ({ url = '/' }) => decodable(url),
    // No parameter can be longer than the header section: what is too long names nothing, as any other.
    routerOptions: { maxParamLength: limits.headerBytes },
  });
  app.addHook('preClose', (done) => {
    listener.stop();
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request);
    if (!isExpected(problem)) request.log.error({ err: error, url: request.url }, problem.message);
    // Fastify hangs up where it refuses a body; HTTP/2 has no such header.
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection');
    sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => sendProblem(reply, notFound(app, request)));
  registerBodies(app, limits.bodyMs);
  return app;
}

/** A path with a % that is no percent-encoded UTF-8 names nothing: read as it is, it gets each wire's own 404. */
function decodable(url: string): string {
  if (!url.includes('%')) return url;
  const [path = '', ...query] = url.split('?');
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?');
  }
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** 405 where another method is known at this path, else 404. */
function notFound(app: FastifyInstance, request: FastifyRequest): AnnalsError {
  const path = request.url.split('?', 1)[0] as string;
  const allowed = METHODS.filter((method) => app.findRoute({ method, url: path }) !== null);
  if (allowed.length === 0) return new AnnalsError('not_found', `there is nothing at ${path}`, { got: path });
  return new AnnalsError('method_not_allowed', `${path} takes ${allowed.join(', ')}, got ${request.method}`, {
    limit: allowed.join(', '),
    got: request.method,
  });
}
