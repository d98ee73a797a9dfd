// Turns: one server at a time reads a log's head, seals and appends. Whoever waits is served in order,
// since PostgreSQL hands out its locks so; annals.append takes the same lock.

import type pg from 'pg';
import type { LogId } from '../store.ts';
import type { AppendRow } from './append.ts';
import type { Database, Statement, Value } from './database.ts';
import { Reads } from './reads.ts';

/** A server that does nothing in its turn for so long has lost it. */
const IDLE_MS = 5_000;

export interface OwnTurn {
  reads: Reads;
  /** Appends and ends the turn: what it answers is committed. */
  append(statement: Statement): Promise<AppendRow>;
}

/**
 * Waits for the turn in a log, on one connection and in one transaction. `work` begins at once: its reads wait in the
 * connection, and the database answers them as soon as the turn has come. It may append once.
 */
export async function takeTurn(
  database: Database,
  log: LogId,
  work: (turn: OwnTurn) => Promise<void>,
): Promise<void> {
  await database.connected(async (client) => {
    const begun = begin(client, log);
    let hasEnded = false;
    const worked = work({
      reads: new Reads({
        async read<Row extends object>(text: string, values: Value[] = []): Promise<Row[]> {
          return (await client.query<Row>(text, values)).rows;
        },
      }),
      async append(statement) {
        hasEnded = true;
        const [answer] = await inOrder(
          client.query<AppendRow>(database.named(statement)),
          client.query('COMMIT'),
        );
        return answer.rows[0] as AppendRow;
      },
    });
    await inOrder(begun, worked);
    if (!hasEnded) await client.query('ROLLBACK');
  });
}

/** Each statement has a snapshot of its own, whatever the database's default: what was committed before the turn shows. */
async function begin(client: pg.ClientBase, log: LogId): Promise<void> {
  await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL idle_in_transaction_session_timeout = ${IDLE_MS};
    SELECT pg_advisory_xact_lock(hashtext('annals.turn'), hashtext(${client.escapeLiteral(log)}))`);
}

/** Statements that are sent one behind the other; the first that fails is what went wrong. */
async function inOrder<Answers extends Promise<unknown>[]>(
  ...answers: Answers
): Promise<{ [Index in keyof Answers]: Awaited<Answers[Index]> }> {
  await Promise.allSettled(answers);
  return Promise.all(answers) as never;
}
