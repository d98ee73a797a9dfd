// `annals credential`: what applications prove themselves with, each in a role.

import type { Command } from 'commander';
import { makeClient } from './client.ts';
import {
  type Credential,
  findCredential,
  findRole,
  listPath,
  organizationOf,
  organizationRef,
} from './lookup.ts';
import { addExamples, addServerOptions, countOf, type Options } from './options.ts';
import { durationText, factsText, instantText, plain, print, printJson, style, tableText } from './output.ts';
import { create, getAll, remove, update } from './provisioning.ts';

const NAMED = 'its name or id';
/** Seconds for which an access token is good where a credential does not say. */
const DEFAULT_EXPIRES_IN = 7_200;

export function addCredential(program: Command): void {
  const group = program
    .command('credential')
    .description('Make, list and revoke the credentials of applications');
  addCreate(group);
  addList(group);
  addShow(group);
  addUpdate(group);
  addRevoke(group);
}

function addCreate(group: Command): void {
  const command = group.command('create').description('Make a credential; its secret is shown once');
  command.argument('<name>', 'the application, or what it is for');
  command.requiredOption('--role <role>', 'what it may do: the name or id of a role');
  command.option('--kind <kind>', 'of the application', 'integration');
  command.option(
    '--expires-in <seconds>',
    `for how long its access tokens are good (default: ${DEFAULT_EXPIRES_IN}; a sales_channel's: 14400)`,
  );
  addServerOptions(command);
  addExamples(command, [
    'annals credential create shop --role Writer',
    'annals credential create shop --role Writer --expires-in 86400',
    'annals credential create shop --role Writer --json | jq -r .client_secret',
  ]);
  command.action(async (name: string, options: Options) => {
    const expires_in =
      typeof options.expiresIn === 'string' ? countOf('--expires-in', options.expiresIn) : undefined;
    const client = makeClient(options);
    const organization = organizationRef(await organizationOf(client));
    const role = await findRole(client, String(options.role));
    const made = await create<Credential>(
      client,
      'api_credentials',
      { name, kind: options.kind, expires_in },
      { organization, role },
    );
    if (options.json === true) return printJson({ ...made, role });
    const facts = factsText([
      ['client id', made.client_id],
      ['client secret', made.client_secret ?? undefined],
    ]);
    const about = `the credential "${plain(made.name)}" acts in the role ${plain(role.name)}`;
    return print(
      `${facts}\n${style('dim', `shown this once; ${about}`)}\n\n${exchangeText(client.url, made)}`,
    );
  });
}

/** How the id and the secret are exchanged for an access token. */
function exchangeText(url: string, { client_id, client_secret, expires_in }: Credential): string {
  const body = JSON.stringify({ grant_type: 'client_credentials', client_id, client_secret });
  const good = durationText(expires_in ?? DEFAULT_EXPIRES_IN);
  return `An access token that is good for ${good}:\n  curl ${url}/oauth/token -H 'content-type: application/json' -d '${body}'`;
}

function addList(group: Command): void {
  const command = group.command('list').description('List the credentials');
  addServerOptions(command);
  addExamples(command, ['annals credential list', 'annals credential list --organization acme']);
  command.action(async (options: Options) => {
    const client = makeClient(options);
    const path = await listPath(client, 'api_credentials');
    const credentials = await getAll<Credential>(client, path, { include: 'role' });
    if (options.json === true) return printJson(credentials);
    if (credentials.length === 0) return print('there are no credentials');
    const rows = credentials.map((credential) => [
      credential.name,
      credential.kind,
      mayText(credential),
      instantText(credential.created_at),
      credential.id,
    ]);
    return print(tableText(['name', 'kind', 'role or scopes', 'created', 'id'], rows));
  });
}

/** Tokens of `annals token` have scopes instead of a role. */
function mayText({ role, scopes }: Credential): string {
  return scopes === null ? (role?.name ?? '-') : scopes.replaceAll(' ', ', ');
}

function addShow(group: Command): void {
  const command = group.command('show').description('Show a credential, without its secret');
  command.argument('<credential>', NAMED);
  addServerOptions(command);
  addExamples(command, ['annals credential show shop']);
  command.action(async (named: string, options: Options) => {
    const credential = await findCredential(makeClient(options), named);
    if (options.json === true) return printJson(credential);
    const { role, scopes } = credential;
    return print(
      factsText([
        ['name', plain(credential.name)],
        ['kind', plain(credential.kind)],
        ['client id', credential.client_id],
        ['role', role == null ? undefined : plain(role.name)],
        ['scopes', scopes?.replaceAll(' ', ', ')],
        ['good for', durationText(credential.expires_in ?? DEFAULT_EXPIRES_IN)],
        ['created', instantText(credential.created_at)],
      ]),
    );
  });
}

function addUpdate(group: Command): void {
  const command = group.command('update').description('Give a credential another role');
  command.argument('<credential>', NAMED);
  command.requiredOption('--role <role>', 'what it may do from then on: the name or id of a role');
  addServerOptions(command);
  addExamples(command, ['annals credential update shop --role Reader']);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const credential = await findCredential(client, named);
    const role = await findRole(client, String(options.role));
    const changed = await update<Credential>(client, credential, {}, { role });
    if (options.json === true) return printJson({ ...changed, role });
    return print(`The credential ${plain(changed.name)} has the role ${plain(role.name)}`);
  });
}

function addRevoke(group: Command): void {
  const command = group.command('revoke').description('Revoke a credential; it is refused from then on');
  command.argument('<credential>', NAMED);
  addServerOptions(command);
  addExamples(command, ['annals credential revoke dir_PzdJhdLdYV']);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const credential = await findCredential(client, named);
    await remove(client, credential);
    if (options.json === true) return printJson({ id: credential.id, revoked: true });
    return print(`the credential ${plain(credential.name)} (${credential.id}) is revoked`);
  });
}
