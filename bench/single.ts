// Single-change POSTs, and pages of a history, against bare Fastify routes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countryChanges } from '../test/countries.ts';
import { rateOf, ratesInTurn } from './load.ts';
import { type Answer, ratioOfRates } from './question.ts';
import { HEADERS, makeFolder, startAnnals, startBare } from './servers.ts';

const CONNECTIONS = 64;
const SECONDS = 5;
const ROUNDS = 5;
/** So many histories are read in turn. */
const RESOURCES = 200;
/** The page that the bare route sends; those of the others are about as large. */
const SWITZERLAND = '/v1/resources/countries/CHE/changes?limit=20';

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
  const page = await fetch(annals.url + SWITZERLAND, { headers: HEADERS }).then((answer) => answer.text());
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
    answers.push(
      ratioOfRates(
        `a history page of 20 (${page.length} bytes) over HTTP / a bare route that sends them`,
        read,
        bareRead,
      ),
    );
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
