// The command `annals`: one file a command. Whatever a command throws becomes one line and an exit code here.

import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { addBackup } from './backup.ts';
import { addCopy } from './copy.ts';
import { addCredential } from './credential.ts';
import { addDatabase } from './database.ts';
import { CliError, exitCodeOf } from './exit.ts';
import { addExport } from './export.ts';
import { addHead } from './head.ts';
import { addHistory } from './history.ts';
import { addImport } from './import.ts';
import { addOrganization } from './organization.ts';
import { plain } from './output.ts';
import { addRole } from './role.ts';
import { addServe } from './serve.ts';
import { addShow } from './show.ts';
import { addState } from './state.ts';
import { addToken } from './token.ts';
import { addUser } from './user.ts';
import { addVerify } from './verify.ts';

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

for (const add of [
  addServe,
  addImport,
  addExport,
  addHistory,
  addShow,
  addState,
  addHead,
  addVerify,
  addBackup,
  addCopy,
  addDatabase,
  addOrganization,
  addUser,
  addRole,
  addCredential,
  addToken,
]) {
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
