// `annals state`: what a resource looked like.

import type { Command } from 'commander';
import type { Actor, Resource, State } from '../core/entry.ts';
import { makeClient, resourcePath } from './client.ts';
import { actorText } from './history.ts';
import { addExamples, addServerOptions, type Options, refOf } from './options.ts';
import { indentedJson, instantText, plain, print, printJson, style } from './output.ts';

export function addState(program: Command): void {
  const command = program
    .command('state')
    .description("Show a resource's state: the latest, at a version, or as of a moment");
  command.argument('<type/id>', 'the resource, such as countries/CHE');
  command.option('--at <instant>', 'as it was at this instant, RFC 3339');
  command.option('--known-at <instant>', 'as it was known at this instant');
  command.option('--version <number>', 'the state that this version left');
  addServerOptions(command);
  addExamples(command, [
    'annals state countries/CHE',
    'annals state countries/CHE --at 2020-01-01T00:00:00Z',
    'annals state countries/CHE --version 3 --json | jq .state',
  ]);
  command.action(async (resource: string, options: Options) => {
    const { at, knownAt, version } = options as { at?: string; knownAt?: string; version?: string };
    const answer = await makeClient(options).get<StateAnswer>(resourcePath(refOf(resource)), {
      at,
      knownAt,
      version,
    });
    if (options.json === true) await printJson(answer);
    else await print(stateText(answer));
  });
}

interface StateAnswer {
  resource: Resource;
  version: number;
  state: State;
  changedAt: string;
  changedBy: Actor;
}

function stateText({ resource, version, state, changedAt, changedBy }: StateAnswer): string {
  const title = style('bold', `${plain(resource.type)}/${plain(resource.id)}`);
  const name = resource.name === undefined ? '' : `  ${plain(resource.name)}`;
  const verb = state === null ? 'deleted' : 'left';
  const head = `${title}${name}  ${style('dim', `v${version}, ${verb} ${instantText(changedAt)} by ${actorText(changedBy)}`)}`;
  return state === null ? head : `${head}\n${indentedJson(state)}`;
}
