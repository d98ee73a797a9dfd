// Limits on how often an address may ask, in sliding windows. The limits of every dialect that
// announces any stand here.

export interface RateLimit {
  requests: number;
  seconds: number;
}

/** Generous: far above what one client of a dialect sends, below what one address may take from all others. */
export const RATE_LIMITS = {
  /** Commerce Layer: over all endpoints, and for each endpoint. */
  reads: { average: { requests: 300_000, seconds: 60 }, burst: { requests: 75_000, seconds: 10 } },
  writes: { average: { requests: 60_000, seconds: 60 }, burst: { requests: 15_000, seconds: 10 } },
  /** `POST /oauth/token` and `/oauth/revoke`: each may be a guess at a secret. */
  tokens: { requests: 600, seconds: 60 },
  /** Bearer tokens that are wrong. */
  failures: { requests: 300, seconds: 60 },
} as const satisfies Record<string, RateLimit | { average: RateLimit; burst: RateLimit }>;

/** What a window says to one request. */
export interface Taken {
  limit: RateLimit;
  /** Requests that are left; 0 where this one was the last, or was refused. */
  remaining: number;
  isRefused: boolean;
}

/** The requests of a key in the window that runs and in the one before it. */
interface Tally {
  window: number;
  current: number;
  previous: number;
}

/** Keys that are remembered; beyond that the one that came first is forgotten. */
const MOST_KEYS = 20_000;

/**
 * Counts requests by key. The requests of any stretch of `seconds` are estimated from two windows: those of
 * the running one, and of the one before it as much as still reaches into the stretch.
 */
export class SlidingWindow {
  readonly limit: RateLimit;
  readonly #nowMs: () => number;
  readonly #tallies = new Map<string, Tally>();

  constructor(limit: RateLimit, nowMs: () => number) {
    this.limit = limit;
    this.#nowMs = nowMs;
  }

  /** Counts a request; one that is refused does not count. */
  take(key: string): Taken {
    const { limit } = this;
    const passed = this.#nowMs() / (limit.seconds * 1000);
    const window = Math.floor(passed);
    const tally = this.#tallyOf(key, window);
    const used = tally.current + tally.previous * (1 - (passed - window));
    if (used + 1 > limit.requests) return { limit, remaining: 0, isRefused: true };
    tally.current += 1;
    return { limit, remaining: Math.max(0, Math.floor(limit.requests - used - 1)), isRefused: false };
  }

  /** Would the next request of the key be refused? */
  isFull(key: string): boolean {
    const passed = this.#nowMs() / (this.limit.seconds * 1000);
    const tally = this.#tallies.get(key);
    if (tally === undefined || tally.window < Math.floor(passed) - 1) return false;
    const { current, previous } = this.#tallyOf(key, Math.floor(passed));
    return current + previous * (1 - (passed - Math.floor(passed))) + 1 > this.limit.requests;
  }

  #tallyOf(key: string, window: number): Tally {
    const known = this.#tallies.get(key);
    if (known?.window === window) return known;
    const previous = known?.window === window - 1 ? known.current : 0;
    const tally = { window, current: 0, previous };
    if (known === undefined && this.#tallies.size >= MOST_KEYS) this.#forgetOldest();
    this.#tallies.set(key, tally);
    return tally;
  }

  #forgetOldest(): void {
    for (const key of this.#tallies.keys()) {
      this.#tallies.delete(key);
      return;
    }
  }
}
