// Load on an HTTP server from keep-alive connections and its rate; how long one read takes.

import autocannon from 'autocannon';
import { HEADERS } from './servers.ts';

export interface Load {
  url: string;
  connections: number;
  seconds: number;
  requests: autocannon.Request[];
  /** Is `[<id>]` in a body replaced by another text each time? */
  idReplacement?: boolean;
}

/** Requests answered per second; throws where one was not answered 2xx. */
export async function rateOf({ seconds, ...load }: Load): Promise<number> {
  const result = await autocannon({ ...load, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${load.url}: ${result.non2xx} answers were no 2xx, ${result.errors} connections failed`);
  }
  return result.requests.average;
}

/**
 * Two rates, measured in turn, A B A B …: a machine whose speed drifts drifts for both. The first round of each does not
 * count: programs and caches are cold in it.
 */
export async function ratesInTurn(
  left: () => Promise<number>,
  right: () => Promise<number>,
  rounds: number,
): Promise<[number[], number[]]> {
  await left();
  await right();
  const rates: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    rates[0].push(await left());
    rates[1].push(await right());
  }
  return rates;
}

/** How long one read takes, its body included; throws where it is not answered 200. */
export async function msOf(url: string): Promise<number> {
  const started = performance.now();
  const answer = await fetch(url, { headers: HEADERS });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return performance.now() - started;
}
