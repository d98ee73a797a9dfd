#!/usr/bin/env node
// Where the command `annals` starts. What is compiled once is kept for the next start, in the system's folder for
// temporary files; what is imported before that is asked for would be compiled each time, so it is a file of its own.
// It is JavaScript, because this one file would need Node's TypeScript compiler at each start: 20 ms, and 17 MiB for good.

import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./program.ts');
