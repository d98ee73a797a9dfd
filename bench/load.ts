// Load on an HTTP server from keep-alive connections, and its rate.

import autocannon from 'autocannon';

export interface Load {
  url: string;
  connections: number;
  seconds: number;
  requests: autocannon.Request[];
}

/** Requests answered per second; throws where one was not answered 2xx. */
export async function rateOf({ url, connections, seconds, requests }: Load): Promise<number> {
  const result = await autocannon({ url, connections, duration: seconds, requests });
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${url}: ${result.non2xx} answers were no 2xx, ${result.errors} connections failed`);
  }
  return result.requests.average;
}

/** The rates of two servers in turn, A B A B …: a machine whose speed drifts drifts for both. */
export async function ratesInTurn(left: Load, right: Load, rounds: number): Promise<[number[], number[]]> {
  const rates: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    rates[0].push(await rateOf(left));
    rates[1].push(await rateOf(right));
  }
  return rates;
}
