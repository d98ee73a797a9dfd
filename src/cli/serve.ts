// `annals serve`: the server, and what a newcomer needs to know of it.

import type { Command } from 'commander';
import { ConfigError, readConfig } from '../config.ts';
import { type Running, start } from '../main.ts';

/** Each setting's environment variable, and its flag. */
const FLAGS = {
  ANNALS_HOST: ['--host <address>', 'address to listen on (127.0.0.1)'],
  ANNALS_PORT: ['--port <number>', 'port to listen on (8700)'],
  ANNALS_DATABASE_URL: ['--database-url <url>', 'sqlite:<file>, memory: (sqlite:./data/annals.db)'],
  ANNALS_ROOT_TOKEN: ['--root-token <token>', 'the root token (else made on the first start)'],
  ANNALS_LOG_LEVEL: ['--log-level <level>', 'fatal, error, warn, info, debug, trace, silent (info)'],
} as const;

const EXIT_USAGE = 2;
const EXIT_FAILED = 1;

export function addServe(program: Command): void {
  const command = program.command('serve').description('Start the server');
  for (const [name, [flag, text]] of Object.entries(FLAGS))
    command.option(flag, `${text}; environment: ${name}`);
  command.addHelpText(
    'after',
    '\nExamples:\n  annals serve\n  annals serve --port 9000 --database-url sqlite:/var/lib/annals/annals.db',
  );
  command.action(async (options: Record<string, string>) => {
    const flags = Object.fromEntries(
      Object.keys(FLAGS).flatMap((name) => {
        const value = options[camelCase(name.slice('ANNALS_'.length))];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    try {
      const running = await start(readConfig(flags));
      process.stdout.write(welcome(running));
      stopOnSignal(running);
    } catch (error) {
      process.stderr.write(`annals serve: ${(error as Error).message}\n`);
      process.exitCode = error instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED;
    }
  });
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function welcome({ url, rootToken }: Running): string {
  const { token, file, isNew } = rootToken;
  const where = file === undefined ? (isNew ? token : 'as configured') : `kept in ${file}`;
  const shown = isNew && file !== undefined ? `\n  ${token}\n  (shown this once; ${where})` : ` ${where}`;
  const given = file === undefined ? (isNew ? token : '$ANNALS_ROOT_TOKEN') : `$(cat ${file})`;
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

const STOP_SECONDS = 30;

function stopOnSignal(running: Running): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(EXIT_FAILED);
    isStopping = true;
    process.stdout.write(`${signal}: finishing what is under way (again to stop at once)\n`);
    const late = setTimeout(() => process.exit(EXIT_FAILED), STOP_SECONDS * 1000);
    late.unref();
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`annals serve: ${(error as Error).message}\n`);
        process.exit(EXIT_FAILED);
      },
    );
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}
