// A server killed in the middle of writing its directory, again and again: directory and log agree after
// each restart, every acknowledged write is there, and none is there in half. `ANNALS_KILLS` makes it longer.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type ChildServer, startChild } from './child.ts';
import { type Client, clientOf, native } from './provisioning-client.ts';
import { makeRandom } from './random.ts';

const KILLS = Number(process.env.ANNALS_KILLS ?? 4);
const WRITERS = 6;
const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'annals-directory-kill-'));
const settings = { ANNALS_DATABASE_URL: `sqlite:${join(folder, 'annals.db')}` };
const random = makeRandom();
const hint = `seed ${random.seed}`;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What was acknowledged last of a member, and what was sent after that without an answer. */
interface Member {
  id?: string;
  email: string;
  /** The scope that is there for certain; null: none, for it is not there. */
  scope: string | null;
  /** What was sent and never answered: it may be there or not. */
  sent?: string | null;
}

const members = new Map<string, Member>();
let made = 0;

type Scope = 'live_access' | 'test_access' | 'all_access';

async function writeUntilGone(client: Client, organization: string, role: string): Promise<void> {
  const known: Member[] = [];
  const here = client.organizations.relationship(organization);
  for (;;) {
    const existing = random.chance(0.6) ? random.pick([...known, undefined]) : undefined;
    const member = existing ?? { email: `member-${made++}@example.com`, scope: null };
    members.set(member.email, member);
    const scope: Scope = random.pick(['live_access', 'test_access', 'all_access']);
    try {
      if (existing?.id === undefined) {
        member.sent = scope;
        const its = client.roles.relationship(role);
        const body = { user_email: member.email, access_scope: scope, organization: here, role: its };
        member.id = (await client.memberships.create(body)).id;
        known.push(member);
      } else if (random.chance(0.2)) {
        member.sent = null;
        known.splice(known.indexOf(existing), 1);
        await client.memberships.delete(existing.id);
      } else {
        member.sent = scope;
        await client.memberships.update({ id: existing.id, access_scope: scope });
      }
      member.scope = member.sent;
      delete member.sent;
    } catch (error) {
      if ((error as { status?: number }).status === undefined) return;
      throw error;
    }
  }
}

interface Shown {
  id: string;
  user_email: string;
  access_scope?: string | null;
}

async function membershipsOf(client: Client): Promise<Map<string, Shown>> {
  const found = new Map<string, Shown>();
  for (let pageNumber = 1; ; pageNumber++) {
    const page = await client.memberships.list({ pageNumber, pageSize: 25 });
    for (const membership of page) found.set(membership.user_email, membership);
    if (!page.hasNextPage()) return found;
  }
}

async function statesOf(url: string, type: string): Promise<Map<string, Record<string, unknown>>> {
  const states = new Map<string, Record<string, unknown>>();
  for (let cursor = ''; ; ) {
    const path = `/v1/resources?type=${type}&limit=500${cursor}`;
    const { data, next } = (await native(url, 'GET', path)).json as {
      data: { resource: { id: string }; state: Record<string, unknown> }[];
      next: string | null;
    };
    for (const { resource, state } of data) states.set(resource.id, state);
    if (next === null) return states;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

async function check(server: ChildServer, client: Client): Promise<void> {
  const shown = await membershipsOf(client);
  for (const { email, scope, sent } of members.values()) {
    const found = shown.get(email)?.access_scope ?? null;
    const allowed = sent === undefined ? [scope] : [scope, sent];
    expect(allowed, `${email}; ${hint}`).toContain(found);
    // From now on it is known.
    const member = members.get(email) as Member;
    member.scope = found;
    delete member.sent;
  }
  for (const email of shown.keys()) expect(members.has(email)).toBe(true);
  const [memberships, users] = [
    await statesOf(server.url, 'memberships'),
    await statesOf(server.url, 'users'),
  ];
  expect([...memberships.keys()].sort(), hint).toEqual(Array.from(shown.values(), ({ id }) => id).sort());
  for (const [id, state] of memberships) {
    expect(users.get(state.user_id as string), `${id}; ${hint}`).toEqual(
      expect.objectContaining({ email: state.user_email }),
    );
    expect(shown.get(state.user_email as string)).toMatchObject({ id, access_scope: state.access_scope });
  }
}

async function verify(): Promise<void> {
  const env = { ...process.env, ...settings };
  await promisify(execFile)(process.execPath, [MAIN, 'verify', '--json'], { env });
}

/** A start takes seconds where the machine is busy with other tests. */
const TIMEOUT_MS = 60_000 * (KILLS + 1);

describe('a server killed with SIGKILL while its directory is written', () => {
  it(
    `has a directory that agrees with its log after each of ${KILLS} restarts`,
    async () => {
      for (let kill = 1; kill <= KILLS; kill++) {
        const server = await startChild(settings);
        const client = clientOf(server.url);
        await check(server, client);
        const [organization] = await client.organizations.list();
        const [role] = await client.roles.list({ filters: { kind_eq: 'read_only' } });
        const writing = Promise.all(
          Array.from({ length: WRITERS }, () => writeUntilGone(client, organization!.id, role!.id)),
        );
        await new Promise((resolve) => setTimeout(resolve, 200 + random.below(500)));
        await server.end('SIGKILL');
        await writing;
        if (kill === KILLS || kill % 10 === 0) await verify();
      }
      const server = await startChild(settings);
      await check(server, clientOf(server.url));
      expect([...members.values()].filter(({ scope }) => scope !== null).length).toBeGreaterThan(KILLS);
      expect(await server.end('SIGTERM')).toBe(0);
    },
    TIMEOUT_MS,
  );
});
