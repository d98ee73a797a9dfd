// `annals serve`: the server, and what a newcomer needs to know of it.

import type { Command } from 'commander';
import { type Config, readConfig, shownUrl } from '../config.ts';
import { AnnalsError } from '../core/errors.ts';
import type { Running } from '../main.ts';
import { CliError, EXIT, reasonOf } from './exit.ts';
import { addExamples, addJson, addSettings, type Options, settingsOf } from './options.ts';
import { printLine } from './output.ts';

export function addServe(program: Command): void {
  const command = program.command('serve').description('Start the server');
  addSettings(
    command,
    'host',
    'port',
    'databaseUrl',
    'rootToken',
    'logLevel',
    'tlsCert',
    'tlsKey',
    'zitadelMaxChanges',
  );
  addJson(command);
  addExamples(command, [
    'annals serve',
    'annals serve --port 9000 --database-url sqlite:/var/lib/annals/annals.db',
  ]);
  command.action(async (options: Options) => {
    const running = await started(options);
    if (options.json === true) await printLine(factsOf(running));
    else process.stdout.write(welcome(running));
    stopOnSignal(running);
  });
}

async function started(options: Options): Promise<Running> {
  const config = readConfig(settingsOf(options));
  // Loaded here, because the other commands start faster without the server.
  const { start } = await import('../main.ts');
  return start(config).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall === 'listen') throw cannotListen(config, error);
    if (error instanceof AnnalsError && error.cause !== undefined) {
      throw new CliError(
        EXIT.failed,
        `cannot open ${shownUrl(config.databaseUrl)}: ${reasonOf(error.cause)}`,
      );
    }
    throw error;
  });
}

function cannotListen({ host, port }: Config, error: Error): CliError {
  const text = `cannot listen on ${host}, port ${port}: ${reasonOf(error)}; choose others with --host and --port`;
  return new CliError(EXIT.failed, text);
}

function factsOf({ url, rootToken }: Running): object {
  const { token, file, isNew } = rootToken;
  return { url, rootTokenFile: file, ...(isNew ? { rootToken: token } : {}) };
}

/** A path as a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function welcome({ url, rootToken }: Running): string {
  const { token, file, isNew } = rootToken;
  const where = file === undefined ? (isNew ? token : 'as configured') : `kept in ${file}`;
  const shown = isNew && file !== undefined ? `\n  ${token}\n  (shown this once; ${where})` : ` ${where}`;
  const given = file === undefined ? (isNew ? token : '$ANNALS_ROOT_TOKEN') : `$(cat ${quoted(file)})`;
  return `
Annals is ready at ${url}
The API is described at ${url}/docs

Root token:${shown}

Record a first change:

  curl ${url}/v1/changes \\
    -H "Authorization: Bearer ${given}" \\
    -H 'Content-Type: application/json' \\
    -d '{"resource":{"type":"notes","id":"1"},"action":"create","actor":{"type":"user","id":"ada"},"after":{"text":"hello"}}'

And read it back:

  curl -H "Authorization: Bearer ${given}" ${url}/v1/resources/notes/1/changes

`;
}

/** Connections have `stopMs` of these, the store has the rest. */
const STOP_SECONDS = 30;

function stopOnSignal(running: Running): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(EXIT.failed);
    isStopping = true;
    process.stderr.write(`${signal}: finishing what is under way (again to stop at once)\n`);
    const late = setTimeout(() => process.exit(EXIT.failed), STOP_SECONDS * 1000);
    late.unref();
    running.stop().then(
      () => process.exit(EXIT.ok),
      (error: unknown) => {
        process.stderr.write(`annals serve: ${(error as Error).message}\n`);
        process.exit(EXIT.failed);
      },
    );
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}
