// The one way into the log: every write of every dialect passes here.

import type { Receipt, ResourceRef } from '../core/entry.ts';
import { AnnalsError } from '../core/errors.ts';
import { receiptOf } from '../core/seal.ts';
import type { LogId, Store, StoredEntry } from '../store/store.ts';
import { LatestStates } from './latest-states.ts';
import type { Outcome, Proposal } from './proposal.ts';
import { KeyTaken, LogRecorder } from './recorder.ts';
import type { RequestKey, Sealing } from './sealed-batch.ts';

/**
 * Records proposals of one log, all or none, and answers when they are durable: a receipt for each, in
 * their order. Where nothing differed, the receipt is that of the entry that left the state, with
 * `changed: false`. With a request key, a repetition is answered with the first receipts.
 * @throws AnnalsError, and then nothing was kept (unless the store lost its reply: `store_unavailable`)
 */
export type Record = (
  log: LogId,
  proposals: readonly Proposal[],
  requestKey?: RequestKey,
) => Promise<Receipt[]>;

/**
 * The receipts that a request was answered with; undefined where its key is new.
 * @throws AnnalsError `idempotency_key_reused`
 */
export type Recorded = (log: LogId, requestKey: RequestKey) => Promise<Receipt[] | undefined>;

/** What became of one of many. */
export type Settled = { receipt: Receipt } | { error: unknown };

/**
 * Records proposals of one log, each for itself, and answers when all are settled, in their order. A proposal may
 * throw AnnalsError when its resource is asked for, or when it is derived: that is its error.
 * @param admit throws where a resource is not to be written
 */
export type RecordEach = (
  log: LogId,
  proposals: readonly Proposal[],
  admit?: (resource: ResourceRef) => void,
) => Promise<Settled[]>;

export interface Recorder {
  record: Record;
  recordEach: RecordEach;
  recorded: Recorded;
}

/** Logs whose recorder stays at hand. */
const MOST_RECORDERS = 1000;

export function makeRecorder(store: Store, sealing: Sealing): Recorder {
  const recorders = new Map<LogId, LogRecorder>();
  const states = new LatestStates();
  const keysInFlight = new Set<string>();
  store.subscribe?.((news) => {
    if (news.kind === 'head') recorders.get(news.log)?.headMoved(news.size);
    if (news.kind === 'missed') for (const recorder of recorders.values()) recorder.headMoved();
  });

  return { record, recordEach, recorded };

  async function record(
    log: LogId,
    proposals: readonly Proposal[],
    requestKey?: RequestKey,
  ): Promise<Receipt[]> {
    const recorder = recorderOf(log);
    if (requestKey === undefined) return receipts(log, await recorder.submit(proposals));
    const inFlight = `${log} ${requestKey.key}`;
    if (keysInFlight.has(inFlight)) throw keyInFlight();
    keysInFlight.add(inFlight);
    try {
      const kept = await keptOutcomes(log, requestKey);
      return await receipts(log, kept ?? (await submitKeyed(recorder, log, proposals, requestKey)));
    } finally {
      keysInFlight.delete(inFlight);
    }
  }

  async function recordEach(
    log: LogId,
    proposals: readonly Proposal[],
    admit?: (resource: ResourceRef) => void,
  ): Promise<Settled[]> {
    const settled = await recorderOf(log).submitEach(proposals, admit);
    const isFresh = (one: Outcome | { error: unknown }): one is Settled => !('unchangedAt' in one);
    if (settled.every(isFresh)) return settled;
    return Promise.all(
      settled.map(async (one) => {
        if (isFresh(one)) return one;
        const [receipt] = await receipts(log, [one]);
        return { receipt: receipt as Receipt };
      }),
    );
  }

  async function recorded(log: LogId, requestKey: RequestKey): Promise<Receipt[] | undefined> {
    const kept = await keptOutcomes(log, requestKey);
    return kept && receipts(log, kept);
  }

  function recorderOf(log: LogId): LogRecorder {
    let recorder = recorders.get(log);
    if (recorder === undefined) {
      for (const [other, candidate] of recorders) {
        if (recorders.size < MOST_RECORDERS) break;
        if (candidate.isIdle) recorders.delete(other);
      }
      recorder = new LogRecorder(store, log, sealing, states);
      recorders.set(log, recorder);
    }
    return recorder;
  }

  async function submitKeyed(
    recorder: LogRecorder,
    log: LogId,
    proposals: readonly Proposal[],
    requestKey: RequestKey,
  ): Promise<Outcome[]> {
    try {
      return await recorder.submit(proposals, requestKey);
    } catch (error) {
      if (!(error instanceof KeyTaken)) throw error;
      return (await keptOutcomes(log, requestKey)) ?? (await recorder.submit(proposals, requestKey));
    }
  }

  /** The outcomes kept under a key, found again in the log. */
  async function keptOutcomes(log: LogId, { key, fingerprint }: RequestKey): Promise<Outcome[] | undefined> {
    const kept = await store.answer(log, key);
    if (kept === undefined) return undefined;
    if (kept.fingerprint !== fingerprint) throw keyReused();
    const answer = JSON.parse(kept.answer) as ({ position: number } | { unchangedAt: number })[];
    return Promise.all(
      answer.map(async (outcome) =>
        'position' in outcome ? { receipt: receiptOf(await entryAt(log, outcome.position)) } : outcome,
      ),
    );
  }

  function receipts(log: LogId, outcomes: Outcome[]): Receipt[] | Promise<Receipt[]> {
    if (outcomes.every((outcome) => 'receipt' in outcome)) return outcomes.map(({ receipt }) => receipt);
    return Promise.all(
      outcomes.map(async (outcome) =>
        'receipt' in outcome
          ? outcome.receipt
          : { ...receiptOf(await entryAt(log, outcome.unchangedAt)), changed: false },
      ),
    );
  }

  async function entryAt(log: LogId, position: number): Promise<StoredEntry> {
    const range = { by: 'position', order: 'desc', limit: 1, below: position + 1 } as const;
    const [entry] = await store.select(log, { streams: [] }, range);
    if (entry === undefined)
      throw new AnnalsError('internal', `the log has no entry at position ${position}`);
    return entry;
  }
}

export function keyInFlight(): AnnalsError {
  return new AnnalsError('idempotency_key_in_flight', IN_FLIGHT, KEY_FIELD);
}

export function keyReused(): AnnalsError {
  return new AnnalsError('idempotency_key_reused', REUSED, KEY_FIELD);
}

const KEY_FIELD = { field: 'Idempotency-Key' };
const IN_FLIGHT = 'a request with this Idempotency-Key is under way; send it again when that is answered';
const REUSED = 'this Idempotency-Key was used with other content';
