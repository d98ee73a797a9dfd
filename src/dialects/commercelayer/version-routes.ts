// Versions, which the log answers: all of them, one, and those of a resource.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ResourceRef } from '../../core/entry.ts';
import { streamOf } from '../../core/streams.ts';
import { originOf } from '../../http/origin.ts';
import type { LogId } from '../../store/store.ts';
import type { Annals } from '../dialect.ts';
import { type Asked, ask, mustMay, viewsOf } from './asked.ts';
import { notFound, sendDocument } from './errors.ts';
import { findPage, findVersion } from './find-page.ts';
import { listQueryOf, resourceQueryOf } from './from-wire.ts';
import { HIDDEN, refuseOthers } from './json-api.ts';
import { toDocument, toList } from './to-wire.ts';
import { VERSIONED_TYPES, VERSIONS_TYPE } from './wire.ts';

interface IdParams {
  id: string;
}

export function registerVersions(app: FastifyInstance, annals: Annals): void {
  const { read } = annals;
  for (const url of [
    '/versions',
    '/versions/:id',
    ...VERSIONED_TYPES.map((type) => `/${type}/:id/versions`),
  ]) {
    refuseOthers(app, url, ['GET']);
  }

  app.get('/versions', HIDDEN, async (request, reply) =>
    list(request, reply, logsOf(await askVersions(request))),
  );

  app.get<{ Params: IdParams }>('/versions/:id', HIDDEN, async (request, reply) => {
    const logs = logsOf(await askVersions(request));
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
      const asked = await askVersions(request);
      const resource = { type, id: request.params.id };
      const known = await logsWith(asked, resource);
      if (known.length === 0) throw notFound();
      return list(request, reply, known, resource);
    });
  }

  async function askVersions(request: FastifyRequest): Promise<Asked> {
    const asked = await ask(annals, request);
    mustMay(asked, 'read', 'versions');
    return asked;
  }

  /** The logs that have ever had a resource, and the one that has it from the start. */
  async function logsWith(asked: Asked, resource: ResourceRef): Promise<LogId[]> {
    const views = await viewsOf(annals, asked);
    const has = await Promise.all(
      views.map(async (view) => {
        if (view.get(resource.type, resource.id) !== undefined) return true;
        return (await read.count(view.organization.id, { streams: [streamOf.resource(resource)] })) > 0;
      }),
    );
    return logsOf(asked).filter((_, index) => has[index]);
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

/** The logs of the organizations, in their order. */
function logsOf({ organizations }: Asked): LogId[] {
  return organizations.map(({ id }) => id);
}
