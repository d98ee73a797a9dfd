// Recording: proposals of many requests are gathered, sealed and appended, one log at a time.
//
// Up to MOST_FLIGHTS appends are under way while the next batch is sealed on top of them, each with
// half of what is waiting: while one half is on its way to the disk, the other is answered and comes
// again. That is safe because a store appends only where the log ends as expected: if an
// append fails, those behind it find the log stale, keep nothing, and are sealed again.

import type { ResourceRef } from '../core/entry.ts';
import type { Latest, Tip } from '../core/seal.ts';
import type { AppendResult, LogId, Store, Turn } from '../store/store.ts';
import { type KnownLatest, type LatestStates, resourceKey } from './latest-states.ts';
import type { Outcome, Proposal } from './proposal.ts';
import { type RequestKey, SealedBatch, type Sealing, type Submission } from './sealed-batch.ts';
import { StatesAhead } from './states-ahead.ts';
import { answeredTogether, type SettledOne } from './together.ts';

const MOST_FLIGHTS = 3;
const MOST_CHANGES = 512;
/** After so many submissions other work gets its turn: sealing takes some 50 µs each. */
const SEALED_AT_ONCE = 64;
/** So few changes are not worth an append of their own behind one that is under way: it costs as much as they do. */
const FEW = 16;

/** An append under way, and the submissions that it answers. */
interface Flight {
  submissions: Answered[];
  latest: Map<string, Latest>;
  ids: Set<string>;
  result: AppendResult | undefined;
  landed: Promise<void>;
}

/** What a submission came to, on the states that were at hand: true once its flight has landed. */
interface Answered {
  submission: Submission;
  outcomes: Outcome[];
  /** Why it is refused, such as a version that is not the expected one. */
  refusal?: unknown;
}

export class LogRecorder {
  readonly #store: Store;
  readonly #log: LogId;
  readonly #sealing: Sealing;
  readonly #states: LatestStates;
  #queue: Submission[] = [];
  #flights: Flight[] = [];
  /** The tip behind the last flight; undefined: to be read. */
  #tip: Tip | undefined;
  /** Part of the keys under which states are at hand: a new number forgets them all. */
  #generation = 0;
  #isDraining = false;
  /** Called when enough is waiting for another flight. */
  #wake: (() => void) | undefined;
  /** While a turn is waited for. */
  #ahead: StatesAhead | undefined;
  #staleInARow = 0;
  /** Do other servers write to this log? Then they take turns. */
  #isContended = false;
  /** The log's size behind the last append of this recorder. */
  #leftAt: number | undefined;

  /** @param states shared with the recorders of other logs */
  constructor(store: Store, log: LogId, sealing: Sealing, states: LatestStates) {
    this.#store = store;
    this.#log = log;
    this.#sealing = sealing;
    this.#states = states;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#flights.length === 0;
  }

  /** Resolves when the proposals are durable; rejects with AnnalsError where none was kept. */
  submit(proposals: readonly Proposal[], requestKey?: RequestKey): Promise<Outcome[]> {
    return new Promise((resolve, reject) => {
      this.#enqueue([{ proposals, requestKey, admit: undefined, known: undefined, resolve, reject }]);
    });
  }

  /**
   * Each proposal is a submission of its own; resolves when all are settled.
   * @param admit throws where a resource is not to be written
   */
  submitEach(
    proposals: readonly Proposal[],
    admit: ((resource: ResourceRef) => void) | undefined,
  ): Promise<SettledOne[]> {
    if (proposals.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => this.#enqueue(answeredTogether(proposals, admit, resolve)));
  }

  #enqueue(submissions: readonly Submission[]): void {
    for (const submission of submissions) this.#queue.push(submission);
    if (this.#mayFly()) this.#wake?.();
    this.#ahead?.askSoon();
    void this.#drain();
  }

  /** Another server may have appended: what is at hand is read again, unless an append is about to find out. */
  headMoved(size = Number.POSITIVE_INFINITY): void {
    if (this.#isDraining || this.#tip === undefined || this.#tip.tree.size >= size) return;
    this.#tip = undefined;
    this.#generation += 1;
  }

  async #drain(): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    // Requests that came in the same turn of the event loop share the first append.
    await Promise.resolve();
    while (this.#queue.length > 0 || this.#flights.length > 0) {
      if (this.#isContended && this.#flights.length === 0) await this.#recordInTurn();
      else if (this.#mayFly()) await this.#record(this.#take(), this.#store);
      else await this.#landedOrWoken();
      await this.#settle();
    }
    this.#isDraining = false;
  }

  /** Another flight pays when as much is waiting as is under way; a transaction for less would hold up the rest. */
  #mayFly(): boolean {
    const [first, ...others] = this.#flights;
    if (first === undefined) return this.#queue.length > 0;
    // One that appends nothing looks at the head: another append would move it.
    if (this.#flights.some(({ ids, latest }) => ids.size === 0 && latest.size === 0)) return false;
    if (others.length + 1 >= MOST_FLIGHTS || this.#queue.length < first.submissions.length) return false;
    let changes = 0;
    return this.#queue.some(({ proposals }) => {
      changes += proposals.length;
      return changes >= FEW;
    });
  }

  #landedOrWoken(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return Promise.race([(this.#flights[0] as Flight).landed, woken]).finally(() => {
      this.#wake = undefined;
    });
  }

  /** One batch with all that is waiting, sealed while no other server appends. */
  async #recordInTurn(): Promise<void> {
    let hasRun = false;
    const work = async (turn: Turn): Promise<void> => {
      const { tip, states } = await this.#readInTurn(turn);
      // From here to the generation without a pause: a new head beside old states would be sealed on, and accepted.
      this.#tip = tip;
      this.#isContended = tip.tree.size !== this.#leftAt;
      // The states at hand are those behind our own last append.
      if (this.#isContended) this.#generation += 1;
      for (const [key, latest] of states) this.#states.set(this.#keyOf(key), latest);
      hasRun = true;
      await this.#record(this.#take(), turn);
      await this.#flights[0]?.landed;
    };
    try {
      await this.#store.turn?.(this.#log, work);
    } catch {
      // Whoever waited for an append has heard from it. Without a turn it goes on as if it were alone.
    }
    if (!hasRun) await this.#record(this.#take(), this.#store);
  }

  /** The head, and the latest states of what is to be sealed first. */
  async #readInTurn(turn: Turn): Promise<{ tip: Tip; states: ReadonlyMap<string, KnownLatest> }> {
    const ahead = new StatesAhead(
      () => this.#queue.slice(0, SEALED_AT_ONCE),
      (resources) => turn.latest(this.#log, resources),
    );
    this.#ahead = ahead;
    try {
      ahead.askSoon();
      const tip = await turn.tip(this.#log);
      return { tip, states: await ahead.all() };
    } finally {
      this.#ahead = undefined;
      ahead.end();
    }
  }

  /** Seals and appends a batch, in this order. */
  async #record(batch: Submission[], store: Turn): Promise<void> {
    const submissions: Answered[] = [];
    const deferred: Submission[] = [];
    let sealed: SealedBatch;
    try {
      // 1. The head is read before the states: an append that is accepted on it proves that they were still the latest.
      this.#tip ??= await store.tip(this.#log);
      sealed = new SealedBatch(this.#tip, this.#sealing);
      for (let from = 0; from < batch.length; from += SEALED_AT_ONCE) {
        if (from > 0) await new Promise((resolve) => setImmediate(resolve));
        const some = batch.slice(from, from + SEALED_AT_ONCE).filter(isAdmitted);
        // 2. The latest states; those of the flights under way first.
        const missing = this.#missingStates(some, sealed);
        if (missing.size > 0) await this.#loadStates(missing, sealed, store);
        // 3. Everything is sealed by pure functions.
        for (const submission of some) {
          if (this.#isUnderWay(submission, sealed)) deferred.push(submission);
          else submissions.push(sealedInto(sealed, submission));
        }
        sealed.pack(this.#store);
      }
    } catch (error) {
      for (const submission of batch) submission.reject(error);
      return;
    }
    // The same id is under way: it is looked up when that has landed.
    this.#queue.unshift(...deferred);
    const flight: Flight = {
      submissions,
      latest: sealed.latest,
      ids: sealed.ids,
      result: undefined,
      landed: Promise.resolve(),
    };
    // 4. One append for all.
    flight.landed = this.#append(flight, this.#tip.tree.size, sealed, store);
    this.#tip = sealed.tip;
    for (const [key, latest] of sealed.latest) this.#states.set(this.#keyOf(key), latest);
    this.#flights.push(flight);
    // 5. If it was stale, `#settle` puts the batch back, to be sealed again.
  }

  #isUnderWay({ proposals }: Submission, sealed: SealedBatch): boolean {
    for (const { id } of proposals) {
      if (id === undefined) continue;
      if (sealed.ids.has(id)) return true;
      for (const { ids } of this.#flights) if (ids.has(id)) return true;
    }
    return false;
  }

  async #append(
    flight: Flight,
    expectedSize: number,
    { parent, packed, entries, nodes, tip, latest, answers }: SealedBatch,
    store: Turn,
  ): Promise<void> {
    const batch = { parent, packed, entries, nodes, tip, latest: [...latest.values()], answers };
    try {
      if (packed.length === 0 && entries.length === 0 && answers.length === 0) {
        flight.result = await this.#confirm(tip, store);
        return;
      }
      flight.result = await store.append(this.#log, expectedSize, batch);
      if (flight.result.outcome === 'appended') this.#leftAt = tip.tree.size;
    } catch (error) {
      for (const { submission } of flight.submissions) submission.reject(error);
      flight.submissions = [];
      flight.result = { outcome: 'stale' };
    }
  }

  /**
   * Where there is nothing to append, no append proves that the states at hand were the latest: another server may
   * have changed them unheard. So the head is read again, behind the flights before.
   */
  async #confirm({ tree }: Tip, store: Turn): Promise<AppendResult> {
    await Promise.all(this.#flights.map(({ landed }) => landed));
    const now = (await store.tip(this.#log)).tree;
    const [wanted, got] = [tree.edge.at(-1), now.edge.at(-1)];
    const isSame = now.size === tree.size && Buffer.compare(wanted ?? NO_HASH, got ?? NO_HASH) === 0;
    return { outcome: isSame ? 'appended' : 'stale' };
  }

  /** Answers the flights that have landed. If one failed, waits for those behind it and puts all back in order. */
  async #settle(): Promise<void> {
    while (this.#flights[0]?.result?.outcome === 'appended') {
      const flight = this.#flights.shift() as Flight;
      this.#staleInARow = 0;
      for (const answered of flight.submissions) answer(answered);
    }
    if (this.#flights[0]?.result === undefined) return;
    await Promise.all(this.#flights.map(({ landed }) => landed));
    // One behind a lost reply may have been appended all the same, on top of what was kept.
    for (const { result, submissions } of this.#flights) {
      if (result?.outcome !== 'appended') continue;
      for (const answered of submissions) answer(answered);
    }
    const failed = this.#flights.filter(({ result }) => result?.outcome !== 'appended');
    this.#flights = [];
    this.#tip = undefined;
    this.#generation += 1;
    this.#queue.unshift(
      ...failed.flatMap(({ submissions }) => submissions.map(({ submission }) => submission)),
    );
    try {
      await this.#learn(failed[0]?.result);
    } catch (error) {
      for (const submission of this.#queue.splice(0)) submission.reject(error);
    }
  }

  /** Before the batch is sealed again: what the log has already, or a pause where others write as well. */
  async #learn(result: AppendResult | undefined): Promise<void> {
    if (result?.outcome !== 'repeated') {
      this.#staleInARow += 1;
      this.#isContended = this.#store.turn !== undefined;
      if (this.#isContended) return;
      const mostMs = Math.min(50, 2 ** this.#staleInARow);
      if (this.#staleInARow > 1) await new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));
      return;
    }
    const entries = await this.#store.find(this.#log, result.ids);
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    const keys = new Set(result.keys);
    this.#queue = this.#queue.filter((submission) => {
      for (const proposal of submission.proposals) {
        const entry = proposal.id === undefined ? undefined : byId.get(proposal.id);
        if (entry === undefined) continue;
        submission.known ??= new Map();
        submission.known.set(entry.id, entry);
      }
      if (submission.requestKey === undefined || !keys.has(submission.requestKey.key)) return true;
      submission.reject(new KeyTaken());
      return false;
    });
  }

  #take(): Submission[] {
    const underWay = this.#flights.reduce((sum, { submissions }) => sum + submissions.length, 0);
    const share = this.#isContended ? 1 : 2;
    const half = Math.max(FEW, Math.ceil((this.#queue.length + underWay) / share));
    let count = 0;
    let taken = 0;
    while (taken < Math.min(half, this.#queue.length) && (taken === 0 || count < MOST_CHANGES)) {
      count += (this.#queue[taken] as Submission).proposals.length;
      taken += 1;
    }
    return this.#queue.splice(0, taken);
  }

  /** Tells the batch the states that are at hand; answers the resources of which none is. */
  #missingStates(batch: Submission[], sealed: SealedBatch): Map<string, ResourceRef> {
    const missing = new Map<string, ResourceRef>();
    for (const { proposals } of batch) {
      for (const { resource } of proposals) {
        const key = resourceKey(resource);
        if (sealed.known.has(key) || missing.has(key)) continue;
        const atHand = this.#states.get(this.#keyOf(key)) ?? this.#underWay(key);
        if (atHand === undefined) missing.set(key, resource);
        else sealed.known.set(key, atHand.latest);
      }
    }
    return missing;
  }

  async #loadStates(missing: Map<string, ResourceRef>, { known }: SealedBatch, store: Turn): Promise<void> {
    const found = await store.latest(this.#log, [...missing.values()]);
    [...missing.keys()].forEach((key, index) => {
      known.set(key, found[index]);
      this.#states.set(this.#keyOf(key), found[index]);
    });
  }

  #underWay(key: string): { latest: KnownLatest } | undefined {
    const flight = this.#flights.findLast(({ latest }) => latest.has(key));
    return flight && { latest: flight.latest.get(key) };
  }

  #keyOf(key: string): string {
    return `${this.#log} ${this.#generation} ${key}`;
  }
}

const NO_HASH = new Uint8Array(0);

/** Seals a submission into the batch, or notes why it is refused. */
function sealedInto(sealed: SealedBatch, submission: Submission): Answered {
  try {
    return { submission, outcomes: sealed.add(submission) };
  } catch (refusal) {
    return { submission, outcomes: [], refusal };
  }
}

/** Rejects what may not be written, or cannot be read. */
function isAdmitted(submission: Submission): boolean {
  const { proposals, admit } = submission;
  try {
    for (const { resource } of proposals) admit?.(resource);
    return true;
  } catch (error) {
    submission.reject(error);
    return false;
  }
}

function answer({ submission, outcomes, refusal }: Answered): void {
  if (refusal === undefined) submission.resolve(outcomes);
  else submission.reject(refusal);
}

/** The request's key was used by another server at the same time: its answer is in the store now. */
export class KeyTaken extends Error {}
