import { createDatabase } from '../../../test/postgres.ts';
import { storeContract } from '../contract.ts';
import { openPostgresStore } from './postgres-store.ts';

storeContract('the PostgreSQL store', async () => {
  const database = await createDatabase();
  const store = await openPostgresStore(database.url);
  const close = async (): Promise<void> => {
    await store.close();
    await database.drop();
  };
  return { store, close };
});
