// Every statement that this process sends to PostgreSQL, whoever opened the connection, by transaction; and which
// log a statement names.

import pg from 'pg';
import { vi } from 'vitest';

export interface Statement {
  text: string;
  values: unknown[];
}

/** Statements that are committed together: one alone, unless a transaction was begun. */
export type Transaction = Statement[];

export interface Recording {
  /** What was sent until now, in the order of the beginnings. */
  transactions(): Transaction[];
  stop(): void;
}

export function recordStatements(): Recording {
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  return {
    transactions() {
      const all: Transaction[] = [];
      const open = new Map<unknown, Transaction>();
      const { calls, contexts } = spy.mock as unknown as { calls: unknown[][]; contexts: unknown[] };
      for (const [index, call] of calls.entries()) {
        const client = contexts[index];
        const statement = statementOf(call);
        const transaction = open.get(client) ?? [];
        transaction.push(statement);
        if (!open.has(client)) all.push(transaction);
        if (/^BEGIN\b/.test(statement.text)) open.set(client, transaction);
        if (/^(COMMIT|ROLLBACK)\b/.test(statement.text)) open.delete(client);
      }
      return all;
    },
    stop: () => spy.mockRestore(),
  };
}

/** `query` takes a text and its values, or both in an object. */
function statementOf([first, second]: unknown[]): Statement {
  if (typeof first === 'string') return { text: first, values: Array.isArray(second) ? second : [] };
  const { text = '', values = [] } = first as Partial<Statement>;
  return { text, values };
}

/** Uses of tables in a statement that do not say which log is meant. */
export function unnamed(text: string, log: string, tables: readonly string[]): string[] {
  const missing: string[] = [];
  const uses = [...text.matchAll(/(INSERT INTO )?annals\.(\w+)(?: AS)?(?: (?!WHERE|SET|VALUES)(\w+))?/g)];
  const wanted = new Map<string, number>();
  for (const [, insertion, table = '', alias] of uses.filter(([, , table]) => tables.includes(table ?? ''))) {
    const rest = text.slice(text.indexOf(`annals.${table}`));
    if (insertion !== undefined) {
      const first = /^annals\.\w+(?: AS \w+)?\s*\(log\b[^)]*\)\s*(?:VALUES \(|SELECT )(\S+?)[,)]/.exec(
        rest,
      )?.[1];
      if (first !== log) missing.push(`${table} in: ${text}`);
      continue;
    }
    const name = alias === undefined ? 'log' : `${alias}.log`;
    const count = (wanted.get(name) ?? 0) + 1;
    wanted.set(name, count);
    const said = [...text.matchAll(new RegExp(`(?<![\\w.])${RegExp.escape(`${name} = ${log}`)}\\b`, 'g'))]
      .length;
    if (said < count) missing.push(`${table} ${alias ?? ''} in: ${text}`);
  }
  return missing;
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/**
 * The logs that a transaction is about: the first value of each statement that names one of these tables or
 * functions, and what is said at its beginning.
 */
export function logsOf(transaction: Transaction, names: readonly string[]): string[] {
  const byLog = new RegExp(`annals\\.(?:${names.join('|')})\\b`);
  const logs = transaction.flatMap(({ text, values }) => {
    if (text.startsWith('BEGIN')) return text.match(UUID) ?? [];
    return byLog.test(text) && values.length > 0 ? [String(values[0])] : [];
  });
  return [...new Set(logs)];
}
