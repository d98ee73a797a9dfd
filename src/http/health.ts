// Liveness and readiness.

import type { FastifyInstance, FastifySchema } from 'fastify';

export interface HealthMeans {
  isStopping(): boolean;
  ping(): Promise<void>;
}

export function registerHealth(app: FastifyInstance, { isStopping, ping }: HealthMeans): void {
  app.get('/healthz', described('Liveness: the server runs'), () => ({ status: 'ok' }));
  app.get(
    '/readyz',
    described('Readiness: the database answers, and the server is not stopping', 503),
    async (_request, reply) => {
      if (isStopping()) return reply.code(503).send({ status: 'stopping' });
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
