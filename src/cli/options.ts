// Flags that several commands share. A flag that has an environment variable overrides it, and only
// `config.ts` reads either.

import type { Command } from 'commander';
import type { Environment } from '../config.ts';
import type { ResourceRef } from '../core/entry.ts';
import { CliError, EXIT } from './exit.ts';

/** By the name under which commander hands the flag over: the variable, the flag, what it says. */
const SETTINGS = {
  host: ['ANNALS_HOST', '--host <address>', 'address to listen on (default: 127.0.0.1)'],
  port: ['ANNALS_PORT', '--port <number>', 'port to listen on (default: 8700)'],
  databaseUrl: [
    'ANNALS_DATABASE_URL',
    '--database-url <url>',
    'sqlite:<file>, postgres://… or memory: (default: sqlite:./data/annals.db)',
  ],
  rootToken: ['ANNALS_ROOT_TOKEN', '--root-token <token>', 'the root token (else made on the first start)'],
  logLevel: [
    'ANNALS_LOG_LEVEL',
    '--log-level <level>',
    'fatal, error, warn, info, debug, trace or silent (default: info)',
  ],
  tlsCert: ['ANNALS_TLS_CERT', '--tls-cert <file>', 'certificate to serve with, PEM (default: cleartext)'],
  tlsKey: ['ANNALS_TLS_KEY', '--tls-key <file>', 'key of the certificate, PEM'],
  zitadelMaxChanges: [
    'ANNALS_ZITADEL_MAX_CHANGES',
    '--zitadel-max-changes <number>',
    'the most entries of one answer to a Zitadel client (default: 1000)',
  ],
  url: ['ANNALS_URL', '--url <url>', 'the server (default: http://127.0.0.1:8700)'],
  token: [
    'ANNALS_TOKEN',
    '--token <token>',
    'the token (default, on the machine of the server: its root token)',
  ],
  organization: [
    'ANNALS_ORGANIZATION',
    '--organization <id or slug>',
    "the organization (default: the token's own)",
  ],
} as const;

type Setting = keyof typeof SETTINGS;

/** The flags of a command as commander hands them over. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

export function addSettings(command: Command, ...settings: Setting[]): Command {
  for (const setting of settings) {
    const [variable, flag, text] = SETTINGS[setting];
    command.option(flag, `${text}; environment: ${variable}`);
  }
  return command;
}

/** A command that asks the server. */
export function addServerOptions(command: Command): Command {
  return addJson(addSettings(command, 'url', 'token', 'organization'));
}

export function addJson(command: Command): Command {
  return command.option('--json', 'print JSON, for programs');
}

/** The flags that were given, under the names of the environment. */
export function settingsOf(options: Options): Environment {
  const given = Object.entries(SETTINGS).flatMap(([name, [variable]]) => {
    const value = options[name];
    return typeof value === 'string' ? [[variable, value]] : [];
  });
  return Object.fromEntries(given) as Environment;
}

/** A description for a command's help, which wraps each paragraph to the terminal. */
export function paragraphs(...texts: string[]): string {
  return texts.join('\n\n');
}

/** Adds examples behind a command's help. */
export function addExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}`);
}

/** What an `export` or `history` may be narrowed to; names and meanings are those of the API. */
const FILTERS = {
  related: ['--related <type/id>', 'changes that concern this resource as well'],
  type: ['--type <type>', 'changes of resources of this type'],
  actor: ['--actor <id>', 'changes by this actor'],
  action: ['--action <action>', 'only create, update, delete or access'],
  event: ['--event <name>', 'changes with this event'],
  ip: ['--ip <address>', 'changes from this IP address'],
  changed: ['--changed <attribute>', 'changes of this top-level attribute'],
  since: ['--since <instant>', 'changes that occurred at or after this instant, RFC 3339'],
  until: ['--until <instant>', 'changes that occurred before this instant, RFC 3339'],
} as const;

export function addFilters(command: Command): Command {
  for (const [flag, text] of Object.values(FILTERS)) command.option(flag, text);
  return command;
}

/** The filters that were given, as parameters of the API. */
export function filtersOf(options: Options): Record<string, string> {
  const given = Object.keys(FILTERS).flatMap((name) => {
    const value = options[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** `type/id`; an id may contain slashes, a type none. */
export function refOf(text: string): ResourceRef {
  const slash = text.indexOf('/');
  if (slash > 0 && slash < text.length - 1) return { type: text.slice(0, slash), id: text.slice(slash + 1) };
  throw new CliError(
    EXIT.usage,
    `a resource is written TYPE/ID, such as countries/CHE, got ${JSON.stringify(text)}`,
  );
}

/** A flag that takes a whole number from 1 on. */
export function countOf(flag: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
  throw new CliError(EXIT.usage, `${flag} must be a whole number from 1 on, got ${JSON.stringify(text)}`);
}
