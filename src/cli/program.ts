// The command `annals`: one file a command. Whatever a command throws becomes one line and an exit code here.

import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { CliError, exitCodeOf } from './exit.ts';
import { plain } from './output.ts';

/** In the order of the help text. */
const COMMANDS: ReadonlyMap<string, () => Promise<(program: Command) => void>> = new Map([
  ['serve', async () => (await import('./serve.ts')).addServe],
  ['import', async () => (await import('./import.ts')).addImport],
  ['export', async () => (await import('./export.ts')).addExport],
  ['history', async () => (await import('./history.ts')).addHistory],
  ['show', async () => (await import('./show.ts')).addShow],
  ['state', async () => (await import('./state.ts')).addState],
  ['head', async () => (await import('./head.ts')).addHead],
  ['verify', async () => (await import('./verify.ts')).addVerify],
  ['backup', async () => (await import('./backup.ts')).addBackup],
  ['copy', async () => (await import('./copy.ts')).addCopy],
  ['database', async () => (await import('./database.ts')).addDatabase],
  ['organization', async () => (await import('./organization.ts')).addOrganization],
  ['user', async () => (await import('./user.ts')).addUser],
  ['role', async () => (await import('./role.ts')).addRole],
  ['credential', async () => (await import('./credential.ts')).addCredential],
  ['token', async () => (await import('./token.ts')).addToken],
]);

const program = new Command('annals')
  .description('A change-history server: who changed what, when, from what to what')
  .version(VERSION, '-V, --version')
  // So that a command may have a --version of its own.
  .enablePositionalOptions()
  .showHelpAfterError('(--help says more)')
  .exitOverride()
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 usage, 3 no server, 4 refused, 5 not found (docs/reference/cli.md)',
  );

// A command that is named first needs none of the others; the help text, and a name that is unknown, need all.
const named = COMMANDS.get(process.argv[2] ?? '');
for (const load of named === undefined ? COMMANDS.values() : [named]) {
  const add = await load();
  add(program);
}

/** Such as `annals token list`; known once its action runs. */
let running = 'annals';
let isJson = false;
program.hook('preAction', (_, command) => {
  running = nameOf(command);
  isJson = command.opts().json === true;
});

// Whoever reads has seen enough, as in `annals export | head`: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  // Commander has said what was wrong already.
  if (!(error instanceof CommanderError)) process.stderr.write(`${errorText(error as Error)}\n`);
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function errorText(error: Error): string {
  const code = error instanceof CliError ? error.code : undefined;
  if (isJson) return JSON.stringify({ error: { exitCode: exitCodeOf(error), code, message: error.message } });
  const lines = error instanceof CliError ? error.lines : [error.message];
  return lines.map((line) => `${running}: ${plain(line)}`).join('\n');
}
