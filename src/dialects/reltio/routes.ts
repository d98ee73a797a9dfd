// The Reltio dialect: an entity and its history, under /reltio/api/{tenant}.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bearerToken } from '../../auth/access.ts';
import type { ResourceRef } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import { isExpected, problemOf } from '../../http/problem.ts';
import type { Annals, Dialect } from '../dialect.ts';
import { creationOf, findEntity, readState } from './entity.ts';
import { sendError } from './errors.ts';
import { type Page, pageOf, timeOf, wantedOf } from './from-wire.ts';
import { newest, total, WINDOW } from './history.ts';
import { toEntity, toUri } from './to-wire.ts';
import type { Query, ReltioChanges, ReltioEntity, ReltioEvent, TenantParams } from './wire.ts';

export const reltio: Dialect = async (app, annals) => {
  await app.register(async (scope) => register(scope, annals), { prefix: '/reltio' });
};

interface Asked {
  Params: TenantParams;
  Querystring: Query;
}
type Request = FastifyRequest<Asked>;

function register(app: FastifyInstance, annals: Annals): void {
  const { read } = annals;
  registerErrors(app);

  on('/api/:tenant/entities/:id/_changes', async (request): Promise<ReltioEvent[]> => {
    const { log, entity, wanted, page } = await history(request);
    return cut(await newest(read, log, entity, wanted), page);
  });

  on('/api/:tenant/entities/:id/_changesWithTotal', async (request): Promise<ReltioChanges> => {
    const { log, entity, wanted, page } = await history(request);
    const events = await newest(read, log, entity, wanted);
    const isWhole = events.length < WINDOW;
    return {
      changes: cut(events, page),
      total: isWhole ? events.length : await total(read, log, entity, wanted),
    };
  });

  on('/api/:tenant/entities/:id', async (request): Promise<ReltioEntity> => {
    const log = await ask(annals, request);
    const at = timeOf(request.query);
    const entity = await entityOf(log, request);
    const state = await readState(read, log, entity, at);
    if (state === undefined) throw notFound(request);
    return toEntity(state, await creationOf(read, log, entity));
  });

  /** Answers GET, and refuses every other method. */
  function on(url: string, handle: (request: Request) => Promise<unknown>): void {
    app.get<Asked>(url, { schema: { hide: true } }, handle);
    app.route({
      method: ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
      url,
      schema: { hide: true },
      handler: ({ method }) => {
        throw new AnnalsError('method_not_allowed', `wanted GET, got ${method}`, { limit: 'GET, HEAD' });
      },
    });
  }

  async function history(request: Request) {
    const log = await ask(annals, request);
    const [wanted, page] = [wantedOf(request.query), pageOf(request.query)];
    return { log, wanted, page, entity: await entityOf(log, request) };
  }

  async function entityOf(log: string, request: Request): Promise<ResourceRef> {
    const entity = await findEntity(read, log, request.params.id);
    if (entity === undefined) throw notFound(request);
    return entity;
  }
}

/** The log of the tenant. @throws AnnalsError `unauthenticated`, `forbidden`, `not_found` */
async function ask({ access }: Annals, request: Request): Promise<string> {
  const caller = await access.authenticate(bearerToken(request.headers.authorization), request.ip);
  const organization = await access.organization(caller, request.params.tenant);
  access.require(caller, 'read', 'changes');
  return organization.id;
}

/** A page of the window, which comes newest first. */
function cut(events: ReltioEvent[], { order, offset, max }: Page): ReltioEvent[] {
  const ordered = order === 'desc' ? events : events.toReversed();
  return ordered.slice(offset, offset + max);
}

function notFound({ params }: Request): AnnalsError {
  return new AnnalsError('not_found', `Object with id=${toUri(params.id)} not found`);
}

function registerErrors(app: FastifyInstance): void {
  // No request of this wire has a body that means anything.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (!isExpected(problem)) request.log.error({ err: error, url: request.url }, problem.message);
    sendError(reply, problem, bearerToken(request.headers.authorization));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    sendError(reply, new AnnalsError('not_found', `There is nothing at ${path}`), undefined);
  });
}
