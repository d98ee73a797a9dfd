import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, sql, type TestDatabase } from '../../../test/postgres.ts';
import { DISTRIBUTED_TABLES } from './distribute.ts';
import { migratePostgres } from './offline.ts';

describe('the settings of the tables of logs', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    await migratePostgres(database.url);
    await sql(database.url, 'SELECT annals.make_year(1999)');
  });
  afterAll(() => database?.drop());

  it('are those that the decision gives a reason for, and no others', async () => {
    const tables = await sql<{ name: string; settings: string[] | null }>(
      database.url,
      `SELECT relname AS name, reloptions AS settings FROM pg_class
        WHERE relnamespace = 'annals'::regnamespace AND relkind = 'r'
          AND relname NOT IN ('organizations', 'migrations')`,
    );
    const decided = decidedSettings();
    expect([...decided.keys()].sort()).toEqual([...DISTRIBUTED_TABLES].sort());
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['entries_1999', 'filed_1999']));
    for (const { name, settings } of tables) {
      const table = name.replace(/_\d{4}$/, '');
      expect([name, ...(settings ?? []).sort()]).toEqual([name, ...(decided.get(table) ?? ['undecided'])]);
    }
  });
});

/** By table, from the list in the decision: `| tables | settings | because |`. */
function decidedSettings(): Map<string, string[]> {
  const page = readFileSync(new URL('../../../docs/decisions/postgres.md', import.meta.url), 'utf8');
  const list = page.split('| tables | settings | because |\n')[1]?.split('\n\n')[0] ?? '';
  const codes = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
  return new Map(
    list.split('\n').flatMap((row) => {
      const [, tables, settings] = row.split('|');
      return codes(tables).map((table) => [table, codes(settings).sort()] as const);
    }),
  );
}
