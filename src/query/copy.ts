// Moves an installation from one store to another: every entry is sealed again from what is stored, and
// kept only where its hashes come out the same. What is there already is compared and left as it is, so
// a copy that was broken off goes on where it stopped, and one that is repeated adds what is new.

import { edgeOf, type Sha256 } from '../core/merkle.ts';
import type { Latest, Tip } from '../core/seal.ts';
import type { Audit } from '../store/audit.ts';
import type { Batch, LogId, Store } from '../store/store.ts';
import { PreviousStates } from './previous-states.ts';
import { isSame, reseal } from './reseal.ts';

/** A log as it was copied. */
export interface CopiedLog {
  log: LogId;
  /** Entries that the target had before. */
  from: number;
  size: number;
}

/** The target has what the source has not: it is no copy of it. */
export class OtherContent extends Error {
  override name = 'OtherContent';
}

/** Entries that are sealed and appended at one time. */
const CHUNK = 200;

/**
 * @param onProgress told how many entries of a log are copied, of how many
 * @throws OtherContent where the target has what the source has not; Disagrees where an entry is not as it was sealed
 */
export async function copyInstallation(
  source: Audit,
  target: Store,
  sha256: Sha256,
  onProgress: (log: LogId, done: number, size: number) => void = () => undefined,
): Promise<CopiedLog[]> {
  await copyOrganizations(source, target);
  for (const { name, value, until } of await source.secrets()) {
    if (await target.addSecret(name, value, until)) continue;
    if (!isSame(await target.secret(name), value)) throw otherContent(`another secret ${name}`);
  }
  const copied: CopiedLog[] = [];
  for (const log of await source.logs()) {
    copied.push(await copyLog(source, target, log, sha256, (done, size) => onProgress(log, done, size)));
    await copyAnswers(source, target, log);
  }
  return copied;
}

async function copyOrganizations(source: Audit, target: Store): Promise<void> {
  for (const organization of await source.organizations()) {
    if (!(await target.addOrganization(organization))) {
      const known = (await target.organizations()).find(({ id }) => id === organization.id);
      if (known?.slug !== organization.slug) {
        throw otherContent(`an organization "${organization.slug}" with another id`);
      }
    }
  }
}

async function copyLog(
  source: Audit,
  target: Store,
  log: LogId,
  sha256: Sha256,
  onProgress: (done: number, size: number) => void,
): Promise<CopiedLog> {
  const { size } = (await source.tip(log)).tree;
  let tip = await target.tip(log);
  const from = tip.tree.size;
  await mustBeginAlike(source, tip, size);
  const previous = new PreviousStates(source, log);
  while (tip.tree.size < size) {
    const batch = await nextBatch(source, previous, tip, size, sha256);
    const { outcome } = await target.append(log, tip.tree.size, batch);
    if (outcome !== 'appended') throw otherContent(`another writer in the log ${log}`);
    tip = batch.tip;
    onProgress(tip.tree.size, size);
  }
  return { log, from, size };
}

/** The target's tree must be the source's of the same size. */
async function mustBeginAlike(source: Audit, { log, tree }: Tip, size: number): Promise<void> {
  if (tree.size > size)
    throw otherContent(`${tree.size} entries in the log ${log}, of which the source has ${size}`);
  const edge = await source.nodes(log, edgeOf(tree.size));
  if (edge.some((hash, index) => !isSame(hash, tree.edge[index]))) throw otherContent(`another log ${log}`);
}

async function nextBatch(
  source: Audit,
  previous: PreviousStates,
  start: Tip,
  size: number,
  sha256: Sha256,
): Promise<Batch> {
  const behind = { position: start.tree.size - 1, occurredAt: 0 };
  const range = { by: 'position', order: 'asc', limit: CHUNK, below: size, behind } as const;
  const rows = await source.select(start.log, { streams: [] }, range, { states: true, seals: true });
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
  const missing: Batch['answers'] = [];
  for (const answer of await source.answers(log)) {
    if ((await target.answer(log, answer.key)) === undefined) missing.push(answer);
  }
  if (missing.length === 0) return;
  const tip = await target.tip(log);
  const parent = tip.tree.edge.at(-1);
  await target.append(log, tip.tree.size, {
    parent,
    entries: [],
    nodes: [],
    tip,
    latest: [],
    answers: missing,
  });
}

function otherContent(what: string): OtherContent {
  return new OtherContent(`the target has ${what}; copy into an empty database`);
}
