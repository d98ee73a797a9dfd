// Moves an installation from one store to another: every entry is sealed again from what is stored, and
// kept only where its hashes come out the same. What is there already is compared and left as it is, so
// a copy that was broken off goes on where it stopped, and one that is repeated adds what is new.

import { rootHash, type Sha256 } from '../core/merkle.ts';
import type { Latest, Tip } from '../core/seal.ts';
import { toBase64 } from '../core/section.ts';
import type { Audit } from '../store/audit.ts';
import type { Batch, LogId, Store } from '../store/store.ts';
import { mustBeginAlike, OtherContent } from './copy-check.ts';
import { PreviousStates } from './previous-states.ts';
import { isSame, reseal } from './reseal.ts';
import { readRun } from './run.ts';
import { type Verified, verifyLog } from './verify.ts';

/** A log as it was copied. */
export interface CopiedLog {
  log: LogId;
  /** Entries that the target had before. */
  from: number;
  size: number;
}

/** Told how many entries of a log are done, of how many; awaited, so that others get a turn. */
export type OnProgress = (done: number, size: number) => void | Promise<void>;

/** Entries that are sealed and appended at one time. */
const RUN = 200;
/** Answers that are read and appended at one time. */
const ANSWERS = 200;

/**
 * Organizations and what the installation keeps for itself.
 * @throws OtherContent where the target has another of the same name
 */
export async function copyInstallation(source: Audit, target: Store): Promise<void> {
  for (const organization of await source.organizations()) {
    if (await target.addOrganization(organization)) continue;
    const known = (await target.organizations()).find(({ id }) => id === organization.id);
    if (known?.slug === organization.slug) continue;
    throw new OtherContent(`an organization "${organization.slug}" with another id`);
  }
  for (const { name, value, until } of await source.secrets()) {
    if (await target.addSecret(name, value, until)) continue;
    if (!isSame(await target.secret(name), value)) throw new OtherContent(`another secret "${name}"`);
  }
}

/**
 * The entries of a log and the answers that are kept with it.
 * @throws OtherContent where the target has what the source has not; Disagrees where an entry is not as it was sealed
 */
export async function copyLog(
  source: Audit,
  target: Store,
  log: LogId,
  sha256: Sha256,
  onProgress: OnProgress = () => undefined,
): Promise<CopiedLog> {
  const { size } = (await source.tip(log)).tree;
  let tip = await target.tip(log);
  const from = tip.tree.size;
  await mustBeginAlike(source, tip);
  const previous = new PreviousStates(source, log);
  // The next batch is read and sealed while the last one is on its way to the disk.
  let appended: Promise<void> = Promise.resolve();
  try {
    while (tip.tree.size < size) {
      const batch = await nextBatch(source, previous, tip, size, sha256);
      await appended;
      await onProgress(tip.tree.size, size);
      appended = append(target, log, tip.tree.size, batch);
      // It is awaited below, whatever the next batch comes to.
      appended.catch(() => undefined);
      tip = batch.tip;
    }
  } finally {
    await appended;
  }
  await copyAnswers(source, target, log);
  return { log, from, size };
}

/** Verifies a copied log, and that its head is the one of the source. */
export async function verifyCopy(
  source: Audit,
  copy: Audit,
  log: LogId,
  sha256: Sha256,
  onProgress?: OnProgress,
): Promise<Verified> {
  const verified = await verifyLog(copy, log, sha256, onProgress);
  const { tree } = await source.tip(log);
  const wanted = rootHash(sha256, tree);
  if (verified.disagreement !== undefined || isSame(verified.rootHash, wanted)) return verified;
  const detail = `the source says ${tree.size}, ${toBase64(wanted)}; its entries give ${verified.size}, ${toBase64(verified.rootHash)}`;
  return { ...verified, disagreement: { what: 'head', detail } };
}

async function append(target: Store, log: LogId, size: number, batch: Batch): Promise<void> {
  const { outcome } = await target.append(log, size, batch);
  if (outcome !== 'appended') throw new OtherContent(`another writer in the log ${log}`);
}

async function nextBatch(
  source: Audit,
  previous: PreviousStates,
  start: Tip,
  size: number,
  sha256: Sha256,
): Promise<Batch> {
  const rows = await readRun(source, start.log, start.tree.size, Math.min(RUN, size - start.tree.size));
  await previous.load(rows);
  const parent = start.tree.edge.at(-1);
  const batch: Batch = { parent, entries: [], nodes: [], tip: start, latest: [], answers: [] };
  const latest = new Map<string, Latest>();
  for (const row of rows) {
    const sealed = reseal(row, batch.tip, previous.get(row.resource), sha256);
    previous.set(row.resource, sealed.latest);
    latest.set(JSON.stringify([row.resource.type, row.resource.id]), sealed.latest);
    // Kept as it was: differences list members in the order in which they were sent.
    batch.entries.push({ ...sealed.entry, changes: row.changes });
    batch.nodes.push(...sealed.nodes);
    batch.tip = sealed.tip;
  }
  batch.latest = [...latest.values()];
  return batch;
}

async function copyAnswers(source: Audit, target: Store, log: LogId): Promise<void> {
  const tip = await target.tip(log);
  const batch = { parent: tip.tree.edge.at(-1), entries: [], nodes: [], tip, latest: [] };
  let behind: string | undefined;
  do {
    let answers = await source.answers(log, behind, ANSWERS);
    behind = answers.at(-1)?.key;
    while (answers.length > 0) {
      const result = await target.append(log, tip.tree.size, { ...batch, answers });
      if (result.outcome === 'stale') throw new OtherContent(`another writer in the log ${log}`);
      // Those that an earlier copy brought.
      const there = new Set(result.outcome === 'repeated' ? result.keys : []);
      answers = result.outcome === 'repeated' ? answers.filter(({ key }) => !there.has(key)) : [];
    }
  } while (behind !== undefined);
}
