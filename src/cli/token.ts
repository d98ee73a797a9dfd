// `annals token`: the tokens of an organization.

import type { Command } from 'commander';
import { makeClient } from './client.ts';
import { CliError, EXIT } from './exit.ts';
import { addExamples, addServerOptions, type Options } from './options.ts';
import { instantText, plain, print, printJson, style, tableText } from './output.ts';

interface Token {
  id: string;
  organization: string;
  name: string;
  /** None where a role or a user decides what it may do. */
  scopes: string[];
  role?: string;
  membership?: string;
  createdAt: string;
}

export function addToken(program: Command): void {
  const group = program.command('token').description("Make, list and revoke an organization's tokens");
  addCreate(group);
  addList(group);
  addRevoke(group);
}

function addCreate(group: Command): void {
  const command = group
    .command('create')
    .description('Make a token; its secret is shown once (needs the right to create api_credentials)');
  command.argument('<name>', 'what it is for');
  command.option('--read', 'it may read');
  command.option('--write', 'it may write');
  addServerOptions(command);
  addExamples(command, [
    'annals token create website --write',
    'annals token create auditor --read --organization acme',
    'annals token create ci --read --write --json | jq -r .secret',
  ]);
  command.action(async (name: string, options: Options) => {
    const scopes = ['read', 'write'].filter((scope) => options[scope] === true);
    if (scopes.length === 0)
      throw new CliError(EXIT.usage, 'say what the token may do: --read, --write or both');
    const made = await makeClient(options).send<Token & { secret: string }>('POST', '/v1/tokens', {
      name,
      scopes,
    });
    if (options.json === true) return printJson(made);
    return print(`${made.secret}\n${style('dim', `shown this once; ${tokenText(made)}`)}`);
  });
}

function tokenText({ id, name, scopes }: Token): string {
  return `the token "${plain(name)}" (${id}) may ${scopes.join(' and ')}`;
}

function addList(group: Command): void {
  const command = group.command('list').description('List tokens (needs the right to read api_credentials)');
  addServerOptions(command);
  addExamples(command, ['annals token list', 'annals token list --organization acme']);
  command.action(async (options: Options) => {
    const { data } = await makeClient(options).get<{ data: Token[] }>('/v1/tokens');
    if (options.json === true) return printJson(data);
    if (data.length === 0) return print('there are no tokens but the root token');
    const rows = data.map((token) => [token.id, token.name, mayText(token), instantText(token.createdAt)]);
    return print(tableText(['id', 'name', 'may', 'created'], rows));
  });
}

function mayText({ scopes, role, membership }: Token): string {
  if (membership !== undefined) return `what its user ${membership} may`;
  return role === undefined ? scopes.join(', ') : `what its role ${role} may`;
}

function addRevoke(group: Command): void {
  const command = group
    .command('revoke')
    .description('Revoke a token; it is refused from then on (needs the right to destroy api_credentials)');
  command.argument('<id>', 'as `annals token list` shows it');
  addServerOptions(command);
  addExamples(command, ['annals token revoke 0199a3f0-6c1e-7d2a-8b1f-3c5d7e9f1a2b']);
  command.action(async (id: string, options: Options) => {
    await makeClient(options).send<undefined>('DELETE', `/v1/tokens/${encodeURIComponent(id)}`);
    if (options.json === true) return printJson({ id, revoked: true });
    return print(`the token ${id} is revoked`);
  });
}
