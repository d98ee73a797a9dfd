// `annals import`: a file of changes into the log, a line each.

import { basename } from 'node:path';
import type { Command } from 'commander';
import { type Client, makeClient } from './client.ts';
import { CliError, EXIT, exitCodeOfStatus } from './exit.ts';
import { linesOf } from './import/lines.ts';
import { type Answer, sendLines } from './import/send.ts';
import { nameOf, openSource } from './import/source.ts';
import { isLeftOut, MOST_SHOWN, Tally } from './import/tally.ts';
import { addExamples, addServerOptions, type Options, paragraphs } from './options.ts';
import { countText, durationText, numberText, plain, print, printLine, style } from './output.ts';
import { startProgress } from './progress.ts';

const DESCRIPTION = paragraphs(
  'Record the changes of a file, a JSON object a line',
  'FILE may be compressed by gzip or zstd; - is standard input. Lines have the shape that POST /v1/changes takes.',
  'Sending a file again is harmless: a line without an "id" gets one that follows from its number and its content, ' +
    'so what is there already is recognised, and an import that was cut off goes on.',
  "Changes of Annals' own directory (roles, members, credentials, …), which an export has as well, are counted and left out: " +
    'the directory is changed through /api alone.',
);

export function addImport(program: Command): void {
  const command = program.command('import').summary('Record the changes of a file').description(DESCRIPTION);
  command.argument('<file>', 'NDJSON, plain, .gz or .zst; - for standard input');
  addServerOptions(command);
  addExamples(command, [
    'annals import country-history.ndjson.gz',
    'annals export --url https://old.example | annals import -',
    'annals import changes.ndjson --json | jq .error.detail',
  ]);
  command.action(async (file: string, options: Options) => {
    const tally = await importFile(file, makeClient(options), options.json === true);
    if (tally.refused > 0) process.exitCode = EXIT.failed;
  });
}

async function importFile(file: string, client: Client, isJson: boolean): Promise<Tally> {
  const source = await openSource(file);
  const tally = new Tally(await sizeBefore(client));
  const startedAt = performance.now();
  const progress = await startProgress(basename(nameOf(file)), 'lines');
  const onAnswer = (answer: Answer): void => {
    if ('error' in answer && answer.line === undefined) throw streamRefused(answer.error);
    tally.add(answer);
    if (isJson && 'error' in answer && !isLeftOut(answer)) void printLine(answer);
    if (tally.lines % LINES_PER_UPDATE === 0) {
      progress.update({ done: source.bytesRead(), total: source.size, count: tally.lines });
    }
  };
  const report = (): Promise<void> => {
    progress.stop();
    if (isJson) return printLine(summaryOf(tally));
    return print(summaryText(tally, nameOf(file), (performance.now() - startedAt) / 1000));
  };
  process.once('SIGINT', source.stop);
  try {
    await sendLines(client, linesOf(source.chunks), onAnswer, source.stop);
    await report();
  } catch (error) {
    progress.stop();
    if (tally.lines > 0) await report();
    throw error;
  } finally {
    process.off('SIGINT', source.stop);
  }
  return tally;
}

const LINES_PER_UPDATE = 100;

/** The log's size, so that its entries can be told from new ones; undefined for a token that may only write. */
async function sizeBefore(client: Client): Promise<number | undefined> {
  try {
    return (await client.get<{ size: number }>('/v1/head')).size;
  } catch (error) {
    if (error instanceof CliError && error.code === 'forbidden') return undefined;
    throw error;
  }
}

function streamRefused({ status, detail, code }: { status: number; detail: string; code: string }): CliError {
  return new CliError(exitCodeOfStatus(status), `${detail} (the same command again goes on)`, code);
}

function summaryOf(tally: Tally): object {
  const { lines, recorded, withoutDifference, alreadyThere, leftOut, refused, isExact } = tally;
  return isExact
    ? { lines, recorded, withoutDifference, alreadyThere, leftOut, refused }
    : { lines, recordedOrThere: recorded, leftOut, refused };
}

function summaryText(tally: Tally, file: string, seconds: number): string {
  const { recorded, withoutDifference, alreadyThere, leftOut, refused } = tally;
  const width = numberText(tally.lines).length;
  const row = (count: number, text: string): string => `  ${numberText(count).padStart(width)} ${text}`;
  const more =
    withoutDifference === 0 ? '' : `, ${numberText(withoutDifference)} of them without a difference`;
  return [
    `${countText(tally.lines, 'line')} of ${file} in ${durationText(seconds)}`,
    ...(tally.isExact
      ? [row(recorded, `recorded${more}`), row(alreadyThere, 'there already')]
      : [row(recorded, 'recorded, or there already (this token may not read, so which is not known)')]),
    ...(leftOut === 0 ? [] : [row(leftOut, "left out: changes of Annals' own directory")]),
    refused === 0 ? row(0, 'refused') : style('red', row(refused, 'refused')),
    ...refusalTexts(tally),
  ].join('\n');
}

function refusalTexts({ refused, refusals }: Tally): string[] {
  const shown = refusals.map(({ line, error }) => `    line ${line}: ${plain(error.detail)} (${error.code})`);
  const left = refused - refusals.length;
  return left === 0
    ? shown
    : [...shown, `    and ${numberText(left)} more after these ${MOST_SHOWN}; --json prints all`];
}
