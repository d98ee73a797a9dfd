// Verification: every entry of a log is sealed again from what is stored, and what comes out must be what
// the store keeps: digests, leaves and nodes, versions, the chain of states, streams, latest states and,
// at the end, the head. It stops at the first disagreement, and walks the log in bounded memory.

import { EMPTY_TREE, edgeOf, type Hash, rootHash, type Sha256 } from '../core/merkle.ts';
import type { Latest, Sealed, Tip } from '../core/seal.ts';
import type { Stream } from '../core/streams.ts';
import type { Audit, Filing } from '../store/audit.ts';
import type { LogId, StoredEntry } from '../store/store.ts';
import { PreviousStates } from './previous-states.ts';
import { type Disagreement, Disagrees, disagree, isSame, reseal, streamsOfRow } from './reseal.ts';
import { readRun } from './run.ts';

export interface Verified {
  /** Entries that agree, from the first one on. */
  size: number;
  /** The root recomputed from them. */
  rootHash: Hash;
  disagreement: Disagreement | undefined;
}

/** Entries that are sealed again at one time; their states are in memory together. */
const RUN = 64;

/** @param onProgress told how many entries agree so far, of how many; awaited, so that others get a turn */
export async function verifyLog(
  audit: Audit,
  log: LogId,
  sha256: Sha256,
  onProgress: (done: number, size: number) => void | Promise<void> = () => undefined,
): Promise<Verified> {
  const walk = new Walk(audit, log, sha256);
  const { size } = (await audit.tip(log)).tree;
  let disagreement: Disagreement | undefined;
  try {
    while (walk.tip.tree.size < size) {
      await walk.run(Math.min(RUN, size - walk.tip.tree.size));
      await onProgress(walk.tip.tree.size, size);
    }
    await walk.finish();
  } catch (error) {
    if (!(error instanceof Disagrees)) throw error;
    disagreement = error.disagreement;
  }
  const { tree } = walk.tip;
  return { size: tree.size, rootHash: rootHash(sha256, tree), disagreement };
}

/** An entry as it is stored, and as it comes out when it is sealed again. */
interface Pair {
  row: StoredEntry;
  sealed: Sealed;
}

class Walk {
  /** Behind the last entry that agrees. */
  tip: Tip;
  readonly #audit: Audit;
  readonly #log: LogId;
  readonly #sha256: Sha256;
  readonly #previous: PreviousStates;
  /** How much of each the store must keep. */
  readonly #wanted = { entries: 0, nodes: 0, resources: 0, filings: 0, times: 0 };

  constructor(audit: Audit, log: LogId, sha256: Sha256) {
    this.#audit = audit;
    this.#log = log;
    this.#sha256 = sha256;
    this.#previous = new PreviousStates(audit, log);
    this.tip = { log, tree: EMPTY_TREE, recordedAt: Number.NEGATIVE_INFINITY };
  }

  /** Verifies the next entries, `most` at most. */
  async run(most: number): Promise<void> {
    const rows = await readRun(this.#audit, this.#log, this.tip.tree.size, most);
    await this.#previous.load(rows);
    const pairs: Pair[] = [];
    let failure: unknown;
    try {
      let { tip } = this;
      for (const row of rows) {
        const sealed = reseal(row, tip, this.#previous.get(row.resource), this.#sha256);
        this.#previous.set(row.resource, sealed.latest);
        tip = sealed.tip;
        pairs.push({ row, sealed });
      }
    } catch (error) {
      failure = error;
    }
    // Whatever is wrong with the entries before the one that failed comes first.
    await this.#compare(pairs);
    if (failure !== undefined) throw failure;
  }

  /** Verifies what can be told of the log as a whole only. */
  async finish(): Promise<void> {
    const { tree, recordedAt } = this.tip;
    const head = await this.#audit.tip(this.#log);
    edgeOf(tree.size).forEach(({ level, index }, at) => {
      must(
        isSame(head.tree.edge[at], tree.edge[at]),
        'head',
        `node ${level}/${index} is not the one recomputed`,
      );
    });
    const isAt = head.tree.size === tree.size && head.recordedAt === recordedAt;
    must(
      isAt,
      'head',
      `it must be at ${tree.size}, ${recordedAt}, got ${head.tree.size}, ${head.recordedAt}`,
    );
    const kept = await this.#audit.kept(this.#log);
    for (const name of ['entries', 'nodes', 'resources', 'times'] as const) {
      const [wanted, got] = [this.#wanted[name], kept[name]];
      must(wanted === got, name, `there must be ${wanted}, got ${got}`);
    }
    const filed = await this.#checkStreamSizes();
    if (filed > this.#wanted.filings) await this.#nameStranger();
    must(
      filed === kept.filings,
      'streams',
      `${kept.filings} entries are filed, ${filed} of them in streams with a name`,
    );
  }

  /** Compares what the store keeps beside the entries. */
  async #compare(pairs: readonly Pair[]): Promise<void> {
    const names = pairs.flatMap(({ sealed }) => sealed.nodes.map(({ level, index }) => ({ level, index })));
    const nodes = (await this.#audit.nodes(this.#log, names)).values();
    const filed = pairs.map(({ row: { id, position, occurredAt, action }, sealed: { entry } }) => {
      return { id, position, occurredAt, isAccess: action === 'access', streams: entry.streams };
    });
    const filings = await this.#audit.filings(this.#log, filed);
    for (const [index, { row, sealed }] of pairs.entries()) {
      for (const node of sealed.nodes) {
        if (isSame(nodes.next().value, node.hash)) continue;
        disagree(row, `node ${node.level}/${node.index}`, 'it is missing, or not the one recomputed');
      }
      const filing = filings[index] as Filing;
      mustBeFiled(row, sealed.entry.streams, filing);
      const history = filing.places[0];
      if (history?.number === history?.size) await this.#checkLatest(row, sealed.latest);
      this.#wanted.entries += 1;
      this.#wanted.nodes += sealed.nodes.length;
      this.#wanted.filings += sealed.entry.streams.length;
      this.#wanted.times += row.action === 'access' ? 1 : 2;
      this.tip = sealed.tip;
    }
  }

  /** The entry is the last of its resource: the latest state must be the one that it left. */
  async #checkLatest(row: StoredEntry, wanted: Latest): Promise<void> {
    this.#wanted.resources += 1;
    const [got] = await this.#audit.latest(this.#log, [row.resource]);
    const isIt =
      got?.version === wanted.version &&
      got.stateVersion === wanted.stateVersion &&
      got.statePosition === wanted.statePosition &&
      got.state?.text === wanted.state?.text &&
      got.resource.name === wanted.resource.name;
    if (!isIt) disagree(row, 'latest state', 'that of its resource is not the one that this entry left');
  }

  /** Answers how many entries are filed in all streams together. */
  async #checkStreamSizes(): Promise<number> {
    let total = 0;
    for await (const { stream, size, filed } of this.#streams()) {
      must(size === filed, `stream ${stream}`, `its size is ${size}, and ${filed} entries are filed in it`);
      total += filed;
    }
    return total;
  }

  /** Finds the entry that is filed where it does not belong. */
  async #nameStranger(): Promise<void> {
    for await (const { stream } of this.#streams()) {
      let behind: StoredEntry | undefined;
      do {
        const range = { by: 'position', order: 'asc', limit: RUN, behind } as const;
        const rows = await this.#audit.select(this.#log, { streams: [stream] }, range, { states: true });
        const stranger = rows.find((row) => !streamsOfRow(row).includes(stream));
        if (stranger !== undefined)
          disagree(stranger, `stream ${stream}`, 'it is filed there, and does not belong there');
        behind = rows.at(-1);
      } while (behind !== undefined);
    }
  }

  async *#streams(): AsyncGenerator<{ stream: Stream; size: number; filed: number }> {
    let behind: Stream | undefined;
    do {
      const page = await this.#audit.streams(this.#log, behind, 1000);
      yield* page;
      behind = page.at(-1)?.stream;
    } while (behind !== undefined);
  }
}

function mustBeFiled(row: StoredEntry, streams: readonly Stream[], filing: Filing): void {
  for (const [index, stream] of streams.entries()) {
    const place = filing.places[index];
    if (place === undefined) disagree(row, `stream ${stream}`, 'it is not filed there');
    if (place.number === place.previous + 1) continue;
    disagree(row, `stream ${stream}`, `its number there must be ${place.previous + 1}, got ${place.number}`);
  }
  const { number } = filing.places[0] ?? {};
  if (number !== row.version)
    disagree(row, 'version', `its number in its history is ${number}, got ${row.version}`);
  if (!filing.isById) disagree(row, 'id', 'it is not found by its id');
  if (!filing.isByTime) disagree(row, 'occurredAt', 'it is not found by its moment');
}

function must(isSo: boolean, what: string, detail: string): void {
  if (!isSo) throw new Disagrees({ what, detail });
}
