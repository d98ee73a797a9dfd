// The Commerce Layer dialect: Versions of the Provisioning API, under /api.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { bearerToken } from '../../auth/access.ts';
import type { ResourceRef } from '../../core/entry.ts';
import { streamOf } from '../../core/streams.ts';
import { originOf } from '../../http/origin.ts';
import type { LogId } from '../../store/store.ts';
import type { Annals, Dialect } from '../dialect.ts';
import { notFound, sendDocument } from './errors.ts';
import { findPage, findVersion } from './find-page.ts';
import { listQueryOf, resourceQueryOf } from './from-wire.ts';
import { frame, HIDDEN, type Limits, refuseWrites } from './json-api.ts';
import { toDocument, toList } from './to-wire.ts';
import { VERSIONED_TYPES, VERSIONS_TYPE } from './wire.ts';

export const commercelayer: Dialect = makeCommercelayer();

export function makeCommercelayer(limits?: Limits): Dialect {
  return async (app, annals) => {
    await app.register(
      async (api) => {
        frame(api, annals.now, limits);
        registerVersions(api, annals);
      },
      { prefix: '/api' },
    );
  };
}

interface IdParams {
  id: string;
}

function registerVersions(app: FastifyInstance, annals: Annals): void {
  const { read } = annals;
  for (const url of [
    '/versions',
    '/versions/:id',
    ...VERSIONED_TYPES.map((type) => `/${type}/:id/versions`),
  ]) {
    refuseWrites(app, url);
  }

  app.get('/versions', HIDDEN, async (request, reply) => list(request, reply, await logsOf(annals, request)));

  app.get<{ Params: IdParams }>('/versions/:id', HIDDEN, async (request, reply) => {
    const logs = await logsOf(annals, request);
    const query = resourceQueryOf(VERSIONS_TYPE, request.url);
    for (const log of logs) {
      const version = await findVersion(read, log, request.params.id);
      if (version !== undefined) {
        return sendDocument(reply, toDocument({ origin: originOf(request) }, version, query));
      }
    }
    throw notFound();
  });

  for (const type of VERSIONED_TYPES) {
    app.get<{ Params: IdParams }>(`/${type}/:id/versions`, HIDDEN, async (request, reply) => {
      const logs = await logsOf(annals, request);
      const resource = { type, id: request.params.id };
      const counts = await Promise.all(
        logs.map((log) => read.count(log, { streams: [streamOf.resource(resource)] })),
      );
      const known = logs.filter((_, index) => (counts[index] as number) > 0);
      if (known.length === 0) throw notFound();
      return list(request, reply, known, resource);
    });
  }

  async function list(
    request: FastifyRequest,
    reply: FastifyReply,
    logs: readonly LogId[],
    resource?: ResourceRef,
  ): Promise<FastifyReply> {
    const query = listQueryOf(VERSIONS_TYPE, request.url);
    const { count, entries } = await findPage(read, logs, query, resource);
    const place = { origin: originOf(request), path: request.url.split('?', 1)[0] as string };
    return sendDocument(reply, toList(place, entries, count, query));
  }
}

/** The logs that the token may read, in the order of their organizations. */
async function logsOf({ access, directory }: Annals, request: FastifyRequest): Promise<LogId[]> {
  const caller = await access.authenticate(bearerToken(request.headers.authorization), request.ip);
  access.require(caller, 'read', 'versions');
  const organizations = caller.isRoot ? await directory.organizations() : [caller.organization];
  return organizations.map(({ id }) => id);
}
