// The OpenAPI document at /openapi.json, and a page to read it at /docs. Both are made with the first request.

import type { FastifyInstance, RouteHandler, RouteOptions } from 'fastify';

const HIDDEN = { schema: { hide: true } };

/** Below /docs, as `docs-pages.ts` has them; what stands for the star is a file. */
const PAGES = ['/', '/json', '/yaml', '/static/index.html', '/static/swagger-initializer.js', '/static/*'];

/**
 * To be called before the routes that are to be described, which are those with tags.
 * @param makeApp makes the application that has the pages, without any route
 */
export function registerDocs(app: FastifyInstance, makeApp: () => FastifyInstance): void {
  const described: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD' && isTagged(route)) described.push(route);
  });
  let loading: Promise<FastifyInstance> | undefined;
  const load = (): Promise<FastifyInstance> => {
    loading ??= import('./docs-pages.ts').then(({ makePages }) => makePages(makeApp(), described));
    return loading;
  };
  const handOver: RouteHandler = async (request, reply) => {
    const pages = await load();
    reply.hijack();
    pages.routing(request.raw, reply.raw);
  };
  app.get('/openapi.json', HIDDEN, handOver);
  app.register(
    async (docs) => {
      for (const url of PAGES) docs.get(url, HIDDEN, handOver);
    },
    { prefix: '/docs' },
  );
  app.addHook('onClose', async () => (await loading)?.close());
}

function isTagged({ schema }: RouteOptions): boolean {
  return (schema as { tags?: string[] } | undefined)?.tags !== undefined;
}
