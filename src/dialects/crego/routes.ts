// The Crego dialect: the audit history of the token's organization, at /history/.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bearerToken } from '../../auth/access.ts';
import { AnnalsError } from '../../core/errors.ts';
import { isExpected, problemOf } from '../../http/problem.ts';
import type { CompleteRow } from '../../query/read.ts';
import type { Selection } from '../../store/store.ts';
import type { Annals, Dialect } from '../dialect.ts';
import { makeContentTypes } from './content-types.ts';
import { sendError } from './errors.ts';
import { invalidPage, pageOf, pageSizeOf, selectionOf } from './from-wire.ts';
import { pageText, recordText, toPage } from './to-wire.ts';
import type { Query } from './wire.ts';

export const crego: Dialect = async (app, annals) => {
  await app.register(async (scope) => register(scope, annals), { prefix: '/history' });
};

function register(app: FastifyInstance, annals: Annals): void {
  const { read } = annals;
  const contentTypes = makeContentTypes(read);
  registerErrors(app);

  // With this prefix, `/` is both /history and /history/.
  app.get<{ Querystring: Query }>('/', { schema: { hide: true } }, async ({ query, headers, ip }, reply) => {
    const log = await ask(annals, { headers, ip });
    const [selection, size, page] = [selectionOf(query), pageSizeOf(query), pageOf(query)];
    const count = selection === undefined ? 0 : await read.count(log, selection);
    const totalPages = Math.max(1, Math.ceil(count / size));
    if (page > totalPages) throw invalidPage(page);
    const rows = selection === undefined ? [] : await rowsOf(log, selection, page, size);
    const numbers = await contentTypes(
      log,
      rows.map(({ resource }) => resource.type),
    );
    const records = rows.map((row) => recordText(row, log, numbers.get(row.resource.type)));
    reply.type('application/json');
    return pageText(toPage(count, page, totalPages), records);
  });
  app.route({
    method: ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
    url: '/',
    schema: { hide: true },
    handler: ({ method }) => {
      throw new AnnalsError('method_not_allowed', `Method "${method}" not allowed.`, { limit: 'GET, HEAD' });
    },
  });

  /** Newest first is the order of the log, backwards: the one in which any page costs the same. */
  function rowsOf(log: string, selection: Selection, page: number, size: number): Promise<CompleteRow[]> {
    const range = { by: 'position', order: 'desc', limit: size, skip: (page - 1) * size } as const;
    return read.rows(log, selection, range, { states: true });
  }
}

/** The log of the token's own organization. @throws AnnalsError `unauthenticated`, `forbidden` */
async function ask(
  { access }: Annals,
  { headers, ip }: Pick<FastifyRequest, 'headers' | 'ip'>,
): Promise<string> {
  const caller = await access.authenticate(bearerToken(headers.authorization), ip);
  access.require(caller, 'read', 'changes');
  return caller.organization.id;
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
  app.setNotFoundHandler((_request, reply) => {
    sendError(reply, new AnnalsError('not_found', 'Not found.'), undefined);
  });
}
