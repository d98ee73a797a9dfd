// `annals export`: changes out of the log, a line each, in the shape in which they can be imported again.

import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Command } from 'commander';
import { type Client, makeClient, type Query } from './client.ts';
import { CliError, EXIT, reasonOf } from './exit.ts';
import { addExamples, addFilters, addServerOptions, filtersOf, type Options, paragraphs } from './options.ts';
import { countText, durationText, print, printJson, write } from './output.ts';
import { type EntryAnswer, pagesOf } from './pages.ts';
import { startProgress } from './progress.ts';

const DESCRIPTION = paragraphs(
  'Write changes as lines of JSON, oldest first',
  'Each line has the shape that POST /v1/changes takes, with its id: importing it records the same change in another ' +
    'log, and nothing in the same. "before" stands where the log would not know it by itself.',
  "Changes of Annals' own directory (roles, members, credentials, …) are among them; an import counts them and leaves them out.",
);

export function addExport(program: Command): void {
  const command = program.command('export').summary('Write changes to a file').description(DESCRIPTION);
  command.option(
    '-o, --output <file>',
    'file to write, compressed where it ends in .gz or .zst (default: standard output)',
  );
  command.option('--force', 'overwrite the file');
  command.option('--resource <type/id>', 'changes of this resource');
  addFilters(command);
  addServerOptions(command);
  addExamples(command, [
    'annals export -o everything.ndjson.zst',
    'annals export --type countries --since 2026-01-01T00:00:00Z | jq .resource.id',
    'annals export --actor ada -o ada.ndjson.gz',
  ]);
  command.action(async (options: Options) => {
    const client = makeClient(options);
    const { output, resource } = options as { output?: string; resource?: string };
    const filters = { ...filtersOf(options), ...(resource === undefined ? {} : { resource }) };
    if (output === undefined) return exportToStdout(client, filters);
    if (existsSync(output) && options.force !== true) {
      throw new CliError(EXIT.usage, `${output} exists already; --force overwrites it`);
    }
    const startedAt = performance.now();
    const entries = await exportToFile(client, filters, output);
    if (options.json === true) await printJson({ entries, file: output });
    else {
      const seconds = (performance.now() - startedAt) / 1000;
      await print(`${countText(entries, 'change')} written to ${output} in ${durationText(seconds)}`);
    }
  });
}

async function exportToStdout(client: Client, filters: Query): Promise<void> {
  for await (const text of texts(client, filters, () => undefined)) await write(process.stdout, text);
}

/** Written beside the file and renamed at the end: what has the file's name is whole. */
async function exportToFile(client: Client, filters: Query, file: string): Promise<number> {
  const partial = `${file}.partial`;
  let count = 0;
  const progress = await startProgress(basename(file), 'changes');
  try {
    const source = texts(client, filters, (done, total) => {
      count = done;
      progress.update({ done, total, count });
    });
    await pipeline([Readable.from(source), ...compressors(file), createWriteStream(partial)]);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.failed, `${file} cannot be written: ${reasonOf(error)}`);
  } finally {
    progress.stop();
  }
  return count;
}

/** As the zstd command does: a damaged file is noticed when it is read. */
const WITH_CHECKSUM = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

function compressors(file: string): Writable[] {
  if (file.endsWith('.gz')) return [createGzip()];
  return file.endsWith('.zst') ? [createZstdCompress(WITH_CHECKSUM)] : [];
}

/** Entries per page: states of several kilobytes each stay a moderate answer. */
const PAGE = 200;

async function* texts(
  client: Client,
  filters: Query,
  onPage: (done: number, total: number) => void,
): AsyncGenerator<string> {
  const isWhole = hasWholeHistories(filters);
  const query = { ...filters, order: 'asc', include: 'states', limit: PAGE, count: 'exact' };
  let done = 0;
  let total = 0;
  for await (const page of pagesOf<EntryAnswer>(client, '/v1/changes', query)) {
    total = page.count ?? total;
    yield page.data.map((entry) => `${JSON.stringify(toChange(entry, isWhole))}\n`).join('');
    done += page.data.length;
    onPage(done, total);
  }
}

/** Filters that take all or nothing of a resource's history. */
const WHOLE: readonly string[] = ['resource', 'type'];

function hasWholeHistories(filters: Query): boolean {
  return Object.keys(filters).every((name) => WHOLE.includes(name));
}

/**
 * An entry as the change that it came from. `before` is left out where the change before it, which
 * then stands above it in the same export, leaves that very state.
 */
export function toChange(entry: EntryAnswer, isWhole: boolean): object {
  const { id, occurredAt, resource, action, event, actor, related, context, metadata } = entry;
  const isKnown = isWhole && entry.continuity === 'continuous';
  return {
    id,
    occurredAt,
    resource,
    action,
    ...(event === undefined ? {} : { event }),
    actor,
    ...(related.length === 0 ? {} : { related }),
    ...(action === 'access' || isKnown ? {} : { before: entry.before }),
    ...(action === 'access' || entry.after === null ? {} : { after: entry.after }),
    ...(context === undefined ? {} : { context }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
