// The HTTP server that all dialects share: limits, bodies, errors, metrics, health.

import AjvCompiler from '@fastify/ajv-compiler';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { AnnalsError } from '../core/errors.ts';
import { registerBodies } from './bodies.ts';
import { JSON_BODY_LIMIT } from './limits.ts';
import { isExpected, problemOf, sendProblem } from './problem.ts';

export function makeApp(logger: FastifyBaseLogger): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    bodyLimit: JSON_BODY_LIMIT,
    // Streams of lines have no end in time; each body is timed where it is read (bodies.ts, ndjson.ts).
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 20_000, connectionsCheckingInterval: 5_000, maxHeaderSize: 16_384 },
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 4096 },
  });
  const compile = AjvCompiler()(
    {},
    { customOptions: { removeAdditional: false, coerceTypes: true, useDefaults: true } },
  );
  // Bodies are checked once, by `ingest`, which also names what was wrong; their schemas are for the OpenAPI document.
  app.setValidatorCompiler((route) => (route.httpPart === 'body' ? () => true : compile(route)));
  // Answers are written as they are: a schema that forgot a member must not drop it.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (!isExpected(problem)) request.log.error({ err: error, url: request.url }, problem.message);
    sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => sendProblem(reply, notFound(app, request)));
  registerBodies(app);
  return app;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** 405 where another method is known at this path, else 404. */
function notFound(app: FastifyInstance, request: FastifyRequest): AnnalsError {
  const path = request.url.split('?', 1)[0] as string;
  const allowed = METHODS.filter(
    (method) => app.findRoute({ method, url: path }) !== null || matches(app, method, path),
  );
  if (allowed.length === 0) return new AnnalsError('not_found', `there is nothing at ${path}`, { got: path });
  return new AnnalsError('method_not_allowed', `${path} takes ${allowed.join(', ')}, got ${request.method}`, {
    limit: allowed.join(', '),
    got: request.method,
  });
}

function matches(app: FastifyInstance, method: (typeof METHODS)[number], url: string): boolean {
  return app.hasRoute({ method, url });
}
