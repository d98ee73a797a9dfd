// `annals import`: what is recorded, what is there already, what is refused, and what cuts it off.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, type Given, linesOf, noted, notes, startCommandLine } from './command.ts';
import { startServer } from './harness.ts';
import { startLossyProxy } from './lossy-proxy.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await startCommandLine();
});
afterAll(() => cli.stop());

describe('import', () => {
  it('records a compressed file, and says what has no difference', async () => {
    const organization = await cli.organizationWith();
    const file = join(cli.folder, 'notes.gz');
    writeFileSync(file, gzipSync(linesOf([noted(1), noted(1), noted(2)])));
    const { code, stdout, stderr } = await cli.annals(['import', file], organization);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^3 lines of \S+notes\.gz in [\d.]+ s\n {2}3 recorded, 1 of them without a difference\n/,
    );
  });

  it('adds nothing where a file is sent again, and goes on where it has grown', async () => {
    const organization = await cli.organizationWith();
    const summaries: unknown[] = [];
    for (const count of [3, 3, 5]) {
      const input = linesOf(notes(count));
      summaries.push((await cli.annals(['import', '-', '--json'], { ...organization, input })).json());
    }
    expect(summaries).toEqual([
      { lines: 3, recorded: 3, withoutDifference: 0, alreadyThere: 0, leftOut: 0, refused: 0 },
      { lines: 3, recorded: 0, withoutDifference: 0, alreadyThere: 3, leftOut: 0, refused: 0 },
      { lines: 5, recorded: 2, withoutDifference: 0, alreadyThere: 3, leftOut: 0, refused: 0 },
    ]);
  });

  it('names lines that are refused, by their number in the file, and keeps the good ones', async () => {
    const organization = await cli.organizationWith();
    const lines = [JSON.stringify(noted(1)), '', 'nonsense', '{"action":"create"}', JSON.stringify(noted(2))];
    const first = await cli.annals(['import', '-'], { ...organization, input: lines.join('\n') });
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('  2 recorded\n  0 there already\n  2 refused\n');
    expect(first.stdout).toMatch(
      /line 3: malformed JSON .+ \(malformed_json\)\n {4}line 4: .*resource.*\(invalid_field\)/,
    );

    const second = await cli.annals(['import', '-', '--json'], { ...organization, input: lines.join('\n') });
    const printed = second.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(printed).toMatchObject([{ line: 3 }, { line: 4 }, { lines: 4, alreadyThere: 2, refused: 2 }]);
  });

  it('shows the first ten refusals and counts the others', async () => {
    const { stdout } = await cli.annals(['import', '-'], { input: 'nonsense\n'.repeat(12) });
    expect(stdout.match(/ line \d+: /g)).toHaveLength(10);
    expect(stdout).toContain('and 2 more after these 10; --json prints all');
  });

  it('says that it cannot tell new from old where the token may only write', async () => {
    const { secret } = (await cli.annals(['token', 'create', 'w', '--write', '--json'])).json<{
      secret: string;
    }>();
    const input = linesOf([noted(1)]);
    const { code, stdout } = await cli.annals(['import', '-', '--token', secret], { input });
    expect(code).toBe(0);
    expect(stdout).toContain('1 recorded, or there already (this token may not read');
  });

  it('keeps what stands before the place where a file is cut off, and says so', async () => {
    const organization = await cli.emptyOrganizationWith();
    const whole = gzipSync(linesOf(notes(5000)));
    const { code, stdout, stderr } = await cli.annals(['import', '-'], {
      ...organization,
      input: whole.subarray(0, -20),
    });
    expect(code).toBe(1);
    expect(stderr).toContain('standard input cannot be read to its end: the file is cut off');
    const recorded = Number(/([\d,]+) recorded\n/.exec(stdout)?.[1]?.replace(',', ''));
    expect(recorded).toBeGreaterThan(100);
    expect((await cli.annals(['head', '--json'], organization)).json()).toMatchObject({ size: recorded });
  });

  it('says that nobody takes the lines where the server refuses', async () => {
    const input = linesOf(notes(20_000));
    const { secret } = (await cli.annals(['token', 'create', 'r', '--read', '--json'])).json<{
      secret: string;
    }>();
    const { code, stdout, stderr } = await cli.annals(['import', '-', '--token', secret], { input });
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toBe('annals import: this needs the right to create changes, which the token has not\n');
  });

  it('finishes what is under way on Ctrl-C, and goes on when it is run again', async () => {
    const organization = await cli.emptyOrganizationWith();
    const child = await startedImport(organization);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await endOf(child);
    expect(code, stderr).toBe(130);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { message: 'stopped (the same command again goes on)' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ recorded: 50 });
    expect(await importedAgain(organization)).toMatchObject({ recorded: 0, alreadyThere: 50 });
  });

  it('answers 3 where the connection is lost, and goes on when it is run again', async () => {
    const organization = await cli.emptyOrganizationWith();
    const proxy = await startLossyProxy(cli.server.url);
    const child = await startedImport(organization, proxy.url);
    proxy.loseRepliesTo('note 99');
    child.stdin.write(linesOf(notes(100).slice(50)));
    const { code, stderr } = await endOf(child);
    expect({ code, lost: proxy.lost() }, stderr).toEqual({ code: 3, lost: 1 });
    expect(JSON.parse(stderr)).toMatchObject({
      error: { message: expect.stringMatching(/^the connection to .+ was lost: .+ again goes on\)$/) },
    });
    proxy.close();
    expect(await importedAgain(organization, 150)).toMatchObject({ lines: 150, refused: 0 });
    expect((await cli.annals(['head', '--json'], organization)).json()).toMatchObject({ size: 150 });
  });

  it('answers 7 where the server stops, and goes on when another is there', async () => {
    const url = `sqlite:${join(cli.folder, 'stopped.db')}`;
    const server = await startServer(url);
    const given = { env: { ANNALS_URL: server.url } };
    const child = await startedImport(given);
    const stopped = server.stop();
    child.stdin.write(linesOf([noted(50)]));
    const { code, stdout, stderr } = await endOf(child);
    await stopped;
    expect(code, stderr).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({ lines: 50, recorded: 50 });
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'shutting_down', message: expect.stringContaining('(the same command again goes on)') },
    });
    const next = await startServer(url);
    const again = await importedAgain({ env: { ANNALS_URL: next.url } }, 51);
    expect(again).toMatchObject({ recorded: 1, alreadyThere: 50 });
    await next.stop();
  });

  /** An import that is under way: 50 notes are recorded, and more may come. */
  async function startedImport(
    given: Given,
    url: string | undefined = given.env?.ANNALS_URL ?? cli.server.url,
  ): Promise<ChildProcessWithoutNullStreams> {
    const child = cli.start(['import', '-', '--json', '--url', url], given);
    child.stdin.on('error', () => undefined);
    child.stdin.write(linesOf(notes(50)));
    while ((await cli.annals(['head', '--json'], given)).json<{ size: number }>().size < 50);
    return child;
  }

  async function endOf(child: ChildProcessWithoutNullStreams) {
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  }

  /** The same notes again, from the first on. */
  async function importedAgain(given: Given, count = 50): Promise<unknown> {
    const input = linesOf(notes(count));
    return (await cli.annals(['import', '-', '--json'], { ...given, input })).json();
  }
});
