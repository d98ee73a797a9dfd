// `annals verify`: recomputes everything from what is stored, and names the first entry that disagrees.

import { hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Sha256 } from '../core/merkle.ts';
import { toBase64 } from '../core/section.ts';
import { type Verified, verifyLog } from '../query/verify.ts';
import type { Audit } from '../store/audit.ts';
import { openSqliteAudit } from '../store/sqlite/audit.ts';
import { schemaStatus } from '../store/sqlite/offline.ts';
import { databaseFile, existing, withDatabase } from './database-file.ts';
import { CliError, EXIT } from './exit.ts';
import { addExamples, addJson, addSettings, type Options, paragraphs } from './options.ts';
import { countText, plain, print, printJson, style } from './output.ts';
import { startProgress } from './progress.ts';

const DESCRIPTION = paragraphs(
  'Recompute every digest, leaf, node and head, and name the first entry that disagrees',
  'Reads the database file itself and writes nothing, also while the server runs: then it verifies the log as it was ' +
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
  ]);
  command.action(async (given: string | undefined, options: Options) => {
    const file = given === undefined ? databaseFile(options) : existing(given);
    const logs = await withDatabase(file, () => verifyFile(file, options));
    if (logs.some(({ verified }) => verified.disagreement !== undefined)) process.exitCode = EXIT.failed;
    if (options.json === true) await printJson(logs.map(toJson));
    else await print(logs.map(logText).join('\n'));
  });
}

interface VerifiedLog {
  /** The organization's id. */
  id: string;
  /** Its slug; its id where it is not known. */
  slug: string;
  verified: Verified;
}

/** SHA-256 of the runtime: native, synchronous. */
const sha256: Sha256 = (data) => hash('sha256', data, 'buffer');

async function verifyFile(file: string, options: Options): Promise<VerifiedLog[]> {
  mustHaveThisSchema(file);
  const audit = openSqliteAudit(file);
  const verified: VerifiedLog[] = [];
  try {
    for (const { id, slug } of await logsOf(audit, options)) {
      verified.push({ id, slug, verified: await verifyShown(audit, id, slug) });
    }
  } finally {
    await audit.close();
  }
  return verified;
}

function mustHaveThisSchema(file: string): void {
  const { applied, pending, unknown } = schemaStatus(file);
  if (applied.length === 0) throw new CliError(EXIT.failed, `${file} is no database of Annals`);
  if (unknown.length > 0) {
    throw new CliError(EXIT.failed, `${file} was migrated by a newer Annals: it has ${unknown.join(', ')}`);
  }
  if (pending.length > 0) {
    const text = `${file} lacks the migrations ${pending.join(', ')}: start this version's server on it once`;
    throw new CliError(EXIT.failed, text);
  }
}

/** All logs, or that of one organization. */
async function logsOf(audit: Audit, options: Options): Promise<{ id: string; slug: string }[]> {
  const organizations = await audit.organizations();
  const ids = new Set([...organizations.map(({ id }) => id), ...(await audit.logs())]);
  const all = [...ids].map((id) => ({
    id,
    slug: organizations.find((known) => known.id === id)?.slug ?? id,
  }));
  const { organization: wanted } = options;
  if (wanted === undefined) return all;
  const found = all.filter(({ id, slug }) => id === wanted || slug === wanted);
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
  const { position, id, what, detail } = disagreement;
  const where =
    position === undefined
      ? 'the log as a whole'
      : `position ${position}${id === undefined ? '' : `, change ${id}`}`;
  return `${style('red', '✗')} ${slug}: ${where}: ${style('bold', plain(what))}: ${plain(detail)}; ${entries} before it agree`;
}
