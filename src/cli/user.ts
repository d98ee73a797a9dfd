// `annals user`: who belongs to an organization, each a membership with a role.

import { type Command, Option } from 'commander';
import { ACCESS_SCOPES } from '../directory/types/memberships.ts';
import { makeClient } from './client.ts';
import { CliError, EXIT } from './exit.ts';
import { findMember, findRole, listPath, type Member, organizationOf, organizationRef } from './lookup.ts';
import { addExamples, addServerOptions, type Options } from './options.ts';
import { factsText, instantText, plain, print, printJson, style, tableText } from './output.ts';
import { create, getAll, pathOf, remove, update } from './provisioning.ts';
import { rightsOf, rightsText, verbsBySubject } from './rights.ts';

const NAMED = 'the e-mail address, or the id of the membership';
const ROLE = 'what they may do: the name or id of a role, or admin, or read_only';

export function addUser(program: Command): void {
  const group = program
    .command('user')
    .description('Invite, list, change and remove the users of an organization');
  addInvite(group);
  addList(group);
  addShow(group);
  addUpdate(group);
  addRemove(group);
  addResend(group);
  addToken(group);
}

function accessOption(): Option {
  return new Option('--access <scope>', 'what they see of applications').choices(ACCESS_SCOPES);
}

function addInvite(group: Command): void {
  const command = group.command('invite').description('Make someone a member; pending until they first come');
  command.argument('<email>', 'their e-mail address');
  command.requiredOption('--role <role>', ROLE);
  command.addOption(accessOption());
  addServerOptions(command);
  addExamples(command, [
    'annals user invite ada@example.com --role admin',
    'annals user invite bob@example.com --role Auditor --organization acme',
  ]);
  command.action(async (email: string, options: Options) => {
    const client = makeClient(options);
    const organization = await organizationOf(client);
    const role = await findRole(client, String(options.role));
    const attributes = { user_email: email, access_scope: options.access };
    const made = await create<Member>(client, 'memberships', attributes, {
      organization: organizationRef(organization),
      role,
    });
    if (options.json === true) return printJson({ ...made, role });
    const { user_email, status, id } = made;
    return print(
      `${plain(user_email)} is a member of ${organization.slug} in the role ${plain(role.name)}, ${status}, with the id ${id}`,
    );
  });
}

function addList(group: Command): void {
  const command = group.command('list').description('List the users');
  command.addOption(new Option('--status <status>', 'only these').choices(['pending', 'active']));
  command.option('--role <role>', 'only those in this role');
  addServerOptions(command);
  addExamples(command, ['annals user list', 'annals user list --status pending --role admin']);
  command.action(async (options: Options) => {
    const client = makeClient(options);
    const path =
      typeof options.role === 'string'
        ? pathOf(await findRole(client, options.role), '/memberships')
        : await listPath(client, 'memberships');
    const status = options.status === undefined ? {} : { 'filter[q][status_eq]': String(options.status) };
    const members = await getAll<Member>(client, path, { include: 'role', ...status });
    if (options.json === true) return printJson(members);
    if (members.length === 0) return print('there are no such users');
    const rows = members.map(({ user_email, role, status, owner, id }) => [
      user_email,
      role.name,
      status,
      owner ? 'yes' : '-',
      id,
    ]);
    return print(tableText(['email', 'role', 'status', 'owner', 'id'], rows));
  });
}

function addShow(group: Command): void {
  const command = group.command('show').description('Show a user, and what their role allows');
  command.argument('<user>', NAMED);
  addServerOptions(command);
  addExamples(command, ['annals user show ada@example.com', 'annals user show dir_PzdJhdLdYV']);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const member = await findMember(client, named);
    const rights = await rightsOf(client, member.role);
    if (options.json === true) return printJson({ ...member, rights: verbsBySubject(rights) });
    const name = [member.user_first_name, member.user_last_name].filter((part) => part !== null).join(' ');
    const facts = factsText([
      ['email', plain(member.user_email)],
      ['name', name === '' ? undefined : plain(name)],
      ['id', member.id],
      ['role', plain(member.role.name)],
      ['status', member.status],
      ['owner', member.owner ? 'yes' : 'no'],
      ['access', member.access_scope ?? undefined],
      ['invited', instantText(member.created_at)],
    ]);
    return print(`${facts}\n\n${rightsText(rights)}`);
  });
}

function addUpdate(group: Command): void {
  const command = group.command('update').description('Give a user another role');
  command.argument('<user>', NAMED);
  command.option('--role <role>', ROLE);
  command.addOption(accessOption());
  addServerOptions(command);
  addExamples(command, ['annals user update ada@example.com --role Auditor']);
  command.action(async (named: string, options: Options) => {
    if (options.role === undefined && options.access === undefined) {
      throw new CliError(EXIT.usage, 'say what changes: --role, --access or both');
    }
    const client = makeClient(options);
    const member = await findMember(client, named);
    const role = options.role === undefined ? undefined : await findRole(client, String(options.role));
    const changed = await update<Member>(client, member, { access_scope: options.access }, { role });
    const now = role ?? member.role;
    if (options.json === true) return printJson({ ...changed, role: now });
    return print(`${plain(changed.user_email)} has the role ${plain(now.name)} and ${changed.access_scope}`);
  });
}

function addRemove(group: Command): void {
  const command = group
    .command('remove')
    .description('Remove a user, with their personal access tokens; refused from then on');
  command.argument('<user>', NAMED);
  addServerOptions(command);
  addExamples(command, ['annals user remove ada@example.com']);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const member = await findMember(client, named);
    await remove(client, member);
    if (options.json === true) return printJson({ id: member.id, removed: true });
    return print(`${plain(member.user_email)} is a member no more`);
  });
}

function addResend(group: Command): void {
  const command = group
    .command('resend')
    .description('Say in the log that an invitation is to be sent again');
  command.argument('<user>', NAMED);
  addServerOptions(command);
  addExamples(command, ['annals user resend ada@example.com']);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const member = await findMember(client, named);
    await client.send<undefined>('POST', pathOf(member, '/resend'), { data: {} });
    if (options.json === true) return printJson({ id: member.id, resent: true });
    return print(`the invitation of ${plain(member.user_email)} is to be sent again`);
  });
}

function addToken(group: Command): void {
  const command = group
    .command('token')
    .description('Make a personal access token, with which a user acts; its secret is shown once');
  command.argument('<user>', NAMED);
  command.requiredOption('--name <name>', 'what it is for');
  addServerOptions(command);
  addExamples(command, [
    'annals user token ada@example.com --name laptop',
    'annals user token ada@example.com --name ci --json | jq -r .secret',
  ]);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const member = await findMember(client, named);
    const made = await client.send<{ id: string; name: string; secret: string }>('POST', '/v1/tokens', {
      name: options.name,
      membership: member.id,
    });
    if (options.json === true) return printJson(made);
    const about = `the token "${plain(made.name)}" (${made.id}) acts for ${plain(member.user_email)}`;
    return print(`${made.secret}\n${style('dim', `shown this once; ${about}`)}`);
  });
}
