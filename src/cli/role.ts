// `annals role`: what users and credentials may do. A role of one's own has a permission for each subject.

import { Argument, type Command } from 'commander';
import { SUBJECTS, VERBS, type Verb } from '../directory/subjects.ts';
import { type Client, makeClient } from './client.ts';
import { CliError, EXIT } from './exit.ts';
import { findRole, listPath, organizationOf, organizationRef, type Role } from './lookup.ts';
import { addExamples, addServerOptions, type Options } from './options.ts';
import { factsText, instantText, plain, print, printJson, tableText } from './output.ts';
import { create, getAll, update } from './provisioning.ts';
import {
  type Flags,
  type Permission,
  permissionsOf,
  rightsOf,
  rightsText,
  verbsBySubject,
  verbsOf,
} from './rights.ts';

const NAMED = 'its name or id';

export function addRole(program: Command): void {
  const group = program.command('role').description('Make roles, and say what they allow');
  addCreate(group);
  addList(group);
  addShow(group);
  addRename(group);
  addAllow(group);
  addDeny(group);
}

function addCreate(group: Command): void {
  const command = group.command('create').description('Make a role, which allows nothing yet');
  command.argument('<name>', 'what people call it');
  addServerOptions(command);
  addExamples(command, ['annals role create Auditor', 'annals role create Auditor --organization acme']);
  command.action(async (name: string, options: Options) => {
    const client = makeClient(options);
    const organization = organizationRef(await organizationOf(client));
    const made = await create<Role>(client, 'roles', { name }, { organization });
    if (options.json === true) return printJson(made);
    return print(`The role ${plain(made.name)} has the id ${made.id}; it allows nothing yet`);
  });
}

function addList(group: Command): void {
  const command = group.command('list').description('List the roles');
  addServerOptions(command);
  addExamples(command, ['annals role list', 'annals role list --json | jq -r .[].name']);
  command.action(async (options: Options) => {
    const client = makeClient(options);
    const roles = await getAll<Role>(client, await listPath(client, 'roles'));
    if (options.json === true) return printJson(roles);
    const rows = roles.map(({ name, kind, created_at, id }) => [name, kind, instantText(created_at), id]);
    return print(tableText(['name', 'kind', 'created', 'id'], rows));
  });
}

function addShow(group: Command): void {
  const command = group.command('show').description('Show what a role allows');
  command.argument('<role>', NAMED);
  addServerOptions(command);
  addExamples(command, ['annals role show Auditor', 'annals role show read_only --json']);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const role = await findRole(client, named);
    const rights = await rightsOf(client, role);
    if (options.json === true) return printJson({ ...role, rights: verbsBySubject(rights) });
    const facts = factsText([
      ['role', plain(role.name)],
      ['kind', role.kind],
      ['id', role.id],
    ]);
    return print(`${facts}\n\n${rightsText(rights)}`);
  });
}

function addRename(group: Command): void {
  const command = group.command('rename').description('Give a role another name');
  command.argument('<role>', NAMED);
  command.requiredOption('--to <name>', 'what people call it from then on');
  addServerOptions(command);
  addExamples(command, ['annals role rename Auditor --to Examiner']);
  command.action(async (named: string, options: Options) => {
    const client = makeClient(options);
    const role = await findRole(client, named);
    const changed = await update<Role>(client, role, { name: String(options.to) });
    if (options.json === true) return printJson(changed);
    return print(`The role ${plain(role.name)} is called ${plain(changed.name)}`);
  });
}

function addAllow(group: Command): void {
  const command = group.command('allow').description('Let a role do more with a subject');
  addRight(command, true);
  addExamples(command, [
    'annals role allow Auditor changes read',
    'annals role allow Auditor resources create update',
    'annals role allow Auditor versions all',
  ]);
}

function addDeny(group: Command): void {
  const command = group.command('deny').description('Let a role do less with a subject');
  addRight(command, false);
  addExamples(command, ['annals role deny Auditor resources update', 'annals role deny Auditor roles all']);
}

function addRight(command: Command, isAllowed: boolean): void {
  command.argument('<role>', NAMED);
  command.addArgument(new Argument('<subject>', 'what it is about').choices(SUBJECTS));
  command.addArgument(new Argument('<verbs...>', 'what is done with it').choices([...VERBS, 'all']));
  addServerOptions(command);
  command.action(async (named: string, subject: string, words: string[], options: Options) => {
    const client = makeClient(options);
    const role = await findRole(client, named);
    refuseBuiltIn(role);
    const verbs = VERBS.filter((verb) => words.includes(verb) || words.includes('all'));
    const permission = await setVerbs(client, role, subject, verbs, isAllowed);
    if (options.json === true) return printJson(permission);
    const may = verbsOf(permission).join(', ') || 'nothing';
    return print(`The role ${plain(role.name)} allows on ${permission.subject}: ${may}`);
  });
}

/** The server refuses it as well; the person wants to know what to do instead. */
function refuseBuiltIn({ name, kind }: Role): void {
  if (kind === 'custom') return;
  const why = `the role ${JSON.stringify(name)} is built in (${kind}), and what it allows cannot be changed`;
  throw new CliError(EXIT.conflict, `${why}; make one of your own with "annals role create"`);
}

/** A role has at most one permission for a subject: it changes, or is made now. */
async function setVerbs(
  client: Client,
  role: Role,
  subject: string,
  verbs: readonly Verb[],
  isAllowed: boolean,
): Promise<Permission> {
  const flags = (of: readonly Verb[], value: boolean): Partial<Flags> =>
    Object.fromEntries(of.map((verb) => [`can_${verb}`, value]));
  const permissions = await permissionsOf(client, role);
  const permission = permissions.find((one) => one.subject === subject);
  if (permission !== undefined) return update<Permission>(client, permission, flags(verbs, isAllowed));
  return create<Permission>(
    client,
    'permissions',
    { subject, ...flags(VERBS, false), ...flags(verbs, isAllowed) },
    { role },
  );
}
