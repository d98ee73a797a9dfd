// Liveness and readiness.

import type { FastifyInstance, FastifySchema } from 'fastify';

/** @param ping resolves when the store answers; a server that stops refuses these as any other request */
export function registerHealth(app: FastifyInstance, ping: () => Promise<void>): void {
  app.get('/healthz', described('Liveness: the server runs'), () => ({ status: 'ok' }));
  app.get(
    '/readyz',
    described('Readiness: the database answers, and the server is not stopping', 503),
    async (_request, reply) => {
      try {
        await ping();
        return { status: 'ready' };
      } catch {
        return reply.code(503).send({ status: 'the database does not answer' });
      }
    },
  );
}

/** @param otherwise the status where it is not as it should be */
function described(summary: string, ...otherwise: number[]): { schema: FastifySchema } {
  const status = { type: 'object', required: ['status'], properties: { status: { type: 'string' } } };
  const response = Object.fromEntries([200, ...otherwise].map((code) => [code, status]));
  return { schema: { summary, tags: ['operation'], response } };
}
