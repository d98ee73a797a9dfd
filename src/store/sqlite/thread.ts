// Where a database thread starts: with what an earlier start has compiled, like `cli/main.ts`.

import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./worker.ts');
