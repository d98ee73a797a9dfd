// `annals copy`: an installation from one database to another, hashes and all.

import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { Command } from 'commander';
import { toBase64 } from '../core/section.ts';
import { type CopiedLog, copyInstallation, copyLog, type OnProgress, verifyCopy } from '../query/copy.ts';
import { mustBeCopyOf, OtherContent } from '../query/copy-check.ts';
import { type Disagreement, Disagrees } from '../query/reseal.ts';
import type { Audit } from '../store/audit.ts';
import { disagreementText } from './disagreement.ts';
import { CliError, EXIT } from './exit.ts';
import { databaseAt, type NamedDatabase, namedAt, withDatabase } from './named-database.ts';
import { type NamedLog, namedLogs, sha256 } from './named-log.ts';
import { openAudit, openStoreOf, schemaOf } from './open-database.ts';
import { addExamples, addJson, type Options, paragraphs } from './options.ts';
import { countText, numberText, print, printJson, style } from './output.ts';
import { startProgress } from './progress.ts';

const DESCRIPTION = paragraphs(
  'Copy a whole installation into another database',
  'Organizations, logs, latest states, idempotency answers and keys, from SQLite or PostgreSQL to either. Every entry is ' +
    'sealed again on the way, so positions, moments and hashes are the same, and the copy is verified against the head of the source.',
  'The source may be served meanwhile: the copy is of the moment at which the command began. The same command again adds ' +
    'what is new, or goes on where it was broken off. A target that has anything else in it is refused. The root token is no part of a database.',
);

export function addCopy(program: Command): void {
  const command = program.command('copy').summary('Copy an installation into another database');
  command.description(DESCRIPTION);
  command.requiredOption('--from <url>', 'the source: sqlite:<file> or postgres://…');
  command.requiredOption('--to <url>', 'the target: made where there is none, else empty or an older copy');
  addJson(command);
  addExamples(command, [
    'annals copy --from sqlite:./data/annals.db --to postgres://annals@db.example/annals',
    'PGPASSWORD=… annals copy --from postgres://annals@db.example/annals --to sqlite:./copy.db --json',
  ]);
  command.action(async (options: Options) => {
    const { from, to } = options as { from: string; to: string };
    const [source, target] = [databaseAt(from), namedAt(to)];
    if (source.name === target.name) {
      throw new CliError(EXIT.usage, `--from and --to are one database, ${source.name}`);
    }
    const copied = await copyShown(source, target);
    if (options.json === true) await printJson(copied.map(toJson));
    else await print(copied.map(copiedText).join('\n'));
  });
}

interface Copied extends NamedLog, CopiedLog {
  rootHash: string;
}

async function copyShown(from: NamedDatabase, to: NamedDatabase): Promise<Copied[]> {
  const source = await openAudit(from);
  try {
    await mustBeFree(source, to);
    const logs = await namedLogs(source);
    const copied = await copyAll(source, from, to, logs);
    const roots = await verifyAll(source, to, logs);
    return copied.map((log, index) => ({ ...log, rootHash: roots[index] as string }));
  } finally {
    await source.close();
  }
}

/** A target that is not empty is looked at before anything is written, its schema included. */
async function mustBeFree(source: Audit, to: NamedDatabase): Promise<void> {
  if (to.kind === 'sqlite' && !existsSync(to.file)) return;
  if ((await schemaOf(to)).applied.length === 0) return;
  const target = await openAudit(to);
  try {
    await withDatabase(to.name, () => inWords(to.name, mustBeCopyOf(source, target)));
  } finally {
    await target.close();
  }
}

async function copyAll(
  source: Audit,
  from: NamedDatabase,
  to: NamedDatabase,
  logs: readonly NamedLog[],
): Promise<(NamedLog & CopiedLog)[]> {
  const target = await openStoreOf(to);
  try {
    return await withDatabase(`copy of ${from.name} to ${to.name}`, async () => {
      await inWords(to.name, copyInstallation(source, target));
      const copied: (NamedLog & CopiedLog)[] = [];
      for (const log of logs) {
        const work = shown(`copy of ${log.slug}`, (onProgress) =>
          copyLog(source, target, log.id, sha256, onProgress),
        );
        copied.push({ ...log, ...(await inWords(`${from.name}: ${log.slug}`, work)) });
      }
      return copied;
    });
  } finally {
    await target.close();
  }
}

/** Answers the root hash of each log. */
async function verifyAll(source: Audit, to: NamedDatabase, logs: readonly NamedLog[]): Promise<string[]> {
  const copy = await openAudit(to);
  try {
    return await withDatabase(to.name, async () => {
      const roots: string[] = [];
      for (const { id, slug } of logs) {
        const { rootHash, disagreement } = await shown(`verification of ${slug}`, (onProgress) =>
          verifyCopy(source, copy, id, sha256, onProgress),
        );
        if (disagreement !== undefined) await inWords(`${to.name}: ${slug}`, failed(disagreement));
        roots.push(toBase64(rootHash));
      }
      return roots;
    });
  } finally {
    await copy.close();
  }
}

/** Shows how far it has come. */
async function shown<Result>(
  title: string,
  work: (onProgress: OnProgress) => Promise<Result>,
): Promise<Result> {
  const progress = await startProgress(title, 'entries');
  try {
    return await work(async (done, total) => {
      progress.update({ done, total, count: done });
      // A database file answers at once; the progress bar and Ctrl-C need a turn.
      await turn();
    });
  } finally {
    progress.stop();
  }
}

/** What a copy finds, for the person at the terminal; what a database reports is left to `withDatabase`. */
async function inWords<Result>(name: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OtherContent) throw new CliError(EXIT.conflict, error.message);
    if (!(error instanceof Disagrees)) throw error;
    throw new CliError(EXIT.failed, `${name}: ${disagreementText(error.disagreement)}`);
  }
}

function failed(disagreement: Disagreement): Promise<never> {
  return Promise.reject(new Disagrees(disagreement));
}

function toJson({ id, slug, size, from, rootHash }: Copied): object {
  return { organization: id, slug, size, copied: size - from, rootHash };
}

function copiedText({ slug, size, from, rootHash }: Copied): string {
  const there = from === 0 ? '' : ` (${numberText(from)} there already)`;
  return `${style('green', '✓')} ${slug}: ${countText(size, 'entry', 'entries')}${there} copied and verified, root hash ${rootHash}`;
}
