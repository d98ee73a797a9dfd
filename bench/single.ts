// Single-change POSTs, and pages of a history, against bare Fastify routes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countryChanges } from '../test/countries.ts';
import { msOf, rateOf, ratesInTurn } from './load.ts';
import { type Answer, ratioOfRates } from './question.ts';
import { HEADERS, makeFolder, startAnnals, startBare } from './servers.ts';

const CONNECTIONS = 64;
const SECONDS = 5;
const ROUNDS = 5;
/** Resources whose histories are read in turn. */
const RESOURCES = 200;

export async function single(): Promise<Answer[]> {
  const folder = makeFolder();
  const annals = await startAnnals(folder);
  const bodies = countryChanges()
    .slice(9000, 9500)
    .map((change) => JSON.stringify(change));
  const pageFile = join(folder, 'page.json');
  await fetch(`${annals.url}/v1/changes`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-type': 'application/x-ndjson' },
    body: countryChanges()
      .map((change) => JSON.stringify(change))
      .join('\n'),
  }).then((answer) => answer.text());
  const histories = [...new Set(countryChanges().map(({ resource }) => resource.id))]
    .slice(0, RESOURCES)
    .map((id) => `/v1/resources/countries/${id}/changes?limit=20`);
  const page = await bodyOfMedianSize(histories.map((history) => annals.url + history));
  writeFileSync(pageFile, page);
  const bare = await startBare('bare.ts', pageFile);
  try {
    const load = { connections: CONNECTIONS, seconds: SECONDS };
    const headers = { ...HEADERS, 'content-type': 'application/json' };
    const posts = (path: string) => bodies.map((body) => ({ method: 'POST' as const, path, headers, body }));
    const reads = (paths: string[]) =>
      paths.map((path) => ({ method: 'GET' as const, path, headers: HEADERS }));
    const answers: Answer[] = [];
    const [read, bareRead] = await ratesInTurn(
      () => rateOf({ ...load, url: annals.url, requests: reads(histories) }),
      () => rateOf({ ...load, url: bare.url, requests: reads(histories.map(() => '/')) }),
      ROUNDS,
    );
    const pages = ratioOfRates(
      `a history page of 20, of ${histories.length} in turn (${Buffer.byteLength(page)} bytes) / a bare route that sends as many`,
      read,
      bareRead,
    );
    const first = histories.flatMap((history) => [`${history}&page=2`, `${history}&order=asc`]);
    const cold = await eachOncePerSecond(first.map((path) => annals.url + path));
    const bareCold = await eachOncePerSecond(first.map(() => bare.url));
    answers.push({
      ...pages,
      beside: `${pages.beside}; others, each for the first time, ${cold.toFixed(0)}/s, bare ${bareCold.toFixed(0)}/s`,
    });
    const [write, bareWrite] = await ratesInTurn(
      () => rateOf({ ...load, url: annals.url, requests: posts('/v1/changes') }),
      () => rateOf({ ...load, url: bare.url, requests: posts('/') }),
      ROUNDS,
    );
    answers.push(
      ratioOfRates('single-change POSTs, 64 connections / a bare route that answers 201', write, bareWrite),
    );
    return answers;
  } finally {
    await annals.end();
    await bare.end();
  }
}

/** Each URL once, as many at a time as there are connections. The client is slower than that of the rounds. */
async function eachOncePerSecond(urls: readonly string[]): Promise<number> {
  const waiting = urls.values();
  const started = performance.now();
  const reader = async (): Promise<void> => {
    for (const url of waiting) await msOf(url);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, reader));
  return (urls.length * 1000) / (performance.now() - started);
}

/** The page that the bare route sends: half of the others are larger. */
async function bodyOfMedianSize(urls: readonly string[]): Promise<string> {
  const pages: string[] = [];
  for (const url of urls) pages.push(await fetch(url, { headers: HEADERS }).then((answer) => answer.text()));
  pages.sort((left, right) => Buffer.byteLength(left) - Buffer.byteLength(right));
  return pages[Math.floor(pages.length / 2)] as string;
}
