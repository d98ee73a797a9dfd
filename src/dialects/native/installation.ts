// /v1/head, /v1/organizations and /v1/tokens.

import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { AnnalsError } from '../../core/errors.ts';
import type { Scope } from '../../directory/directory.ts';
import { normaliseBody } from '../../ingest/normalise.ts';
import type { Annals } from '../dialect.ts';
import { describe } from './describe.ts';
import { ask } from './from-wire.ts';
import { toHead, toOrganization, toToken } from './to-wire.ts';
import { HeadWire, IdParams, listOf, NewTokenWire, OrganizationWire, TokenWire } from './wire.ts';

const NewOrganization = Type.Object(
  { slug: Type.String({ description: '1 to 63 of a-z, 0-9 and -' }), name: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
const NewToken = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    scopes: Type.Array(Type.Enum(['read', 'write']), { minItems: 1, maxItems: 2 }),
  },
  { additionalProperties: false },
);

export function registerInstallation(app: FastifyInstance, annals: Annals): void {
  const { directory } = annals;

  app.get(
    '/v1/head',
    describe('Size and Merkle root of the log', { response: { 200: HeadWire } }),
    async (request) => {
      const { organization } = await ask(annals, request, 'read');
      return toHead(await annals.read.head(organization.id));
    },
  );

  app.get(
    '/v1/organizations',
    describe('List the organizations that the token may use', {
      response: { 200: listOf(OrganizationWire) },
    }),
    async (request) => {
      const { caller, organization } = await ask(annals, request, 'read');
      const seen = caller.isRoot ? await directory.organizations() : [organization];
      return { data: seen.map(toOrganization), next: null };
    },
  );

  app.post(
    '/v1/organizations',
    describe('Make an organization (root token)', {
      body: NewOrganization,
      response: { 201: OrganizationWire },
    }),
    async (request, reply) => {
      await ask(annals, request, 'root');
      const made = await directory.createOrganization(normaliseBody(NewOrganization, request.body));
      reply.code(201);
      return toOrganization(made);
    },
  );

  app.get<{ Params: IdParams }>(
    '/v1/organizations/:id',
    describe('Read an organization by id or slug', { params: IdParams, response: { 200: OrganizationWire } }),
    async (request) => {
      const { caller } = await ask(annals, request, 'read');
      return toOrganization(await annals.access.organization(caller, request.params.id));
    },
  );

  app.get(
    '/v1/tokens',
    describe("List the organization's tokens (root token)", { response: { 200: listOf(TokenWire) } }),
    async (request) => {
      const { organization } = await ask(annals, request, 'root');
      return { data: (await directory.tokens(organization.id)).map(toToken), next: null };
    },
  );

  app.post(
    '/v1/tokens',
    describe('Make a token (root token); its secret is in this answer alone', {
      body: NewToken,
      response: { 201: NewTokenWire },
    }),
    async (request, reply) => {
      const { organization } = await ask(annals, request, 'root');
      const { name, scopes } = normaliseBody(NewToken, request.body);
      if (new Set(scopes).size < scopes.length) {
        throw new AnnalsError('invalid_field', 'scopes must not repeat', {
          field: '/scopes',
          got: scopes.join(', '),
        });
      }
      const made = await directory.createToken(organization.id, { name, scopes: scopes as Scope[] });
      reply.code(201).header('cache-control', 'no-store');
      return { ...toToken(made), secret: made.secret };
    },
  );

  app.delete<{ Params: IdParams }>(
    '/v1/tokens/:id',
    describe('Revoke a token (root token)', { params: IdParams, response: { 204: Type.Null() } }),
    async (request, reply) => {
      const { organization } = await ask(annals, request, 'root');
      await directory.revokeToken(organization.id, request.params.id);
      annals.access.forget();
      return reply.code(204).send();
    },
  );
}
