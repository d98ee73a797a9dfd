// From entries, states and receipts to the native wire. Lists are written as text: what the store
// keeps as canonical JSON goes out as it is.

import { patchBetween } from '../../core/diff.ts';
import type { Entry, Receipt } from '../../core/entry.ts';
import { formatInstant } from '../../core/instant.ts';
import { toBase64 } from '../../core/section.ts';
import type { Organization } from '../../directory/directory.ts';
import type { DirectoryResource } from '../../directory/view.ts';
import type { CompleteRow, Head, StateAt } from '../../query/read.ts';

export function receiptText({
  id,
  position,
  version,
  recordedAt,
  continuity,
  changed,
  leafHash,
}: Receipt): string {
  return `{"id":"${id}","position":${position},"version":${version},"recordedAt":"${formatInstant(recordedAt)}","continuity":"${continuity}","changed":${changed},"leafHash":"${toBase64(leafHash)}"}`;
}

function rowText(row: CompleteRow): string {
  let text = `{"id":"${row.id}","position":${row.position},"version":${row.version}`;
  text += `,"recordedAt":"${formatInstant(row.recordedAt)}","occurredAt":"${formatInstant(row.occurredAt)}"`;
  text += `,"resource":${JSON.stringify(row.resource)},"action":"${row.action}"`;
  if (row.event !== undefined) text += `,"event":${JSON.stringify(row.event)}`;
  text += `,"actor":${row.actor},"related":${row.related.length === 0 ? '[]' : JSON.stringify(row.related)}`;
  if (row.context !== undefined) text += `,"context":${row.context}`;
  if (row.metadata !== undefined) text += `,"metadata":${row.metadata}`;
  text += `,"continuity":"${row.continuity}","changed":${row.changed},"changes":${row.changes}`;
  text += `,"leafHash":"${toBase64(row.leafHash)}"`;
  if (row.after !== undefined) text += `,"before":${row.before ?? 'null'},"after":${row.after ?? 'null'}`;
  return `${text}}`;
}

/** An entry as it stands in a list. */
export interface EntryText {
  position: number;
  /** UTF-8. */
  text: Buffer;
}

export function toText(row: CompleteRow): EntryText {
  return { position: row.position, text: Buffer.from(rowText(row)) };
}

const START = Buffer.from('{"data":[');
const COMMA = Buffer.from(',');

/** `{"data": [...], "next": …, "count": …}` in UTF-8. */
export function listBytes(items: readonly EntryText[], next: string | null, count?: number): Buffer {
  return Buffer.concat([START, ...separated(items), endOfList(next, count)]);
}

/** The same in pieces, one for each lot of items; no lot is empty. */
export async function* listPieces(
  lots: AsyncIterable<readonly EntryText[]>,
  next: string | null,
  count?: number,
): AsyncGenerator<Buffer> {
  let before = START;
  for await (const items of lots) {
    yield Buffer.concat([before, ...separated(items)]);
    before = COMMA;
  }
  const end = endOfList(next, count);
  yield before === START ? Buffer.concat([START, end]) : end;
}

function separated(items: readonly EntryText[]): Buffer[] {
  return items.flatMap(({ text }, index) => (index === 0 ? text : [COMMA, text]));
}

function endOfList(next: string | null, count: number | undefined): Buffer {
  const counted = count === undefined ? '' : `,"count":${count}`;
  return Buffer.from(`],"next":${next === null ? 'null' : `"${next}"`}${counted}}`);
}

export function toWholeEntry(entry: Entry): object {
  const { leafHash, recordedAt, occurredAt, before = null, after = null, ...rest } = entry;
  return {
    ...rest,
    recordedAt: formatInstant(recordedAt),
    occurredAt: formatInstant(occurredAt),
    leafHash: toBase64(leafHash),
    before,
    after,
    patch: patchBetween(before, after),
  };
}

export function toStateAt({ changedAt, ...rest }: StateAt): object {
  return { ...rest, changedAt: formatInstant(changedAt) };
}

export function toHead({ size, rootHash }: Head): object {
  return { size, rootHash: toBase64(rootHash) };
}

export function toOrganization({ createdAt, ...rest }: Organization): object {
  return { ...rest, createdAt: formatInstant(createdAt) };
}

export function toToken({
  log,
  id,
  state,
  createdAt,
}: Pick<DirectoryResource, 'log' | 'id' | 'state' | 'createdAt'>): object {
  const { name, scopes, role_id: role, membership_id: membership } = state;
  return {
    id,
    organization: log,
    name,
    scopes: typeof scopes === 'string' ? scopes.split(' ') : [],
    ...(role === undefined ? {} : { role }),
    ...(membership === undefined ? {} : { membership }),
    createdAt: formatInstant(createdAt),
  };
}
