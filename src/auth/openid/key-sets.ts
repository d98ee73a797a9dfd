// The keys of identity providers, fetched from where each keeps them (JWK Set, RFC 7517), and kept for a while.

import type { JWTVerifyGetKey } from 'jose';

export interface KeySets {
  /** Finds a token's key among those at a URL; rejects where there is none, or they cannot be had. */
  at(url: string): Promise<JWTVerifyGetKey>;
}

export interface KeyLogger {
  warn(facts: object, message: string): void;
  debug(facts: object, message: string): void;
}

/** A key that was withdrawn opens nothing new after that. */
const KEPT_MS = 60_000;
/** A key that is not among those known is looked for again after that: it may be new. */
const COOLDOWN_MS = 2_000;
/** Keys that could not be had are asked for again after that, whoever needs them. */
const PAUSE_MS = 2_000;
const TIMEOUT_MS = 3_000;
const MOST_BYTES = 256 * 1024;
const MOST_SETS = 1_000;

export function makeKeySets(nowMs: () => number, logger: KeyLogger): KeySets {
  const sets = new Map<string, JWTVerifyGetKey>();
  return {
    async at(url) {
      const { createRemoteJWKSet, customFetch } = await import('jose');
      // Nothing is awaited from here on: many at once share one set.
      const known = sets.get(url);
      if (known !== undefined) return known;
      const made = createRemoteJWKSet(new URL(url), {
        timeoutDuration: TIMEOUT_MS,
        cooldownDuration: COOLDOWN_MS,
        cacheMaxAge: KEPT_MS,
        [customFetch]: pausing(fetchKeys, url, nowMs, logger),
      });
      const [oldest] = sets.keys();
      if (sets.size >= MOST_SETS && oldest !== undefined) sets.delete(oldest);
      sets.set(url, made);
      return made;
    },
  };
}

type Fetch = (url: string, options: RequestInit) => Promise<Response>;

/** After a failure nothing is asked for a while: many tokens at once are one request, and one line in the log. */
function pausing(ask: Fetch, keysUrl: string, nowMs: () => number, logger: KeyLogger): Fetch {
  let failedAtMs = Number.NEGATIVE_INFINITY;
  return async (url, options) => {
    if (nowMs() - failedAtMs < PAUSE_MS) throw new Error('the keys could not be had a moment ago');
    try {
      return await ask(url, options);
    } catch (error) {
      failedAtMs = nowMs();
      logger.warn(
        { url: keysUrl, reason: reasonOf(error) },
        'the keys of an identity provider cannot be had',
      );
      throw error;
    }
  };
}

/** jose asks not to follow redirects, so that keys come from the place that was named, or not at all. */
async function fetchKeys(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the answer has the status ${response.status}`);
  }
  const text = await textOf(response);
  await mustBeKeys(text);
  return new Response(text);
}

/** The text is not repeated: what stands at a URL may be nobody's business here. */
async function mustBeKeys(text: string): Promise<void> {
  const { createLocalJWKSet } = await import('jose');
  try {
    createLocalJWKSet(JSON.parse(text));
  } catch {
    throw new Error('the answer is no JSON Web Key Set');
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error(`the answer has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
