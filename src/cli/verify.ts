// `annals verify`: recomputes everything from what is stored, and names the first entry that disagrees.

import { setImmediate as turn } from 'node:timers/promises';
import type { Command } from 'commander';
import { toBase64 } from '../core/section.ts';
import { type Verified, verifyLog } from '../query/verify.ts';
import type { Audit } from '../store/audit.ts';
import { disagreementText } from './disagreement.ts';
import { CliError, EXIT } from './exit.ts';
import { databaseAt, databaseOf, type NamedDatabase, withDatabase } from './named-database.ts';
import { type NamedLog, namedLogs, sha256 } from './named-log.ts';
import { openAudit } from './open-database.ts';
import { addExamples, addJson, addSettings, type Options, paragraphs } from './options.ts';
import { countText, print, printJson, style } from './output.ts';
import { startProgress } from './progress.ts';

const DESCRIPTION = paragraphs(
  'Recompute every digest, leaf, node and head, and name the first entry that disagrees',
  'Reads the database itself and writes nothing, also while servers run: then it verifies the log as it was ' +
    'when the command began. Verified are the digests of all sections, leaves, nodes and the head; positions, versions ' +
    'and moments; the chain from each state to the next; streams, their numbers and sizes; and the latest states.',
);

export function addVerify(program: Command): void {
  const command = program.command('verify').summary('Recompute every digest, leaf, node and head');
  command.description(DESCRIPTION);
  command.argument('[file]', 'a database file, such as a backup (default: that of the configuration)');
  addJson(addSettings(command, 'databaseUrl'));
  command.option('--organization <id or slug>', "only this organization's log (default: every log)");
  addExamples(command, [
    'annals verify',
    'annals verify /backups/annals-2026-03-01.db',
    'annals verify --organization acme --json',
    'annals verify --database-url postgres://annals@db.example/annals',
  ]);
  command.action(async (given: string | undefined, options: Options) => {
    const database = given === undefined ? databaseOf(options) : databaseAt(`sqlite:${given}`);
    const logs = await withDatabase(database.name, () => verifyDatabase(database, options));
    if (logs.some(({ verified }) => verified.disagreement !== undefined)) process.exitCode = EXIT.failed;
    if (options.json === true) await printJson(logs.map(toJson));
    else await print(logs.map(logText).join('\n'));
  });
}

interface VerifiedLog extends NamedLog {
  verified: Verified;
}

async function verifyDatabase(database: NamedDatabase, options: Options): Promise<VerifiedLog[]> {
  const audit = await openAudit(database);
  const verified: VerifiedLog[] = [];
  try {
    for (const { id, slug } of wantedOf(await namedLogs(audit), options)) {
      verified.push({ id, slug, verified: await verifyShown(audit, id, slug) });
    }
  } finally {
    await audit.close();
  }
  return verified;
}

/** All logs, or that of one organization. */
function wantedOf(logs: NamedLog[], { organization: wanted }: Options): NamedLog[] {
  if (wanted === undefined) return logs;
  const found = logs.filter(({ id, slug }) => id === wanted || slug === wanted);
  if (found.length > 0) return found;
  throw new CliError(EXIT.notFound, `there is no organization "${wanted}" in this database`);
}

async function verifyShown(audit: Audit, log: string, slug: string): Promise<Verified> {
  const progress = await startProgress(slug, 'entries');
  try {
    return await verifyLog(audit, log, sha256, async (done, total) => {
      progress.update({ done, total, count: done });
      // The database answers at once; the progress bar and Ctrl-C need a turn.
      await turn();
    });
  } finally {
    progress.stop();
  }
}

function toJson({ id, slug, verified: { size, rootHash, disagreement } }: VerifiedLog): object {
  return { organization: id, slug, size, rootHash: toBase64(rootHash), disagreement: disagreement ?? null };
}

function logText({ slug, verified }: VerifiedLog): string {
  const { size, rootHash, disagreement } = verified;
  const entries = countText(size, 'entry', 'entries');
  if (disagreement === undefined) {
    return `${style('green', '✓')} ${slug}: ${entries} verified, root hash ${toBase64(rootHash)}`;
  }
  return `${style('red', '✗')} ${slug}: ${disagreementText(disagreement)}; ${entries} before it agree`;
}
