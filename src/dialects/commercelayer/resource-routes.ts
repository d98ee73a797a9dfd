// The routes of the directory's types, each as its declaration says: the five operations, the actions
// beside them, and what is related.

import type { FastifyInstance } from 'fastify';
import type { Declaration, Operation } from '../../directory/declaration.ts';
import { PROVISIONING } from '../../directory/declarations.ts';
import type { Annals } from '../dialect.ts';
import { HIDDEN, type HttpVerb, refuseOthers } from './json-api.ts';
import { pathOf } from './resource-objects.ts';
import { ResourceReads } from './resource-reads.ts';
import { registerWrites } from './write-routes.ts';

interface IdParams {
  id: string;
}

const VERB_OF: Record<Operation, { http: HttpVerb; isOfOne: boolean }> = {
  list: { http: 'GET', isOfOne: false },
  create: { http: 'POST', isOfOne: false },
  retrieve: { http: 'GET', isOfOne: true },
  update: { http: 'PATCH', isOfOne: true },
  delete: { http: 'DELETE', isOfOne: true },
};

export function registerResources(app: FastifyInstance, annals: Annals): void {
  const reads = new ResourceReads(annals);
  for (const declaration of PROVISIONING) {
    if (declaration.type === 'versions') continue;
    registerReads(app, reads, declaration);
    registerWrites(app, annals, reads, declaration);
  }
}

/** The verbs that the declaration has at a path: of one resource, or of all. */
function verbsAt({ operations }: Declaration, isOfOne: boolean): HttpVerb[] {
  return operations
    .map((name) => VERB_OF[name])
    .flatMap((verb) => (verb.isOfOne === isOfOne ? [verb.http] : []));
}

function registerReads(app: FastifyInstance, reads: ResourceReads, declaration: Declaration): void {
  const { type, isSingleton, operations, relationships } = declaration;
  if (isSingleton) {
    const url = `/${pathOf(declaration, '')}`;
    refuseOthers(app, url, verbsAt(declaration, true));
    app.get(url, HIDDEN, async (request, reply) =>
      reads.sendOne(request, reply, await reads.ownUser(request)),
    );
    return;
  }
  refuseOthers(app, `/${type}`, verbsAt(declaration, false));
  refuseOthers(app, `/${type}/:id`, verbsAt(declaration, true));
  if (operations.includes('list'))
    app.get(`/${type}`, HIDDEN, (request, reply) => reads.list(request, reply, type));
  app.get<{ Params: IdParams }>(`/${type}/:id`, HIDDEN, async (request, reply) => {
    return reads.sendOne(request, reply, await reads.find(request, type, request.params.id, 'read'));
  });
  for (const [name, { to }] of Object.entries(relationships)) {
    for (const url of [`/${type}/:id/${name}`, `/${type}/:id/relationships/${name}`]) {
      // The versions of a resource are listed by the log.
      if (to === 'versions' && !url.includes('relationships')) continue;
      refuseOthers(app, url, ['GET']);
    }
    app.get<{ Params: IdParams }>(`/${type}/:id/relationships/${name}`, HIDDEN, (request, reply) =>
      reads.linkage(request, reply, type, name),
    );
    if (to === 'versions') continue;
    app.get<{ Params: IdParams }>(`/${type}/:id/${name}`, HIDDEN, (request, reply) =>
      reads.related(request, reply, type, name),
    );
  }
}
