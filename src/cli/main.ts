#!/usr/bin/env node
// The command `annals`.

import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { addServe } from './serve.ts';

const program = new Command('annals')
  .description('A change-history server: who changed what, when, from what to what')
  .version(VERSION)
  .showHelpAfterError('(annals --help says more)');

addServe(program);

await program.parseAsync();
