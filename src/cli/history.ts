// `annals history`: the timeline of one resource.

import type { Command } from 'commander';
import { type Client, makeClient, resourcePath } from './client.ts';
import { differenceLines } from './differences.ts';
import { CliError, EXIT } from './exit.ts';
import {
  addExamples,
  addFilters,
  addServerOptions,
  countOf,
  filtersOf,
  type Options,
  refOf,
} from './options.ts';
import { countText, instantText, numberText, plain, print, printLine, style } from './output.ts';
import { type EntryAnswer, pagesOf } from './pages.ts';

export function addHistory(program: Command): void {
  const command = program.command('history').description("Show a resource's changes, newest first");
  command.argument('<type/id>', 'the resource, such as countries/CHE');
  command.option('-n, --limit <number>', 'how many changes', '10');
  command.option('--all', 'all changes');
  command.option('--oldest-first', 'in the order in which they were recorded');
  command.option('--full', 'every difference of a change, nothing cut off');
  addFilters(command);
  addServerOptions(command);
  addExamples(command, [
    'annals history countries/CHE',
    'annals history countries/CHE --changed capital --all',
    'annals history countries/CHE --json | jq .changes',
  ]);
  command.action(async (resource: string, options: Options) => {
    const limit =
      options.all === true ? Number.POSITIVE_INFINITY : countOf('--limit', options.limit as string);
    if (options.json === true) await showLines(makeClient(options), resource, options, limit);
    else await showTimeline(makeClient(options), resource, options, limit);
  });
}

const PAGE = 200;

async function* entriesOf(
  client: Client,
  resource: string,
  options: Options,
  limit: number,
): AsyncGenerator<{ entry: EntryAnswer; count: number }> {
  const query = {
    ...filtersOf(options),
    order: options.oldestFirst === true ? 'asc' : 'desc',
    limit: Math.min(limit, PAGE),
    count: 'exact',
  };
  let [shown, count] = [0, 0];
  for await (const page of pagesOf<EntryAnswer>(client, resourcePath(refOf(resource), '/changes'), query)) {
    count = page.count ?? count;
    for (const entry of page.data.slice(0, limit - shown)) yield { entry, count };
    shown += page.data.length;
    if (shown >= limit) return;
  }
}

async function showLines(client: Client, resource: string, options: Options, limit: number): Promise<void> {
  let shown = 0;
  for await (const { entry } of entriesOf(client, resource, options, limit)) {
    await printLine(entry);
    shown += 1;
  }
  if (shown === 0) throw noHistory(resource, options);
}

async function showTimeline(
  client: Client,
  resource: string,
  options: Options,
  limit: number,
): Promise<void> {
  const isFull = options.full === true;
  let [shown, total] = [0, 0];
  for await (const { entry, count } of entriesOf(client, resource, options, limit)) {
    if (shown === 0) await print(titleText(entry, count));
    await print(`\n${entryText(entry, isFull)}`);
    shown += 1;
    total = count;
  }
  if (shown === 0) throw noHistory(resource, options);
  if (shown < total)
    await print(style('dim', `\n${numberText(shown)} of ${numberText(total)}; --all shows the others`));
}

function noHistory(resource: string, options: Options): CliError {
  const which = Object.keys(filtersOf(options)).length === 0 ? '' : ' that match';
  return new CliError(EXIT.notFound, `there are no changes of ${resource}${which}`);
}

function titleText({ resource }: EntryAnswer, count: number): string {
  const name = resource.name === undefined ? '' : `  ${plain(resource.name)}`;
  return `${style('bold', `${plain(resource.type)}/${plain(resource.id)}`)}${name}  ${style('dim', countText(count, 'change'))}`;
}

/** One entry of a timeline: a line that says when, what and who, and its differences. */
function entryText(entry: EntryAnswer, isFull: boolean): string {
  const { id, version, occurredAt, action, event, actor, continuity } = entry;
  const head = [
    style('bold', `v${version}`),
    style('cyan', instantText(occurredAt)),
    event === undefined ? action : `${action} ${plain(event)}`,
    actorText(actor),
    style('dim', id),
    ...(continuity === 'gap' ? [style('magenta', 'gap: a change before this one was missed')] : []),
  ];
  const isSilent = action !== 'access' && !entry.changed;
  const lines = isSilent
    ? [style('dim', '    no difference')]
    : differenceLines(entry.changes, '    ', isFull);
  return [head.join('  '), ...lines].join('\n');
}

/** `Ada Lovelace (user ada)` */
export function actorText({ type, id, name }: EntryAnswer['actor']): string {
  return name === undefined ? `${type} ${plain(id)}` : `${plain(name)} (${type} ${plain(id)})`;
}
