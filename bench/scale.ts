// The same reads in a small log and in the large one; start and memory with the large one.

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { LARGE, type Large, largeDatabase, watchMemory } from './large.ts';
import { msOf } from './load.ts';
import { type Answer, amount, median, percentile } from './question.ts';
import { HEADERS, type Measured, makeFolder, startAnnals } from './servers.ts';
import { chunksOf, repeatedLines, streamInto } from './stream.ts';

export const SMALL = 10_000;
const READS = 2_000;
const MIB = 1024 * 1024;
const MOST_RESIDENT_MIB = 350;

/** What is read; `%` is a country that is in both logs. */
const READ_KINDS: Record<string, string> = {
  'a history page': '/v1/resources/countries/%/changes?limit=20',
  'a filtered list': '/v1/changes?actor=contributor-01&changed=name&limit=20',
  'an exact count': '/v1/changes?actor=contributor-01&count=exact&limit=1',
  'page 5,000 of 2': '/v1/changes?type=countries&limit=2&page=5000',
};
const COUNTRIES = ['CHE', 'FRA', 'DEU', 'ITA', 'AUT', 'NLD', 'BEL', 'ESP'];

export async function scale(): Promise<Answer[]> {
  const small = await startAnnals(makeFolder());
  await streamInto(small.url, chunksOf(repeatedLines(SMALL)));
  const built = await largeDatabase();
  const memory = await memoryOf(built);
  let large = built.server;
  await large.end();
  const starts: number[] = [];
  for (let round = 0; round < 5; round++) {
    const started = performance.now();
    large = await startAnnals(built.folder);
    await fetch(`${large.url}/readyz`);
    starts.push((performance.now() - started) / 1000);
    if (round < 4) await large.end();
  }
  const reads = await compareReads(small, large);
  await Promise.all([small.end(), large.end()]);
  return [
    ...reads,
    {
      question: `start to ready with ${amount(LARGE)} entries`,
      figure: median(starts),
      reach: { atMost: 1 },
      unit: 's',
      beside: `${starts.map((seconds) => seconds.toFixed(2)).join(', ')} s`,
    },
    ...memory,
  ];
}

/** Reads of each kind in turn from two servers. */
export async function compareReads(
  small: Pick<Measured, 'url'>,
  large: Pick<Measured, 'url'>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [name, path] of Object.entries(READ_KINDS)) {
    const times: [number[], number[]] = [[], []];
    for (let read = 0; read < READS; read++) {
      const url = path.replace('%', COUNTRIES[read % COUNTRIES.length] as string);
      times[0].push(await msOf(small.url + url));
      times[1].push(await msOf(large.url + url));
    }
    const [smallMs, largeMs] = times.map((values) => percentile(values.slice(READS / 10), 0.99)) as [
      number,
      number,
    ];
    answers.push({
      question: `${name}, 99th percentile at ${amount(LARGE)} entries / at ${amount(SMALL)}`,
      figure: largeMs / smallMs,
      reach: { atMost: 2 },
      unit: '',
      beside: `${largeMs.toFixed(2)} ms, ${smallMs.toFixed(2)} ms; medians ${median(times[1]).toFixed(2)}, ${median(times[0]).toFixed(2)} ms`,
    });
  }
  return answers;
}

/** Resident memory at its highest while all changes stream in, and while the same server then exports them. */
async function memoryOf({ server, seconds, highestBytes }: Large): Promise<Answer[]> {
  const watch = watchMemory(server);
  const exported = await readAll(server.url);
  const rate = `${(LARGE / seconds).toFixed(0)} changes/s`;
  return [
    memoryAnswer(`${amount(LARGE)} changes stream in`, highestBytes, rate),
    memoryAnswer('all are exported', watch.end(), `${exported} entries`),
  ];
}

function memoryAnswer(what: string, bytes: number, beside: string): Answer {
  const reach = { atMost: MOST_RESIDENT_MIB };
  return { question: `resident memory while ${what}`, figure: bytes / MIB, reach, unit: 'MiB', beside };
}

/** Reads every page with states, as the export does, and throws it away. */
async function readAll(url: string): Promise<number> {
  let read = 0;
  let cursor: string | null = null;
  do {
    const path: string = `${url}/v1/changes?order=asc&limit=1000&include=states${cursor === null ? '' : `&cursor=${cursor}`}`;
    const out = request(path, { headers: HEADERS }).end();
    const [response] = (await once(out, 'response')) as [IncomingMessage];
    let tail = '';
    for await (const chunk of response) {
      tail = (tail + (chunk as Buffer).toString('latin1')).slice(-200);
    }
    cursor = /"next":"([^"]+)"/.exec(tail)?.[1] ?? null;
    read += 1000;
  } while (cursor !== null);
  return read;
}
