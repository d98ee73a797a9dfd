// Creating, updating and deleting resources of the directory, and the actions beside.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { authorOf } from '../../auth/access.ts';
import { AnnalsError, type Fault } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Declaration } from '../../directory/declaration.ts';
import type { Author, Organization } from '../../directory/directory.ts';
import { ALL_RIGHTS, hasAll } from '../../directory/rights.ts';
import type { Input } from '../../directory/validate.ts';
import { originOf } from '../../http/origin.ts';
import { requestContext } from '../../http/request-context.ts';
import type { Annals } from '../dialect.ts';
import { type Asked, ask, mustMay, viewsOf } from './asked.ts';
import { unauthorized, WireError } from './errors.ts';
import { inputOf } from './from-body.ts';
import { HIDDEN, refuseOthers } from './json-api.ts';
import { pathOf, type Seen } from './resource-objects.ts';
import { mustMayInclude, type ResourceReads } from './resource-reads.ts';

interface IdParams {
  id: string;
}

export function registerWrites(
  app: FastifyInstance,
  annals: Annals,
  reads: ResourceReads,
  declaration: Declaration,
): void {
  const { type, operations, isSingleton } = declaration;
  const writes = new ResourceWrites(annals, reads, declaration);
  if (operations.includes('create')) {
    app.post(`/${type}`, HIDDEN, async (request, reply) => {
      const { asked, seen, secret } = await writes.create(request);
      reply.code(201).header('location', `${originOf(request)}/api/${pathOf(declaration, seen.resource.id)}`);
      if (secret !== undefined) reply.header('cache-control', 'no-store');
      return reads.sendOne(
        request,
        reply,
        { asked, seen },
        secret === undefined ? {} : { client_secret: secret },
      );
    });
  }
  if (operations.includes('update')) {
    app.patch<{ Params: Partial<IdParams> }>(
      isSingleton ? `/${pathOf(declaration, '')}` : `/${type}/:id`,
      HIDDEN,
      async (request, reply) => reads.sendOne(request, reply, await writes.update(request)),
    );
  }
  if (operations.includes('delete')) {
    app.delete<{ Params: IdParams }>(`/${type}/:id`, HIDDEN, async (request, reply) => {
      await writes.remove(request);
      return reply.code(204).send();
    });
  }
  for (const { name, method, status } of declaration.actions) {
    const url = `/${type}/:id/${name}`;
    refuseOthers(app, url, [method]);
    app.route<{ Params: IdParams }>({
      method,
      url,
      ...HIDDEN,
      handler: async (request, reply) => {
        await ACTIONS[name]?.(annals, reads, request);
        return reply.code(status).send();
      },
    });
  }
}

class ResourceWrites {
  readonly #annals: Annals;
  readonly #reads: ResourceReads;
  readonly #declaration: Declaration;

  constructor(annals: Annals, reads: ResourceReads, declaration: Declaration) {
    this.#annals = annals;
    this.#reads = reads;
    this.#declaration = declaration;
  }

  async create(request: FastifyRequest): Promise<{ asked: Asked; seen: Seen; secret: string | undefined }> {
    const { directory, access } = this.#annals;
    const { type } = this.#declaration;
    const asked = await ask(this.#annals, request);
    mustMay(asked, 'create', type);
    this.#checkQuery(request, asked);
    const by = authorIn(request, asked);
    const input = inputOf(this.#declaration, request.body, undefined);
    if (type === 'organizations') {
      access.requireRoot(asked.caller);
      const { name } = input.attributes;
      const made = await directory.createOrganization(typeof name === 'string' ? { name } : {}, by, input);
      const view = await directory.view(made);
      const resource = view.get(type, made.id) as Seen['resource'];
      return { asked, seen: { view, resource }, secret: undefined };
    }
    const organization = await this.#organizationOf(asked, input);
    const { view, resource, secret } = await directory.create(organization, type, input, by);
    return { asked, seen: { view, resource }, secret };
  }

  async update(
    request: FastifyRequest<{ Params: Partial<IdParams> }>,
  ): Promise<{ asked: Asked; seen: Seen }> {
    const { type, isSingleton } = this.#declaration;
    const { id } = request.params;
    if (isSingleton) {
      const { asked, seen } = await this.#reads.ownUser(request);
      this.#checkQuery(request, asked);
      return this.#update(request, asked, seen, inputOf(this.#declaration, request.body, undefined));
    }
    const { asked, seen } = await this.#reads.find(request, type, id as string, 'update');
    this.#checkQuery(request, asked);
    return this.#update(request, asked, seen, inputOf(this.#declaration, request.body, id));
  }

  async remove(request: FastifyRequest<{ Params: IdParams }>): Promise<void> {
    const { type } = this.#declaration;
    const { id } = request.params;
    const asked = await ask(this.#annals, request);
    // A member may always leave. Whether somebody else is there is told only to those who may remove them.
    const isLeaving = type === 'memberships' && asked.caller.membership === id;
    if (!isLeaving) mustMay(asked, 'destroy', type);
    const seen = await this.#reads.findIn(asked, type, id);
    if (type === 'memberships' && !isLeaving && !mayRemove(asked, seen)) throw unauthorized();
    const { organization } = seen.view;
    await this.#annals.directory.remove(organization, type, seen.resource.id, authorIn(request, asked));
  }

  async #update(
    request: FastifyRequest,
    asked: Asked,
    { view, resource: { type, id } }: Seen,
    input: Input,
  ): Promise<{ asked: Asked; seen: Seen }> {
    const by = authorIn(request, asked);
    return { asked, seen: await this.#annals.directory.update(view.organization, type, id, input, by) };
  }

  #checkQuery(request: FastifyRequest, asked: Asked): void {
    mustMayInclude(
      asked,
      this.#declaration.type,
      this.#reads.queryOf(request, this.#declaration.type).include,
    );
  }

  /** The organization in which something is made: the one that is named, or that of the role that is. */
  async #organizationOf({ organizations, caller }: Asked, input: Input): Promise<Organization> {
    const { type, relationships } = this.#declaration;
    const named = input.relationships.organization;
    if (relationships.organization?.isCreatable === true && typeof named === 'string') {
      const found = organizations.find(({ id }) => id === named);
      if (found !== undefined) return found;
      throw refusal(type, {
        at: 'relationships',
        name: 'organization',
        error: 'required',
        message: 'must exist',
      });
    }
    const role = input.relationships.role;
    if (typeof role === 'string') {
      const views = await viewsOf(this.#annals, { caller, organizations });
      const view = views.find((candidate) => candidate.get('roles', role) !== undefined);
      if (view !== undefined) return view.organization;
    }
    return organizations.length === 1 ? (organizations[0] as Organization) : caller.organization;
  }
}

/** Of the members, admins alone remove another; an application removes nobody who may do more than it. */
function mayRemove({ caller }: Asked, { view, resource }: Seen): boolean {
  const needed = caller.membership === undefined ? view.rightsOf(String(resource.state.role_id)) : ALL_RIGHTS;
  return hasAll(caller.rights, needed);
}

type Act = (
  annals: Annals,
  reads: ResourceReads,
  request: FastifyRequest<{ Params: IdParams }>,
) => Promise<void>;

const ACTIONS: Readonly<Record<string, Act>> = {
  async resend({ directory }, reads, request) {
    const { asked, seen } = await reads.find(request, 'memberships', request.params.id, 'update');
    await directory.resend(seen.view.organization, seen.resource.id, authorIn(request, asked));
  },
  async transfer_ownership({ directory }, reads, request) {
    const { asked, seen } = await reads.find(request, 'organizations', request.params.id, 'update');
    const email = newOwnerIn(request.body, seen.resource.id);
    await directory.transferOwnership(seen.view.organization, email, authorIn(request, asked));
  },
};

/** The address in `{"data": {"type", "id", "attributes": {"new_owner_email"}}}`. */
function newOwnerIn(body: unknown, id: string): string {
  const { data } = (body ?? {}) as { data?: { id?: unknown; attributes?: JsonObject } };
  if (data?.id !== undefined && data.id !== id) {
    throw new WireError(
      'KEY_NOT_INCLUDED_IN_URL',
      `The URL does not support the key ${String(data.id).slice(0, 80)}`,
    );
  }
  const email = data?.attributes?.new_owner_email;
  if (typeof email === 'string' && email.trim() !== '') return email;
  throw refusal('organizations', {
    at: 'attributes',
    name: 'new_owner_email',
    error: 'blank',
    message: "can't be blank",
  });
}

function refusal(type: string, fault: Fault): AnnalsError {
  return new AnnalsError('invalid_resource', `${type}: ${fault.name} ${fault.message}`, { faults: [fault] });
}

function authorIn(request: FastifyRequest, { caller }: Asked): Author {
  return authorOf(caller, requestContext(request));
}
