// The one write: a batch as the arrays that annals.append takes.

import { isIP } from 'node:net';
import type { Instant } from '../../core/instant.ts';
import { SPAN } from '../../core/plan.ts';
import type { SealedEntry } from '../../core/seal.ts';
import type { StateText } from '../../core/state-text.ts';
import type { Stream } from '../../core/streams.ts';
import type { Batch, LogId, Packed } from '../store.ts';
import {
  bigintArray,
  booleanArray,
  bytesArray,
  instantArray,
  instantValue,
  integerArray,
  joinArrays,
  jsonArray,
  jsonbArray,
  smallintArray,
  textArray,
  uuidArray,
} from './arrays.ts';
import { streamKey, yearOf } from './keys.ts';
import { joinSeals, sectionsOf } from './rows.ts';

/** What annals.append answers. */
export interface AppendRow {
  outcome: 'appended' | 'stale' | 'repeated' | 'went back';
  head_size: number;
  repeated_ids: string[] | null;
  repeated_keys: string[] | null;
}

type Parameter = [name: string, type: string, value: Buffer | string | number | null];

/** Entries as the columns of arrays that annals.append takes, and what the other tables need to know of them. */
export interface Columns extends Packed {
  parameters: [name: string, type: string, value: Buffer][];
  filed: Filed[];
}

type Filed = Pick<SealedEntry, 'position' | 'recordedAt' | 'occurredAt' | 'streams'>;

export function columnsOf(entries: readonly SealedEntry[]): Columns {
  return {
    count: entries.length,
    parameters: entryParameters(entries),
    filed: entries.map(({ position, recordedAt, occurredAt, streams }) => ({
      position,
      recordedAt,
      occurredAt,
      streams,
    })),
  };
}

/** All entries of a batch. */
export function joinedColumns({ packed = [], entries }: Batch): Columns {
  const all = packed as readonly Columns[];
  const parts = entries.length > 0 || all.length === 0 ? [...all, columnsOf(entries)] : all;
  const [first] = parts as [Columns, ...Columns[]];
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    parameters: first.parameters.map(([name, type], index) => [
      name,
      type,
      joinArrays(parts.map(({ parameters }) => parameters[index]?.[2] as Buffer)),
    ]),
    filed: parts.flatMap(({ filed }) => filed),
  };
}

/**
 * The call of annals.append.
 * @param floor the log's size as this process has seen it: a smaller one means that the log went back
 */
export function appendCall(
  log: LogId,
  expectedSize: number,
  floor: number,
  batch: Batch,
): { text: string; values: Parameter[2][] } {
  const { tree, recordedAt } = batch.tip;
  const { parameters: entries, filed } = joinedColumns(batch);
  const parameters: Parameter[] = [
    ['p_log', 'uuid', log],
    ['p_size', 'bigint', expectedSize],
    ['p_parent', 'bytea', batch.parent === undefined ? null : Buffer.from(batch.parent)],
    ['p_floor', 'bigint', floor],
    ['p_new_size', 'bigint', tree.size],
    ['p_recorded_at', 'timestamptz', Number.isFinite(recordedAt) ? instantValue(recordedAt) : null],
    ...streamParameters(filed),
    ...entries,
    ...nodeParameters(batch),
    ...spanParameters(filed),
    ...latestParameters(batch),
    ...answerParameters(batch),
  ];
  const given = parameters.map(([name, type], index) => `${name} => $${index + 1}::${type}`);
  return {
    text: `SELECT * FROM annals.append(${given.join(', ')})`,
    values: parameters.map(([, , value]) => value),
  };
}

function entryParameters(entries: readonly SealedEntry[]): Columns['parameters'] {
  const each = <Value>(value: (entry: SealedEntry) => Value): Value[] => entries.map(value);
  return [
    ['p_positions', 'bigint[]', bigintArray(each((entry) => entry.position))],
    ['p_ids', 'uuid[]', uuidArray(each((entry) => entry.id))],
    ['p_recorded', 'timestamptz[]', instantArray(each((entry) => entry.recordedAt))],
    ['p_occurred', 'timestamptz[]', instantArray(each((entry) => entry.occurredAt))],
    ['p_versions', 'bigint[]', bigintArray(each((entry) => entry.version))],
    ['p_priors', 'bigint[]', bigintArray(each((entry) => entry.prior))],
    ['p_years', 'smallint[]', smallintArray(each((entry) => yearOf(entry.recordedAt)))],
    ['p_sections', 'smallint[]', smallintArray(each((entry) => sectionsOf(entry.digests)))],
    ['p_changed', 'boolean[]', booleanArray(each((entry) => entry.changed))],
    ['p_actions', 'text[]', textArray(each((entry) => entry.action))],
    ['p_continuities', 'text[]', textArray(each((entry) => entry.continuity))],
    ['p_types', 'text[]', textArray(each((entry) => entry.resource.type))],
    ['p_resource_ids', 'text[]', textArray(each((entry) => entry.resource.id))],
    ['p_names', 'text[]', textArray(each((entry) => entry.resource.name))],
    ['p_events', 'text[]', textArray(each((entry) => entry.event))],
    ['p_ips', 'text[]', textArray(each((entry) => addressOf(entry.context)))],
    ['p_related', 'json[]', jsonArray(each((entry) => relatedText(entry)))],
    ['p_actors', 'json[]', jsonArray(each((entry) => entry.actor))],
    ['p_contexts', 'json[]', jsonArray(each((entry) => entry.context))],
    ['p_metadata', 'json[]', jsonArray(each((entry) => entry.metadata))],
    ['p_changes', 'json[]', jsonArray(each((entry) => entry.changes))],
    ['p_salts', 'bytea[]', bytesArray(each((entry) => joinSeals(entry.salts)))],
    ['p_digests', 'bytea[]', bytesArray(each((entry) => joinSeals(entry.digests)))],
    ['p_leaves', 'bytea[]', bytesArray(each((entry) => entry.leafHash))],
    ['p_after', 'jsonb[]', jsonbArray(each((entry) => keptState(entry.after)))],
    ['p_before', 'jsonb[]', jsonbArray(each((entry) => keptState(entry.before)))],
  ];
}

/**
 * Each stream's name once, and the filings as indexes into the names, which count from 1 as arrays do in
 * SQL. Stream by stream, so that neighbours go to one page of the index.
 */
function streamParameters(entries: readonly Filed[]): Parameter[] {
  const streams = new Map<Stream, Filed[]>();
  for (const entry of entries) {
    for (const name of entry.streams) {
      const filed = streams.get(name);
      if (filed === undefined) streams.set(name, [entry]);
      else filed.push(entry);
    }
  }
  const indexes = new Map([...streams.keys()].map((name, index) => [name, index + 1]));
  const all = [...streams.values()];
  const filed = all.flat();
  return [
    ['p_streams', 'text[]', textArray([...streams.keys()].map(streamKey))],
    ['p_counts', 'bigint[]', bigintArray(all.map(({ length }) => length))],
    [
      'p_own_streams',
      'integer[]',
      integerArray(entries.map(({ streams }) => indexes.get(streams[0] as Stream) as number)),
    ],
    [
      'p_filed_streams',
      'integer[]',
      integerArray(all.flatMap(({ length }, index) => Array(length).fill(index + 1))),
    ],
    ['p_filed_ranks', 'bigint[]', bigintArray(all.flatMap((some) => some.map((_, rank) => rank + 1)))],
    ['p_filed_positions', 'bigint[]', bigintArray(filed.map(({ position }) => position))],
    ['p_filed_years', 'smallint[]', smallintArray(filed.map(({ recordedAt }) => yearOf(recordedAt)))],
  ];
}

function nodeParameters({ nodes }: Batch): Parameter[] {
  return [
    ['p_levels', 'smallint[]', smallintArray(nodes.map(({ level }) => level))],
    ['p_nodes', 'bigint[]', bigintArray(nodes.map(({ index }) => index))],
    ['p_hashes', 'bytea[]', bytesArray(nodes.map(({ hash }) => hash))],
  ];
}

interface Span {
  span: number;
  year: number;
  earliest: Instant;
  latest: Instant;
}

function spanParameters(entries: readonly Filed[]): Parameter[] {
  const spans = new Map<string, Span>();
  for (const { position, occurredAt, recordedAt } of entries) {
    const [span, year] = [Math.floor(position / SPAN), yearOf(recordedAt)];
    const key = `${span} ${year}`;
    const known = spans.get(key) ?? { span, year, earliest: occurredAt, latest: occurredAt };
    known.earliest = Math.min(known.earliest, occurredAt);
    known.latest = Math.max(known.latest, occurredAt);
    spans.set(key, known);
  }
  const rows = [...spans.values()];
  return [
    ['p_spans', 'bigint[]', bigintArray(rows.map(({ span }) => span))],
    ['p_span_years', 'smallint[]', smallintArray(rows.map(({ year }) => year))],
    ['p_earliest', 'timestamptz[]', instantArray(rows.map(({ earliest }) => earliest))],
    ['p_latest', 'timestamptz[]', instantArray(rows.map(({ latest }) => latest))],
  ];
}

function latestParameters({ latest }: Batch): Parameter[] {
  return [
    ['p_latest_types', 'text[]', textArray(latest.map(({ resource }) => resource.type))],
    ['p_latest_ids', 'text[]', textArray(latest.map(({ resource }) => resource.id))],
    ['p_latest_names', 'text[]', textArray(latest.map(({ resource }) => resource.name))],
    ['p_latest_versions', 'bigint[]', bigintArray(latest.map(({ version }) => version))],
    ['p_state_versions', 'bigint[]', bigintArray(latest.map(({ stateVersion }) => stateVersion))],
    ['p_state_positions', 'bigint[]', bigintArray(latest.map(({ statePosition }) => statePosition))],
    ['p_is_there', 'boolean[]', booleanArray(latest.map(({ state }) => state !== null))],
  ];
}

function answerParameters({ answers }: Batch): Parameter[] {
  return [
    ['p_keys', 'text[]', textArray(answers.map(({ key }) => key))],
    ['p_fingerprints', 'text[]', textArray(answers.map(({ fingerprint }) => fingerprint))],
    ['p_answers', 'text[]', textArray(answers.map(({ answer }) => answer))],
    ['p_kept_at', 'timestamptz[]', instantArray(answers.map(({ keptAt }) => keptAt))],
  ];
}

/** What the column `ip` takes: no zone, no name, no mask. */
function addressOf(context: string | undefined): string | undefined {
  if (context === undefined || !context.includes('"ip"')) return undefined;
  const ip = (JSON.parse(context) as { ip?: unknown }).ip;
  return typeof ip === 'string' && !ip.includes('%') && isIP(ip) !== 0 ? ip : undefined;
}

function relatedText({ related }: SealedEntry): string | undefined {
  return related.length === 0 ? undefined : JSON.stringify(related);
}

/** A null state is the JSON value null; SQL's NULL is no state at all. */
function keptState(state: StateText | null | undefined): string | undefined {
  return state === undefined ? undefined : (state?.text ?? 'null');
}
