// `annals head`: size and root of a log.

import type { Command } from 'commander';
import { makeClient } from './client.ts';
import { addExamples, addServerOptions, type Options } from './options.ts';
import { factsText, numberText, print, printJson } from './output.ts';

export function addHead(program: Command): void {
  const command = program.command('head').description("Show the log's size and Merkle root");
  addServerOptions(command);
  addExamples(command, ['annals head', 'annals head --organization acme --json']);
  command.action(async (options: Options) => {
    const head = await makeClient(options).get<{ size: number; rootHash: string }>('/v1/head');
    if (options.json === true) return printJson(head);
    return print(
      factsText([
        ['size', numberText(head.size)],
        ['root hash', head.rootHash],
      ]),
    );
  });
}
