// `annals organization`: the organizations of an installation.

import type { Command } from 'commander';
import { makeClient } from './client.ts';
import { addExamples, addServerOptions, type Options } from './options.ts';
import { instantText, plain, print, printJson, tableText } from './output.ts';

interface Organization {
  id: string;
  slug: string;
  name: string;
  createdAt: string;
}

export function addOrganization(program: Command): void {
  const group = program.command('organization').description('Make and list organizations');
  addCreate(group);
  addList(group);
}

function addCreate(group: Command): void {
  const command = group.command('create').description('Make an organization (root token)');
  command.argument('<slug>', 'its short name: 1 to 63 of a-z, 0-9 and -');
  command.option('--name <name>', 'what people call it (default: the slug)');
  addServerOptions(command);
  addExamples(command, ['annals organization create acme --name "Acme, Inc."']);
  command.action(async (slug: string, options: Options) => {
    const name = options.name === undefined ? {} : { name: options.name };
    const made = await makeClient(options).send<Organization>('POST', '/v1/organizations', { slug, ...name });
    if (options.json === true) return printJson(made);
    return print(`Organization ${made.slug} (${plain(made.name)}) has the id ${made.id}`);
  });
}

function addList(group: Command): void {
  const command = group.command('list').description('List the organizations that the token may use');
  addServerOptions(command);
  addExamples(command, ['annals organization list']);
  command.action(async (options: Options) => {
    const { data } = await makeClient(options).get<{ data: Organization[] }>('/v1/organizations');
    if (options.json === true) return printJson(data);
    const rows = data.map(({ id, slug, name, createdAt }) => [id, slug, name, instantText(createdAt)]);
    return print(tableText(['id', 'slug', 'name', 'created'], rows));
  });
}
