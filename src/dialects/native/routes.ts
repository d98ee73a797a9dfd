// The native dialect: its routes.

import type { Dialect } from '../dialect.ts';
import { registerChanges } from './changes.ts';
import { registerInstallation } from './installation.ts';
import { registerResources } from './resources.ts';

export const native: Dialect = (app, annals) => {
  app.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload));
  registerChanges(app, annals);
  registerResources(app, annals);
  registerInstallation(app, annals);
};
