// The OpenAPI document at /openapi.json, and a page to read it at /docs.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { VERSION } from '../version.ts';

const DESCRIPTION = `Who changed what, when, from what to what.

Send \`Authorization: Bearer <token>\`. Errors are problem details (RFC 9457) with a stable \`code\`. Lists answer
\`{"data": [...], "next": cursor or null}\`. An organization other than the token's own is chosen with the header
\`annals-organization\` (id or slug). \`Idempotency-Key\` is honoured on every write.`;

export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Annals', version: VERSION, description: DESCRIPTION, license: { name: 'Apache-2.0' } },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      tags: [{ name: 'native', description: 'The native API' }],
    },
    hideUntagged: true,
  });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'list' } });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}
