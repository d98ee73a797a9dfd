// Liveness and readiness.

import type { FastifyInstance } from 'fastify';

export interface HealthMeans {
  isStopping(): boolean;
  ping(): Promise<void>;
}

export function registerHealth(app: FastifyInstance, { isStopping, ping }: HealthMeans): void {
  app.get('/healthz', { schema: { hide: true } }, () => ({ status: 'ok' }));
  app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    if (isStopping()) return reply.code(503).send({ status: 'stopping' });
    try {
      await ping();
      return { status: 'ready' };
    } catch {
      return reply.code(503).send({ status: 'the database does not answer' });
    }
  });
}
