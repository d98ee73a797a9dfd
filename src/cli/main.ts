#!/usr/bin/env node
// Where the command `annals` starts. What is compiled once is kept for the next start, in the system's folder for
// temporary files; what is imported before that is asked for would be compiled each time, so it is a file of its own.

import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./program.ts');
