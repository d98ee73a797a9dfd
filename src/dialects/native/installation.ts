// /v1/head, /v1/organizations and /v1/tokens.

import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { authorOf } from '../../auth/access.ts';
import type { Entry, Receipt } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import { type Instant, parseInstant } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Organization, Scope } from '../../directory/directory.ts';
import { shownValue } from '../../directory/values.ts';
import type { DirectoryResource, DirectoryView } from '../../directory/view.ts';
import { requestContext } from '../../http/request-context.ts';
import { normaliseBody } from '../../ingest/normalise.ts';
import type { Annals } from '../dialect.ts';
import { describe } from './describe.ts';
import { ask, askRoot, idUnder, requestKeyOf } from './from-wire.ts';
import { toHead, toOrganization, toToken } from './to-wire.ts';
import {
  HeadWire,
  IdParams,
  listOf,
  NewTokenWire,
  OrganizationWire,
  TokenWire,
  WriteHeaders,
} from './wire.ts';

const NewOrganization = Type.Object(
  { slug: Type.String({ description: '1 to 63 of a-z, 0-9 and -' }), name: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
const NAME = Type.String({ minLength: 1, maxLength: 200 });
const NewToken = Type.Object(
  {
    name: NAME,
    scopes: Type.Optional(Type.Array(Type.Enum(['read', 'write']), { minItems: 1, maxItems: 2 })),
    membership: Type.Optional(
      Type.String({ description: 'Makes a personal access token of this member, instead of scopes' }),
    ),
  },
  { additionalProperties: false },
);

export function registerInstallation(app: FastifyInstance, annals: Annals): void {
  const { directory } = annals;

  app.get(
    '/v1/head',
    describe('Size and Merkle root of the log', { response: { 200: HeadWire } }),
    async (request) => {
      const { organization } = await ask(annals, request, 'read', 'changes');
      return toHead(await annals.read.head(organization.id));
    },
  );

  app.get(
    '/v1/organizations',
    describe('List the organizations that the token may use', {
      response: { 200: listOf(OrganizationWire) },
    }),
    async (request) => {
      const { caller, organization } = await ask(annals, request, 'read', 'organizations');
      const seen = caller.isRoot ? await directory.organizations() : [organization];
      return { data: await Promise.all(seen.map(shown)), next: null };
    },
  );

  app.post(
    '/v1/organizations',
    describe('Make an organization (root token)', {
      headers: WriteHeaders,
      bodies: { 'application/json': NewOrganization },
      response: { 201: OrganizationWire },
    }),
    async (request, reply) => {
      const { caller, organization } = await askRoot(annals, request);
      const wanted = normaliseBody(NewOrganization, request.body);
      const requestKey = requestKeyOf(request, caller);
      const id = requestKey && idUnder(requestKey, organization);
      const by = authorOf(caller, requestContext(request));
      const made = await directory.createOrganization({ ...wanted, id }, by);
      reply.code(201);
      return toOrganization(made);
    },
  );

  app.get<{ Params: IdParams }>(
    '/v1/organizations/:id',
    describe('Read an organization by id or slug', { params: IdParams, response: { 200: OrganizationWire } }),
    async (request) => {
      const { caller } = await ask(annals, request, 'read', 'organizations');
      return shown(await annals.access.organization(caller, request.params.id));
    },
  );

  app.get(
    '/v1/tokens',
    describe("List the organization's credentials and personal access tokens", {
      response: { 200: listOf(TokenWire) },
    }),
    async (request) => {
      const { organization } = await ask(annals, request, 'read', 'api_credentials');
      const view = await directory.view(organization);
      const tokens = TOKEN_TYPES.flatMap((type) => view.list(type));
      return { data: tokens.map(toToken), next: null };
    },
  );

  app.post(
    '/v1/tokens',
    describe('Make a token; its secret is in this answer alone', {
      headers: WriteHeaders,
      bodies: { 'application/json': NewToken },
      response: { 201: NewTokenWire },
    }),
    async (request, reply) => {
      const { caller, organization } = await ask(annals, request, 'create', 'api_credentials');
      const { name, scopes, membership } = normaliseBody(NewToken, request.body);
      const requestKey = requestKeyOf(request, caller);
      reply.code(201).header('cache-control', 'no-store');
      const receipts = requestKey && (await annals.recorded(organization.id, requestKey));
      if (receipts !== undefined) return firstMade(organization, receipts);
      const by = authorOf(caller, requestContext(request));
      const wanted = membership === undefined ? { name, scopes: checked(scopes) } : { name, membership };
      if (membership !== undefined && scopes !== undefined)
        throw either('scopes and membership exclude each other');
      const { resource, secret } = await directory.createToken(organization, wanted, by, requestKey);
      return { ...toToken(resource), secret };
    },
  );

  app.delete<{ Params: IdParams }>(
    '/v1/tokens/:id',
    describe('Revoke a token', {
      params: IdParams,
      headers: WriteHeaders,
      response: { 204: Type.Null({ description: 'It is refused from now on' }) },
    }),
    async (request, reply) => {
      const { caller, organization } = await ask(annals, request, 'destroy', 'api_credentials');
      const { id } = request.params;
      const requestKey = requestKeyOf(request, caller);
      const isRepeated = requestKey && (await annals.recorded(organization.id, requestKey)) !== undefined;
      if (isRepeated === true) return reply.code(204).send();
      const found = tokenIn(await directory.view(organization), id);
      if (found === undefined) {
        throw new AnnalsError('not_found', `there is no token ${id} in this organization`, { got: id });
      }
      const by = authorOf(caller, requestContext(request));
      await directory.remove(organization, found.type, id, by, requestKey);
      return reply.code(204).send();
    },
  );

  /** The token that was made under a key, as it was then. Its secret was in the first answer, and nowhere else. */
  async function firstMade({ id: log }: Organization, receipts: readonly Receipt[]): Promise<object> {
    const entries = await Promise.all(receipts.map(({ id }) => annals.read.entry(log, id)));
    const made = entries.find((entry) => entry !== undefined && TOKEN_TYPES.includes(entry.resource.type));
    const { resource, after } = made as Entry;
    const state = after as JsonObject;
    const createdAt = parseInstant(String(state.created_at)) as Instant;
    return { ...toToken({ log, id: resource.id, state, createdAt }), secret: null };
  }

  /** An organization as it is called now. */
  async function shown(organization: Organization): Promise<object> {
    const view = await directory.view(organization);
    const resource = view.get('organizations', organization.id) as DirectoryResource;
    return toOrganization({ ...organization, name: String(shownValue(view, resource, 'name')) });
  }
}

const TOKEN_TYPES = ['api_credentials', 'personal_access_tokens'];

function tokenIn(view: DirectoryView, id: string): DirectoryResource | undefined {
  return TOKEN_TYPES.map((type) => view.get(type, id)).find((resource) => resource !== undefined);
}

function checked(scopes: readonly string[] | undefined): readonly Scope[] {
  if (scopes === undefined)
    throw either('say what the token may do: scopes, or the membership that it acts for');
  if (new Set(scopes).size < scopes.length) {
    throw new AnnalsError('invalid_field', 'scopes must not repeat', {
      field: '/scopes',
      got: scopes.join(', '),
    });
  }
  return scopes as readonly Scope[];
}

function either(message: string): AnnalsError {
  return new AnnalsError('invalid_field', message, { field: '/scopes' });
}
