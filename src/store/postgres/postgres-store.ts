// The PostgreSQL store. Several servers may share a database: what another one has appended shows in
// the size that `append` compares.

import type { ResourceRef } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import type { Instant } from '../../core/instant.ts';
import { edgeOf, type Hash, type Tree } from '../../core/merkle.ts';
import type { Latest, SealedEntry, Tip } from '../../core/seal.ts';
import type {
  AppendResult,
  Batch,
  KeptAnswer,
  LatestRow,
  LogId,
  News,
  Organization,
  Parts,
  Range,
  Selection,
  Store,
  StoredEntry,
  Turn,
} from '../store.ts';
import { type AppendRow, appendCall, type Columns, columnsOf, joinedColumns } from './append.ts';
import { instantValue, smallintArray } from './arrays.ts';
import { Database, type Statement } from './database.ts';
import { entriesMissing, isRolledBack, isWithoutPartition, toAnnalsError } from './errors.ts';
import { yearOf } from './keys.ts';
import { Announcer, Listener } from './listener.ts';
import { migrate } from './migrate.ts';
import { withDatabase } from './offline.ts';
import { INSTALLATION, Reads } from './reads.ts';
import { Selector } from './select.ts';
import { takeTurn } from './turn.ts';
import { readPostgresUrl } from './url.ts';

/** Connects to the database that the URL names, and brings its schema up to date. */
export async function openPostgresStore(databaseUrl: string): Promise<Store> {
  const options = readPostgresUrl(databaseUrl);
  try {
    await withDatabase(databaseUrl, (database) => migrate(database));
  } catch (error) {
    throw new AnnalsError('store_unavailable', 'the database could not be opened', {}, error);
  }
  return new PostgresStore(new Database(options), options.listenUrl);
}

const MOST_TRIES = 5;
/** Logs whose head is remembered. */
const MOST_REMEMBERED = 100_000;

/** A head, by which a log that has grown is known again. */
interface Seen {
  size: number;
  /** At the edge of the tree. It covers the last entry, which is another one where the log was set back and has grown again. */
  last: Hash;
  /** Has the database another log in its place? */
  isLost: boolean;
}

export class PostgresStore implements Store {
  readonly #database: Database;
  readonly #reads: Reads;
  readonly #selector: Selector;
  readonly #announcer: Announcer;
  readonly #listenUrl: string | undefined;
  readonly #hearers: ((news: News) => void)[] = [];
  #listener: Listener | undefined;
  /** The greatest head that this process has seen of each log. */
  readonly #seen = new Map<LogId, Seen>();
  #closed: Promise<void> | undefined;
  /** Calls under way: `close` waits for them. */
  readonly #calls = new Set<Promise<unknown>>();

  constructor(database: Database, listenUrl?: string) {
    this.#database = database;
    this.#listenUrl = listenUrl;
    this.#announcer = new Announcer(database);
    this.#reads = new Reads(database);
    this.#selector = new Selector(database);
  }

  pack(entries: readonly SealedEntry[]): Columns {
    return columnsOf(entries);
  }

  append(log: LogId, expectedSize: number, batch: Batch): Promise<AppendResult> {
    // The statement is made at once: the caller may change its objects afterwards.
    const statement = this.#appendCall(log, expectedSize, batch);
    const { tree } = batch.tip;
    return this.#call(async () => {
      this.#mustBeAsSeen(log);
      try {
        const row = await this.#tried(async () => {
          const [answer] = await this.#database.writeInOrder<AppendRow>(log, statement);
          return answer as AppendRow;
        }, batch);
        return this.#resultOf(log, row, tree);
      } catch (error) {
        if (!isRolledBack(error)) throw error;
        // Others write to this log: in a turn, which is taken next, none of them comes in between.
        return { outcome: 'stale' };
      }
    });
  }

  turn(log: LogId, work: (turn: Turn) => Promise<void>): Promise<void> {
    return this.#call(() =>
      takeTurn(this.#database, log, async ({ reads, append }) => {
        await work({
          tip: () => this.#tipBy(reads, log),
          latest: (_, resources) => reads.latest(log, resources).catch(fail),
          append: async (_, expectedSize, batch) => {
            this.#mustBeAsSeen(log);
            const statement = this.#appendCall(log, expectedSize, batch);
            try {
              return this.#resultOf(log, await append(statement), batch.tip.tree);
            } catch (error) {
              // The turn is over; what was not kept for sure is sealed again in another one.
              if (isWithoutPartition(error)) await this.#makeYears(batch);
              else if (!isRolledBack(error)) throw toAnnalsError(error);
              return { outcome: 'stale' };
            }
          },
        });
      }),
    );
  }

  tip(log: LogId): Promise<Tip> {
    return this.#call(() => this.#tipBy(this.#reads, log));
  }

  latest(log: LogId, resources: ResourceRef[]): Promise<(Latest | undefined)[]> {
    return this.#call(() => this.#reads.latest(log, resources));
  }

  find(log: LogId, ids: string[]): Promise<StoredEntry[]> {
    return this.#call(() => this.#reads.find(log, ids));
  }

  answer(log: LogId, key: string): Promise<KeptAnswer | undefined> {
    return this.#call(() => this.#reads.answer(log, key));
  }

  select(log: LogId, selection: Selection, range: Range, parts: Parts = {}): Promise<StoredEntry[]> {
    return this.#call(() => this.#selector.select(log, selection, range, parts));
  }

  count(log: LogId, selection: Selection): Promise<number> {
    return this.#call(() => this.#selector.count(log, selection));
  }

  asOf(log: LogId, resource: ResourceRef, at: Instant, knownAt: Instant): Promise<StoredEntry | undefined> {
    return this.#call(() => this.#reads.asOf(log, resource, at, knownAt));
  }

  resources(
    log: LogId,
    type: string | undefined,
    behind: ResourceRef | undefined,
    limit: number,
  ): Promise<LatestRow[]> {
    return this.#call(() => this.#reads.resources(log, type, behind, limit));
  }

  types(log: LogId): Promise<string[]> {
    return this.#call(() => this.#reads.types(log));
  }

  resource(log: LogId, resource: ResourceRef): Promise<LatestRow | undefined> {
    return this.#call(() => this.#reads.resource(log, resource));
  }

  nodes(log: LogId, names: { level: number; index: number }[]): Promise<(Hash | undefined)[]> {
    return this.#call(() => this.#reads.nodes(log, names));
  }

  organizations(): Promise<Organization[]> {
    return this.#call(() => this.#reads.organizations());
  }

  async addOrganization({ id, slug, name, createdAt }: Organization): Promise<boolean> {
    const isAdded = await this.#wrote(
      `INSERT INTO annals.organizations (id, slug, name, created_at) VALUES ($1, $2, $3, $4::timestamptz)
        ON CONFLICT DO NOTHING RETURNING true`,
      [id, slug, name, instantValue(createdAt)],
    );
    if (isAdded) this.#announcer.accessChanged();
    return isAdded;
  }

  secret(name: string): Promise<Uint8Array | undefined> {
    return this.#call(() => this.#reads.secret(name));
  }

  async addSecret(name: string, value: Uint8Array, until?: Instant): Promise<boolean> {
    const isAdded = await this.#wrote(
      `INSERT INTO annals.secrets (log, name, value, until) VALUES ($1, $2, $3, $4::timestamptz)
        ON CONFLICT DO NOTHING RETURNING true`,
      [INSTALLATION, name, Buffer.from(value), until === undefined ? null : instantValue(until)],
    );
    // That an access token was revoked is a secret.
    if (isAdded) this.#announcer.accessChanged();
    return isAdded;
  }

  async dropSecrets(now: Instant): Promise<void> {
    await this.#wrote('DELETE FROM annals.secrets WHERE log = $1 AND until < $2::timestamptz', [
      INSTALLATION,
      instantValue(now),
    ]);
  }

  subscribe(hear: (news: News) => void): void {
    this.#hearers.push(hear);
    if (this.#listenUrl === undefined || this.#closed !== undefined) return;
    this.#listener ??= new Listener(this.#listenUrl, this.#announcer.name, (news) => {
      for (const hearer of this.#hearers) hearer(news);
    });
  }

  ping(): Promise<void> {
    return this.#call(() => this.#reads.ping());
  }

  async backup(): Promise<void> {
    throw new AnnalsError(
      'invalid_parameter',
      'PostgreSQL is backed up with its own tools, such as pg_dump or continuous archiving: see docs/operations.md',
    );
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#calls);
    this.#announcer.close();
    await this.#listener?.close();
    await this.#database.close();
  }

  /** Runs a call, and answers an AnnalsError where it fails. */
  #call<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) {
      return Promise.reject(new AnnalsError('store_unavailable', 'the store is closed'));
    }
    const call = run().catch(fail);
    this.#calls.add(call);
    return call.finally(() => this.#calls.delete(call));
  }

  async #tipBy(reads: Reads, log: LogId): Promise<Tip> {
    const seen = this.#seen.get(log);
    const last = seen && edgeOf(seen.size).at(-1);
    const { tip, node } = await reads.tipAndNode(log, last).catch(fail);
    const { size, edge } = tip.tree;
    // Nothing is sealed on half a head.
    if (edge.length < edgeOf(size).length) throw entriesMissing(log, `its head at ${size} is not whole`);
    if (seen === undefined || size < seen.size) {
      this.#remember(log, tip.tree);
      return tip;
    }
    if (node === undefined) throw entriesMissing(log, `its head at ${seen.size} is not whole any more`);
    seen.isLost = Buffer.compare(node, seen.last) !== 0;
    if (!seen.isLost) this.#remember(log, tip.tree);
    return tip;
  }

  /** What an answer of annals.append means, remembered and told to others. */
  #resultOf(log: LogId, row: AppendRow, appended: Tree): AppendResult {
    if (row.outcome === 'went back') throw wentBack(log, this.#seen.get(log)?.size ?? 0, row.head_size);
    if (row.outcome === 'appended') {
      this.#remember(log, appended);
      this.#announcer.headMoved(log, row.head_size);
    }
    if (row.outcome !== 'repeated') return { outcome: row.outcome };
    return { outcome: 'repeated', ids: row.repeated_ids ?? [], keys: row.repeated_keys ?? [] };
  }

  /** True where the statement answers a row. */
  #wrote(text: string, values: Parameters<Database['write']>[1]): Promise<boolean> {
    return this.#call(async () => (await this.#database.write(text, values)).length > 0);
  }

  /** Again where nothing was kept for sure: after a deadlock or a serialization failure, or in a new year. */
  async #tried<Result>(run: () => Promise<Result>, batch: Batch): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await run();
      } catch (error) {
        if (tries === MOST_TRIES) throw error;
        if (isWithoutPartition(error)) await this.#makeYears(batch);
        else if (!isRolledBack(error)) throw error;
      }
    }
  }

  async #makeYears(batch: Batch): Promise<void> {
    const years = new Set(joinedColumns(batch).filed.map(({ recordedAt }) => yearOf(recordedAt)));
    await this.#database.write('SELECT annals.make_year(year) FROM unnest($1::smallint[]) year', [
      smallintArray([...years]),
    ]);
  }

  #appendCall(log: LogId, expectedSize: number, batch: Batch): Statement {
    return appendCall(log, expectedSize, this.#seen.get(log)?.size ?? 0, batch);
  }

  #remember(log: LogId, { size, edge }: Tree): void {
    if (size <= (this.#seen.get(log)?.size ?? 0)) return;
    if (this.#seen.size >= MOST_REMEMBERED) this.#seen.clear();
    // A copy: what was read is part of a larger piece of memory.
    this.#seen.set(log, { size, last: new Uint8Array(edge.at(-1) as Hash), isLost: false });
  }

  #mustBeAsSeen(log: LogId): void {
    const seen = this.#seen.get(log);
    if (seen?.isLost === true) throw replaced(log, seen.size);
  }
}

function fail(error: unknown): never {
  throw toAnnalsError(error);
}

function wentBack(log: LogId, seen: number, size: number): AnnalsError {
  const what = `has ${size} entries in the database, and this server has seen ${seen}`;
  return new AnnalsError('head_went_back', `the log ${log} ${what}: ${WHAT_TO_DO}`, {
    limit: seen,
    got: size,
  });
}

function replaced(log: LogId, seen: number): AnnalsError {
  const what = `has other entries in the database than the ${seen} that this server has seen`;
  return new AnnalsError('head_went_back', `the log ${log} ${what}: ${WHAT_TO_DO}`, { limit: seen });
}

const WHAT_TO_DO =
  'an older backup was restored, or a failover lost commits. Nothing was stored. Restore the newer state, or ' +
  'restart all servers to go on from the older one';
