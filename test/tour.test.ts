// docs/tour.md shows what the tour prints. Only what differs from one tour to the next may differ from the
// page: ids, hashes, moments of recording and the slug of the tour's organization.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stripAnnalsSettings } from './command.ts';
import { startServer } from './harness.ts';
import { uuidOfUlid } from './ulids.ts';

const PAGE = readFileSync(new URL('../docs/tour.md', import.meta.url), 'utf8');
const TOUR = fileURLToPath(new URL('../docs/tour/tour.ts', import.meta.url));

describe('the tour', () => {
  it('prints what its page shows, on a server that runs', async () => {
    const server = await startServer();
    try {
      const { stdout, stderr } = await take({ ANNALS_URL: server.url, ANNALS_TOKEN: server.token });
      expect(stderr).toMatch(new RegExp(`^A tour of ${server.url}, organization tour-\\w+\\n+$`));
      expect(masked(shownIn(stdout))).toBe(masked(shownIn(PAGE)));
    } finally {
      await server.stop();
    }
  });

  it('starts a server of its own where none is named, and ends with it', async () => {
    const { stdout } = await take({});
    expect(masked(shownIn(stdout))).toBe(masked(shownIn(PAGE)));
  });

  it('shows requests to every wire', () => {
    const titles = shownIn(PAGE).filter((line) => line.startsWith('## '));
    expect(titles.map((title) => title.split(' ')[1])).toEqual([
      'Six',
      'The',
      'Commerce',
      'Reltio',
      'Crego',
      'Zitadel',
      'Zitadel',
    ]);
  });
});

async function take(settings: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [TOUR], {
    env: { ...stripAnnalsSettings(process.env), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect(child.exitCode, stderr).toBe(0);
  return { stdout, stderr };
}

/** The lines of headings and of blocks, from the first heading on: prose is the page's own. */
function shownIn(markdown: string): string[] {
  let isInBlock = false;
  const lines = markdown.split('\n').filter((line) => {
    const isFence = line.startsWith('```');
    if (isFence) isInBlock = !isInBlock;
    return isFence || isInBlock || line.startsWith('## ');
  });
  return lines.slice(lines.findIndex((line) => line.startsWith('## ')));
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const ULID = '(?<=")[0-7][0-9A-HJKMNP-TV-Z]{25}(?=")';
const HASH = '(?<=")[A-Za-z0-9+/]{43}=(?=")';
const RECORDED_AT = '(?<="recordedAt": ")[^"]+';
const VARYING = new RegExp([UUID, ULID, HASH, RECORDED_AT, 'tour-[0-9a-f]{8}'].join('|'), 'g');

/** What varies is numbered as it comes, so that an id that comes again must be the same on both sides. */
function masked(lines: readonly string[]): string {
  const numbers = new Map<string, number>();
  return lines.join('\n').replace(VARYING, (found) => {
    if (/^\d{4}-/.test(found)) return '<moment>';
    const value = found.length === 26 ? uuidOfUlid(found) : found;
    if (!numbers.has(value)) numbers.set(value, numbers.size + 1);
    return `<${numbers.get(value)}>`;
  });
}
