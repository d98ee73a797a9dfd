// The large database: the country history again and again. Building it takes minutes, so it is built
// once a run, by the question that comes first.

import { canonicalize } from '../src/core/json.ts';
import { isVersion } from '../src/core/streams.ts';
import { countryChanges } from '../test/countries.ts';
import { type MeasuredAnnals, makeFolder, startAnnals } from './servers.ts';
import { chunksOf, repeatedLines, streamInto } from './stream.ts';

export const LARGE = Number(process.env.LARGE ?? 1_000_000);

export interface Large {
  folder: string;
  /** The server that took the entries in; still running for the question that built it. */
  server: MeasuredAnnals;
  seconds: number;
  /** Its resident memory at its highest meanwhile. */
  highestBytes: number;
}

let built: Promise<Large> | undefined;

export function largeDatabase(): Promise<Large> {
  built ??= build();
  return built;
}

async function build(): Promise<Large> {
  const folder = makeFolder();
  const server = await startAnnals(folder);
  const highest = watchMemory(server);
  const { seconds } = await streamInto(server.url, chunksOf(repeatedLines(LARGE)), highest.look);
  return { folder, server, seconds, highestBytes: highest.end() };
}

export interface Watch {
  look(): void;
  /** Ends the watch, and answers the highest seen. */
  end(): number;
}

export function watchMemory(server: MeasuredAnnals): Watch {
  let highest = 0;
  const look = (): void => {
    highest = Math.max(highest, server.residentBytes());
  };
  const timer = setInterval(look, 50);
  return {
    look,
    end() {
      clearInterval(timer);
      return highest;
    },
  };
}

/** How many of its entries are versions, as the Versions API means it. */
export function versionsInLarge(): number {
  const latest = new Map<string, string>();
  const areVersions = countryChanges().map(({ resource, action, after = null }) => {
    const text = canonicalize(after);
    const changed = (latest.get(resource.id) ?? 'null') !== text;
    latest.set(resource.id, text);
    return isVersion({ resource, action, changed });
  });
  const among = (flags: boolean[]): number => flags.filter((flag) => flag).length;
  const rounds = Math.floor(LARGE / areVersions.length);
  return rounds * among(areVersions) + among(areVersions.slice(0, LARGE % areVersions.length));
}
