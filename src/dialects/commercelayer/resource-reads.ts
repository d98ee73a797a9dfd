// Reading the directory: one resource, a list, what is related, and what is included with them.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { streamOf, VERSIONS } from '../../core/streams.ts';
import { declarationOf } from '../../directory/declarations.ts';
import type { Verb } from '../../directory/subjects.ts';
import { originOf } from '../../http/origin.ts';
import type { Annals } from '../dialect.ts';
import { type Asked, ask, mustMay, viewsOf } from './asked.ts';
import { notFound, sendDocument } from './errors.ts';
import { findResources } from './find-resources.ts';
import { type Include, listQueryOf, type ResourceQuery, resourceQueryOf } from './from-wire.ts';
import { linkage, linkageOf, type Making, objectsOf, type Seen } from './resource-objects.ts';
import { pageOf } from './to-wire.ts';

/** The most versions that an include brings with one resource; its own list has all of them. */
const MOST_VERSIONS = 1_000;

interface IdParams {
  id: string;
}

type OneRequest = FastifyRequest<{ Params: IdParams }>;

/** Reading the directory: one resource, a list, what is related. */
export class ResourceReads {
  readonly #annals: Annals;

  constructor(annals: Annals) {
    this.#annals = annals;
  }

  /** A resource that the caller may see. @throws WireError `RECORD_NOT_FOUND`, `UNAUTHORIZED` */
  async find(
    request: FastifyRequest,
    type: string,
    id: string,
    verb: Verb,
  ): Promise<{ asked: Asked; seen: Seen }> {
    const asked = await ask(this.#annals, request);
    mustMay(asked, verb, type);
    return { asked, seen: await this.findIn(asked, type, id) };
  }

  /** @throws WireError `RECORD_NOT_FOUND` */
  async findIn(asked: Asked, type: string, id: string): Promise<Seen> {
    for (const view of await viewsOf(this.#annals, asked)) {
      const resource = view.get(type, id);
      if (resource !== undefined) return { view, resource };
    }
    throw notFound();
  }

  /** The user as whom the caller acts. @throws WireError `RECORD_NOT_FOUND` where it acts as none */
  async ownUser(request: FastifyRequest): Promise<{ asked: Asked; seen: Seen }> {
    const asked = await ask(this.#annals, request);
    const { user, organization } = asked.caller;
    const view = await this.#annals.directory.view(organization);
    const resource = user === undefined ? undefined : view.get('users', user);
    if (resource === undefined) throw notFound();
    return { asked, seen: { view, resource } };
  }

  async list(request: FastifyRequest, reply: FastifyReply, type: string): Promise<FastifyReply> {
    const asked = await ask(this.#annals, request);
    mustMay(asked, 'read', type);
    const views = await viewsOf(this.#annals, asked);
    const sources = views.map((view) => ({ view, resources: view.list(type) }));
    return this.#sendList(request, reply, asked, type, sources);
  }

  async related(request: OneRequest, reply: FastifyReply, type: string, name: string): Promise<FastifyReply> {
    const { asked, seen } = await this.find(request, type, request.params.id, 'read');
    const { to, isMany } = declarationOf(type).relationships[name] as { to: string; isMany: boolean };
    mustMay(asked, 'read', to);
    const resources = seen.view.related(seen.resource, name);
    if (isMany) return this.#sendList(request, reply, asked, to, [{ view: seen.view, resources }]);
    const query = resourceQueryOf(declarationOf(to), request.url);
    const [target] = resources;
    if (target === undefined) return sendDocument(reply, { data: null });
    return this.#send(request, reply, asked, { view: seen.view, resource: target }, query);
  }

  /** What a relationship names, by type and id (JSON:API 1.0, section 6.2). */
  async linkage(request: OneRequest, reply: FastifyReply, type: string, name: string): Promise<FastifyReply> {
    const { asked, seen } = await this.find(request, type, request.params.id, 'read');
    const { to, isMany } = declarationOf(type).relationships[name] as { to: string; isMany: boolean };
    mustMay(asked, 'read', to);
    const path = `${originOf(request)}/api/${type}/${seen.resource.id}`;
    const links = { self: `${path}/relationships/${name}`, related: `${path}/${name}` };
    const data = to === 'versions' ? linkageOf(await this.#versionsOf(seen)) : linkage(seen, name, isMany);
    return sendDocument(reply, { links, data });
  }

  /**
   * Answers with one resource.
   * @param once attributes that no other answer shows
   */
  sendOne(
    request: FastifyRequest,
    reply: FastifyReply,
    { asked, seen }: { asked: Asked; seen: Seen },
    once: Record<string, string> = {},
  ): Promise<FastifyReply> {
    return this.#send(request, reply, asked, seen, this.queryOf(request, seen.resource.type), once);
  }

  /** Read before anything is written: what is wrong with the question must not be said after the deed. */
  queryOf(request: FastifyRequest, type: string): ResourceQuery {
    return resourceQueryOf(declarationOf(type), request.url);
  }

  async #send(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Asked,
    seen: Seen,
    query: ResourceQuery,
    once: Record<string, string> = {},
  ): Promise<FastifyReply> {
    mustMayInclude(asked, seen.resource.type, query.include);
    const { data, included } = await objectsOf(this.#making(request, query), [seen]);
    const [object] = data;
    if (object !== undefined) {
      const { type } = seen.resource;
      const fields = query.fields.get(type);
      for (const [name, value] of Object.entries(once)) {
        if (fields === undefined || fields.has(name)) object.attributes[name] = value;
      }
    }
    return sendDocument(reply, { data: object ?? null, ...(included === undefined ? {} : { included }) });
  }

  async #sendList(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Asked,
    type: string,
    sources: Parameters<typeof findResources>[1],
  ): Promise<FastifyReply> {
    const query = listQueryOf(declarationOf(type), request.url);
    mustMayInclude(asked, type, query.include);
    // Who may not read what is related may not find out about it by asking for what matches.
    for (const { relationship } of query.conditions.flatMap(({ paths }) => paths)) {
      if (relationship !== undefined) mustMay(asked, 'read', targetOf(type, relationship));
    }
    const { count, page } = findResources(type, sources, query);
    const { data, included } = await objectsOf(this.#making(request, query), page);
    const place = { origin: originOf(request), path: request.url.split('?', 1)[0] as string };
    return sendDocument(reply, {
      data,
      ...(included === undefined ? {} : { included }),
      ...pageOf(place, count, query),
    });
  }

  #making(request: FastifyRequest, query: ResourceQuery): Making {
    return { origin: originOf(request), query, versionsOf: (seen) => this.#versionsOf(seen) };
  }

  #versionsOf({ view, resource: { type, id } }: Seen): ReturnType<Making['versionsOf']> {
    const selection = { streams: [VERSIONS, streamOf.resource({ type, id })] };
    const range = { by: 'position', order: 'asc', limit: MOST_VERSIONS } as const;
    return this.#annals.read.list(view.organization.id, selection, range, { states: true });
  }
}

function targetOf(type: string, relationship: string): string {
  return (declarationOf(type).relationships[relationship] as { to: string }).to;
}

/** @throws WireError `UNAUTHORIZED` where something is to be included that the caller may not read */
export function mustMayInclude(asked: Asked, type: string, include: Include): void {
  for (const [name, deeper] of include) {
    const to = targetOf(type, name);
    mustMay(asked, 'read', to);
    mustMayInclude(asked, to, deeper);
  }
}
