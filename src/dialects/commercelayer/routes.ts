// The Commerce Layer dialect: the Provisioning API, with its Versions, under /api.

import type { Dialect } from '../dialect.ts';
import { describeNamed, describeResources } from './describe-resources.ts';
import { notFound, sendDocument } from './errors.ts';
import { frame, HIDDEN, type Limits, refuseOthers } from './json-api.ts';
import { registerResources } from './resource-routes.ts';
import { registerVersions } from './version-routes.ts';

export const commercelayer: Dialect = makeCommercelayer();

export function makeCommercelayer(limits?: Limits): Dialect {
  return async (app, annals) => {
    await app.register(
      async (api) => {
        frame(api, annals.now, limits);
        registerVersions(api, annals);
        registerResources(api, annals);
        for (const url of ['/public/resources', '/public/resources/:name']) refuseOthers(api, url, ['GET']);
        api.get('/public/resources', HIDDEN, (_request, reply) => sendDocument(reply, describeResources()));
        api.get<{ Params: { name: string } }>('/public/resources/:name', HIDDEN, (request, reply) => {
          const described = describeNamed(request.params.name);
          if (described === undefined) throw notFound();
          return sendDocument(reply, described);
        });
      },
      { prefix: '/api' },
    );
  };
}
