// The pages of the OpenAPI document: an application of its own, which never listens. The server hands requests over to
// it, so that nothing of it is loaded before somebody reads the document.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { VERSION } from '../version.ts';

const DESCRIPTION = `Who changed what, when, from what to what.

Send \`Authorization: Bearer <token>\`. Errors are problem details (RFC 9457) with a stable \`code\`. Lists answer
\`{"data": [...], "next": cursor or null}\`. An organization other than the token's own is chosen with the header
\`annals-organization\` (id or slug). \`Idempotency-Key\` is honoured on every write.`;

/**
 * @param app one that has no routes yet
 * @param described the routes of the server that are to be in the document
 */
export async function makePages(
  app: FastifyInstance,
  described: readonly RouteOptions[],
): Promise<FastifyInstance> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Annals', version: VERSION, description: DESCRIPTION, license: { name: 'Apache-2.0' } },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      tags: [
        { name: 'native', description: 'The native API' },
        { name: 'operation', description: 'For those who run the server; no token is needed' },
      ],
    },
    hideUntagged: true,
  });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'list' } });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  // They are described here and answered elsewhere.
  for (const { method, url, schema = {} } of described) {
    app.route({ method, url, schema, handler: (_request, reply) => reply.callNotFound() });
  }
  await app.ready();
  return app;
}
