// `annals organization`: the organizations of an installation.

import type { Command } from 'commander';
import { makeClient } from './client.ts';
import { CliError, EXIT } from './exit.ts';
import { type Organization, organizationOf, organizationRef } from './lookup.ts';
import { addExamples, addServerOptions, type Options } from './options.ts';
import { factsText, instantText, plain, print, printJson, tableText } from './output.ts';
import { type Flat, getOne, pathOf, update } from './provisioning.ts';

/** As the Provisioning API has it; the settings are left to `--json`. */
interface Details extends Flat {
  name: string;
  slug: string;
  domain: string | null;
  support_email: string | null;
  support_phone: string | null;
  region: string | null;
  created_at: string;
  updated_at: string;
}

export function addOrganization(program: Command): void {
  const group = program.command('organization').description('Make, list and change organizations');
  addCreate(group);
  addList(group);
  addShow(group);
  addUpdate(group);
  addTransfer(group);
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

function addShow(group: Command): void {
  const command = group.command('show').description('Show an organization');
  command.argument('[organization]', "its slug or id (default: --organization, else the token's own)");
  addServerOptions(command);
  addExamples(command, ['annals organization show', 'annals organization show acme --json']);
  command.action(async (named: string | undefined, options: Options) => {
    const client = makeClient(options);
    const organization = organizationRef(await organizationOf(client, named ?? client.organization));
    const shown = await getOne<Details>(client, pathOf(organization));
    if (options.json === true) return printJson(shown);
    const text = (value: string | null): string | undefined => (value === null ? undefined : plain(value));
    return print(
      factsText([
        ['id', shown.id],
        ['slug', shown.slug],
        ['name', plain(shown.name)],
        ['domain', text(shown.domain)],
        ['support email', text(shown.support_email)],
        ['support phone', text(shown.support_phone)],
        ['region', text(shown.region)],
        ['created', instantText(shown.created_at)],
        ['updated', instantText(shown.updated_at)],
      ]),
    );
  });
}

function addUpdate(group: Command): void {
  const command = group.command('update').description('Change an organization (--organization says which)');
  command.option('--name <name>', 'what people call it');
  command.option('--support-email <email>', 'where its people get help; "" takes it away');
  command.option('--support-phone <number>', 'the same by telephone');
  addServerOptions(command);
  addExamples(command, ['annals organization update --name "Acme GmbH" --support-email help@acme.example']);
  command.action(async (options: Options) => {
    const wanted = {
      name: options.name,
      support_email: orNull(options.supportEmail),
      support_phone: orNull(options.supportPhone),
    };
    if (Object.values(wanted).every((value) => value === undefined)) {
      throw new CliError(EXIT.usage, 'say what changes: --name, --support-email or --support-phone');
    }
    const client = makeClient(options);
    const organization = organizationRef(await organizationOf(client));
    const changed = await update<Details>(client, organization, wanted);
    if (options.json === true) return printJson(changed);
    return print(`Organization ${changed.slug} (${plain(changed.name)}) is changed`);
  });
}

function orNull(value: Options[string]): string | null | undefined {
  return value === '' ? null : (value as string | undefined);
}

function addTransfer(group: Command): void {
  const command = group.command('transfer').description('Make another active user the owner');
  command.argument('<email>', 'the e-mail address of the new owner, who becomes an admin');
  addServerOptions(command);
  addExamples(command, ['annals organization transfer ada@example.com --organization acme']);
  command.action(async (email: string, options: Options) => {
    const client = makeClient(options);
    const organization = await organizationOf(client);
    const { type, id } = organizationRef(organization);
    const data = { type, id, attributes: { new_owner_email: email } };
    await client.send<undefined>('PATCH', pathOf({ type, id }, '/transfer_ownership'), { data });
    if (options.json === true) return printJson({ id, owner: email });
    return print(`Organization ${organization.slug} is owned by ${plain(email)}`);
  });
}
