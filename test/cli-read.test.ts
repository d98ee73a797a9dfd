// `annals history`, `show`, `state`, `head` and `organization list`, as people and as programs read them.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, type Given, parsedLines, startCommandLine } from './command.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await startCommandLine();
});
afterAll(() => cli.stop());

describe('reading', () => {
  const CHE = { type: 'countries', id: 'a/b', name: 'Switzerland' };
  const STORY = [
    {
      id: '11111111-1111-4111-8111-111111111111',
      occurredAt: '2020-01-01T00:00:00Z',
      resource: CHE,
      action: 'create',
      actor: { type: 'user', id: 'ada', name: 'Ada Lovelace' },
      after: { name: 'Bern', tags: ['a', 'c'], old: 1 },
    },
    {
      id: '22222222-2222-4222-8222-222222222222',
      occurredAt: '2021-01-01T00:00:00Z',
      resource: CHE,
      action: 'update',
      event: 'country.renamed',
      actor: { type: 'worker', id: 'sync' },
      after: { name: 'Berne', tags: ['a', 'b', 'c'] },
      context: { ip: '192.0.2.1' },
    },
    {
      occurredAt: '2022-01-01T00:00:00Z',
      resource: CHE,
      action: 'update',
      before: { name: 'Basel' },
      after: { name: 'Bern' },
    },
    { occurredAt: '2023-01-01T00:00:00Z', resource: CHE, action: 'update', after: { name: 'Bern' } },
    { occurredAt: '2024-01-01T00:00:00Z', resource: CHE, action: 'delete' },
  ];
  let organization: Given;
  beforeAll(async () => {
    organization = await cli.organizationWith(...STORY);
  });

  it('tells a history as a timeline: when, what, who, and from what to what', async () => {
    const { code, stdout } = await cli.annals(
      ['history', 'countries/a/b', '--oldest-first', '--limit', '3'],
      organization,
    );
    expect(code).toBe(0);
    expect(stdout.replace(/ {2}[\da-f-]{36}/g, '')).toBe(`countries/a/b  Switzerland  5 changes

v1  2020-01-01 00:00:00Z  create  Ada Lovelace (user ada)
    + /name  "Bern"
    + /old  1
    + /tags  ["a","c"]

v2  2021-01-01 00:00:00Z  update country.renamed  worker sync
    ~ /name  "Bern" → "Berne"
    - /old  1
    + /tags/1  "b"

v3  2022-01-01 00:00:00Z  update  system root  gap: a change before this one was missed
    ~ /name  "Basel" → "Bern"

3 of 5; --all shows the others
`);
  });

  it('tells it newest first, and what has no difference', async () => {
    const { stdout } = await cli.annals(['history', 'countries/a/b', '--all'], organization);
    expect(stdout.match(/^v\d/gm)).toEqual(['v5', 'v4', 'v3', 'v2', 'v1']);
    expect(stdout).toMatch(/v4 {2}2023.*\n {4}no difference\n/);
  });

  it('takes the filters of the API, and prints a line of JSON for each change', async () => {
    const lines = async (...filters: string[]): Promise<number[]> => {
      const { stdout } = await cli.annals(
        ['history', 'countries/a/b', '--json', '--all', ...filters],
        organization,
      );
      return parsedLines<{ version: number }>(stdout).map(({ version }) => version);
    };
    expect(await lines()).toEqual([5, 4, 3, 2, 1]);
    expect(await lines('--changed', 'tags')).toEqual([2, 1]);
    expect(await lines('--actor', 'sync')).toEqual([2]);
    expect(await lines('--ip', '192.0.2.1')).toEqual([2]);
    expect(await lines('--event', 'country.renamed')).toEqual([2]);
    expect(await lines('--since', '2021-01-01T00:00:00Z', '--until', '2023-01-01T00:00:00Z')).toEqual([3, 2]);
  });

  it('colours where a terminal asks for it, and not where NO_COLOR is set', async () => {
    const coloured = await cli.annals(['history', 'countries/a/b'], {
      env: { ...organization.env, FORCE_COLOR: '1' },
    });
    expect(coloured.stdout).toContain('\u001b[32m+ /tags/1  "b"\u001b[39m');
    const plain = await cli.annals(['history', 'countries/a/b'], {
      env: { ...organization.env, NO_COLOR: '1' },
    });
    expect(plain.stdout).not.toContain('\u001b');
  });

  it('shows one change whole', async () => {
    const { stdout } = await cli.annals(['show', '22222222-2222-4222-8222-222222222222'], organization);
    expect(stdout).toMatch(
      /^change +22222222-2222-4222-8222-222222222222\nresource +countries\/a\/b\nname +Switzerland\n/,
    );
    expect(stdout).toMatch(/event +country\.renamed\nactor +worker sync\noccurred +2021-01-01 00:00:00Z\n/);
    expect(stdout).toMatch(/context +\{"ip":"192\.0\.2\.1"\}\nleaf hash +\S{44}\n\n~ \/name/);
    const whole = (
      await cli.annals(['show', '22222222-2222-4222-8222-222222222222', '--json'], organization)
    ).json();
    expect(whole).toMatchObject({
      version: 2,
      patch: [{ op: 'replace', path: '/name' }, { op: 'remove' }, { op: 'add' }],
    });
  });

  it('shows states: the latest, at a version, as of a moment, and none', async () => {
    const stateOf = async (...args: string[]): Promise<unknown> =>
      (await cli.annals(['state', 'countries/a/b', '--json', ...args], organization)).json<{
        state: unknown;
      }>().state;
    expect(await stateOf('--version', '2')).toEqual({ name: 'Berne', tags: ['a', 'b', 'c'] });
    expect(await stateOf('--at', '2020-06-01T00:00:00Z')).toEqual({
      name: 'Bern',
      tags: ['a', 'c'],
      old: 1,
    });
    expect(await stateOf()).toBeNull();
    const text = await cli.annals(['state', 'countries/a/b', '--version', '3'], organization);
    expect(text.stdout).toBe(
      'countries/a/b  Switzerland  v3, left 2022-01-01 00:00:00Z by system root\n{\n  "name": "Bern"\n}\n',
    );
    const deleted = await cli.annals(['state', 'countries/a/b'], organization);
    expect(deleted.stdout).toBe(
      'countries/a/b  Switzerland  v5, deleted 2024-01-01 00:00:00Z by system root\n',
    );
    const tooEarly = [
      'state',
      'countries/a/b',
      '--at',
      '2100-01-01T00:00:00Z',
      '--known-at',
      '2000-01-01T00:00:00Z',
    ];
    expect((await cli.annals(tooEarly, organization)).code).toBe(5);
  });

  it('shows the head', async () => {
    const head = (await cli.annals(['head', '--json'], organization)).json<{
      size: number;
      rootHash: string;
    }>();
    // The organization and its two roles, which are there from the start, and the story.
    expect(head.size).toBe(3 + STORY.length);
    expect((await cli.annals(['head'], organization)).stdout).toBe(
      `size       8\nroot hash  ${head.rootHash}\n`,
    );
  });

  it('lists organizations', async () => {
    const list = (await cli.annals(['organization', 'list', '--json'])).json<{ slug: string }[]>();
    expect(list.map(({ slug }) => slug)).toContain('default');
    expect((await cli.annals(['organization', 'list'])).stdout).toMatch(
      /^id +slug +name +created\n[\da-f-]{36} +default +Default +20/,
    );
  });
});
