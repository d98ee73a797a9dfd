import { defineConfig } from 'vitest/config';

/** Whole-server stories that hold on any store. */
const ON_ANY_STORE = [
  'commercelayer*',
  'country-history',
  'crego*',
  'idempotency',
  'native',
  'oauth',
  'oracle',
  'provisioning-{history,lists,members,racing,refusals,relationships,resources,types}',
  'racing',
  'reltio*',
  'zitadel*',
].map((name) => `test/${name}.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    globalSetup: ['test/postgres-setup.ts'],
    projects: [
      { extends: true, test: { name: 'annals', include: ['src/**/*.test.ts', 'test/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'on PostgreSQL', include: ON_ANY_STORE, env: { ANNALS_TEST_STORE: 'postgres' } },
      },
    ],
  },
});
