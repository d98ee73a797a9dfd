// The native dialect: its routes.

import type { FastifyRequest } from 'fastify';
import { checkCoding } from '../../http/bodies.ts';
import type { Dialect } from '../dialect.ts';
import { registerChanges } from './changes.ts';
import { registerInstallation } from './installation.ts';
import { registerResources } from './resources.ts';

export const native: Dialect = (app, annals) => {
  app.addContentTypeParser('application/x-ndjson', async (request: FastifyRequest, lines: unknown) => {
    checkCoding(request);
    return lines;
  });
  registerChanges(app, annals);
  registerResources(app, annals);
  registerInstallation(app, annals);
};
