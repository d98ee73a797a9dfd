// The same reads at 10,000 and at 1,000,000 entries; start and memory with a million.

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type Answer, median, percentile } from './question.ts';
import { HEADERS, type MeasuredAnnals, makeFolder, startAnnals } from './servers.ts';
import { repeatedLines, streamInto } from './stream.ts';

const SMALL = 10_000;
const LARGE = 1_000_000;
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
  const [smallFolder, largeFolder] = [makeFolder(), makeFolder()];
  const small = await startAnnals(smallFolder);
  await streamInto(small.url, repeatedLines(SMALL));
  let large = await startAnnals(largeFolder);
  const memory = await memoryOf(large);
  await large.end();
  const starts: number[] = [];
  for (let round = 0; round < 5; round++) {
    const started = performance.now();
    large = await startAnnals(largeFolder);
    await fetch(`${large.url}/readyz`);
    starts.push((performance.now() - started) / 1000);
    if (round < 4) await large.end();
  }
  const reads = await compareReads(small, large);
  await Promise.all([small.end(), large.end()]);
  return [
    ...reads,
    {
      question: 'start to ready with 1,000,000 entries',
      figure: median(starts),
      reach: { atMost: 1 },
      unit: 's',
      beside: `${starts.map((seconds) => seconds.toFixed(2)).join(', ')} s`,
    },
    ...memory,
  ];
}

async function compareReads(small: MeasuredAnnals, large: MeasuredAnnals): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [name, path] of Object.entries(READ_KINDS)) {
    const times: [number[], number[]] = [[], []];
    for (let read = 0; read < READS; read++) {
      const url = path.replace('%', COUNTRIES[read % COUNTRIES.length] as string);
      times[0].push(await timeOf(small.url + url));
      times[1].push(await timeOf(large.url + url));
    }
    const [smallMs, largeMs] = times.map((values) => percentile(values.slice(READS / 10), 0.99)) as [number, number];
    answers.push({
      question: `${name}, 99th percentile at 1,000,000 entries / at 10,000`,
      figure: largeMs / smallMs,
      reach: { atMost: 2 },
      unit: '',
      beside: `${largeMs.toFixed(2)} ms, ${smallMs.toFixed(2)} ms; medians ${median(times[1]).toFixed(2)}, ${median(times[0]).toFixed(2)} ms`,
    });
  }
  return answers;
}

async function timeOf(url: string): Promise<number> {
  const started = performance.now();
  const answer = await fetch(url, { headers: HEADERS });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return performance.now() - started;
}

/** Resident memory at its highest while a million changes stream in, and while all are exported. */
async function memoryOf(server: MeasuredAnnals): Promise<Answer[]> {
  let highest = 0;
  const watch = (): void => {
    highest = Math.max(highest, server.residentBytes());
  };
  const timer = setInterval(watch, 50);
  const { seconds } = await streamInto(server.url, repeatedLines(LARGE), watch);
  const streaming = highest;
  highest = 0;
  const exported = await readAll(server.url);
  clearInterval(timer);
  return [
    memoryAnswer('1,000,000 changes stream in', streaming, `${(LARGE / seconds).toFixed(0)} changes/s`),
    memoryAnswer('all are exported', highest, `${exported} entries`),
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
