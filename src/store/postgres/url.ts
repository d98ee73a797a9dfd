// A `postgres:` URL: what it says to the driver, and what it says to Annals.

export interface PostgresOptions {
  /** For the driver, without Annals' own parameters. */
  connectionString: string;
  /** Connections of this server, beside the one that listens. */
  poolSize: number;
  /**
   * Prepare the statement that appends once per connection, under a name? A pooler that hands a connection to
   * several clients has to know how (PgBouncer: `max_prepared_statements`).
   */
  prepares: boolean;
  /** Where to listen for what other servers did; undefined: nowhere. */
  listenUrl: string | undefined;
}

const POOL_SIZE = 10;

/** @throws Error that names the parameter which is not as it must be */
export function readPostgresUrl(databaseUrl: string): PostgresOptions {
  const url = new URL(databaseUrl);
  const take = (name: string): string | undefined => {
    const value = url.searchParams.get(name) ?? undefined;
    url.searchParams.delete(name);
    return value;
  };
  const poolSize = Number(take('pool_size') ?? POOL_SIZE);
  if (!Number.isInteger(poolSize) || poolSize < 2 || poolSize > 1000) {
    throw new Error(`pool_size in the database URL must be a number from 2 to 1000, got ${poolSize}`);
  }
  const prepare = take('prepare') ?? 'off';
  if (prepare !== 'on' && prepare !== 'off') {
    throw new Error(`prepare in the database URL must be on or off, got ${prepare}`);
  }
  const listen = take('listen');
  if (!url.searchParams.has('application_name')) url.searchParams.set('application_name', 'annals');
  const connectionString = url.toString();
  return {
    connectionString,
    poolSize,
    prepares: prepare === 'on',
    listenUrl: listen === 'off' ? undefined : (listen ?? connectionString),
  };
}
