// Where a database thread starts: with what an earlier start has compiled, and in JavaScript, like `cli/main.js`.

import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./worker.ts');
