// Many clients change the directory at once: no change is lost, none is seen twice, and what may be there
// once is there once.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import {
  type Client,
  headSize,
  idsOf,
  listed,
  makePlace,
  memberToken,
  native,
  READ_ALONE,
} from './provisioning-client.ts';

const CLIENTS = 32;
const UPDATES = 5;

let server: TestServer;
let client: Client;
let organization: string;
let admin: string;
let as: (token: string) => Client;
const here = () => client.organizations.relationship(organization);

beforeAll(async () => {
  server = await startServer();
  ({ client, organization, admin, as } = await makePlace(server.url, 'Acme'));
});
afterAll(() => server.stop());

function makeMember(user_email: string) {
  const role = client.roles.relationship(admin);
  return client.memberships.create({ user_email, organization: here(), role });
}

/** The statuses of calls, and the errors of those that were refused. */
async function settled(calls: readonly Promise<unknown>[]): Promise<{ won: unknown[]; statuses: number[] }> {
  const results = await Promise.allSettled(calls);
  return {
    won: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    statuses: results.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as { status: number }).status] : [],
    ),
  };
}

describe(`${CLIENTS} clients`, () => {
  it('that update one role leave versions without a gap, each continuing the one before', async () => {
    const { id } = await client.roles.create({ name: 'start', organization: here() });
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, number) => {
        for (let update = 0; update < UPDATES; update++) {
          const name = `${number}-${update}`;
          const answer = await client.roles.update({ id, name });
          expect(answer.id).toBe(id);
        }
      }),
    );
    const total = CLIENTS * UPDATES;
    const names: [string | null, string][] = [];
    for (let pageNumber = 1; names.length < total + 1; pageNumber++) {
      const page = await client.roles.versions(id, { pageNumber, pageSize: 25 });
      expect(page.recordCount).toBe(total + 1);
      names.push(...Array.from(page, ({ changes }) => changes.name as [string | null, string]));
    }
    expect(names[0]).toEqual([null, 'start']);
    for (const [index, [before]] of names.slice(1).entries()) expect(before).toBe(names[index]?.[1]);
    expect(new Set(names.map(([, after]) => after)).size).toBe(total + 1);
    const path = `/v1/resources/roles/${id}/changes?order=asc&limit=1000`;
    const { data } = (await native(server.url, 'GET', path, { organization })).json as {
      data: { version: number; continuity: string }[];
    };
    expect(data.map(({ version }) => version)).toEqual(data.map((_, index) => index + 1));
    expect(data.slice(1).every(({ continuity }) => continuity === 'continuous')).toBe(true);
    expect((await client.roles.retrieve(id)).name).toBe(names.at(-1)?.[1]);
  });

  it('that update different attributes of one role do not undo each other', async () => {
    const { id } = await client.roles.create({ name: 'start', organization: here() });
    const attributes = ['name', 'reference', 'reference_origin', 'metadata'] as const;
    await Promise.all(
      attributes.map(async (attribute) => {
        for (let update = 1; update <= 10; update++) {
          await client.roles.update({
            id,
            [attribute]: attribute === 'metadata' ? { update } : `${attribute} ${update}`,
          });
        }
      }),
    );
    expect(await client.roles.retrieve(id)).toMatchObject({
      name: 'name 10',
      reference: 'reference 10',
      reference_origin: 'reference_origin 10',
      metadata: { update: 10 },
    });
  });
});

describe('16 clients', () => {
  it('that create one membership make one, with one user; the others are told 409', async () => {
    const size = await headSize(server.url, organization);
    const { won, statuses } = await settled(
      Array.from({ length: 16 }, (_, index) => makeMember(index % 2 ? 'ada@example.com' : 'Ada@Example.com')),
    );
    expect(won).toHaveLength(1);
    expect(statuses).toEqual(Array.from({ length: 15 }, () => 409));
    const found = await client.memberships.list({ filters: { user_email_eq: 'ada@example.com' } });
    expect(idsOf(found)).toEqual(idsOf(won as { id: string }[]));
    expect(await headSize(server.url, organization)).toBe(size + 2);
  });

  it('that create one permission make one', async () => {
    const { id } = await client.roles.create({ name: 'Permitted', organization: here() });
    const body = { ...READ_ALONE, subject: 'changes', role: client.roles.relationship(id) };
    const { won, statuses } = await settled(
      Array.from({ length: 16 }, () => client.permissions.create(body)),
    );
    expect(won).toHaveLength(1);
    expect(new Set(statuses)).toEqual(new Set([409]));
    expect((await client.roles.permissions(id)).recordCount).toBe(1);
  });

  it('that add the missing permissions of one role add each once', async () => {
    const { id } = await client.roles.create({ name: 'Based', organization: here() });
    await Promise.all(Array.from({ length: 16 }, () => client.roles._add_missing_base_permissions(id)));
    const permissions = await client.roles.permissions(id, { pageSize: 25 });
    const subjects = Array.from(permissions, ({ subject }) => subject);
    expect(new Set(subjects).size).toBe(subjects.length);
    const { json } = await native(server.url, 'GET', '/v1/changes?type=permissions&limit=1000', {
      organization,
    });
    const ids = new Set(idsOf(permissions));
    const entries = (json as { data: { resource: { id: string } }[] }).data;
    expect(entries.filter(({ resource }) => ids.has(resource.id))).toHaveLength(ids.size);
  });

  it('that delete one membership do it once; the others are told 404', async () => {
    const { id } = await makeMember('bob@example.com');
    const { won, statuses } = await settled(Array.from({ length: 16 }, () => client.memberships.delete(id)));
    expect(won).toHaveLength(1);
    expect(new Set(statuses)).toEqual(new Set([404]));
    expect((await client.memberships.versions(id)).recordCount).toBe(1);
  });

  it('that transfer the ownership to one another leave one owner', async () => {
    const emails = Array.from({ length: 8 }, (_, index) => `owner-${index}@example.com`);
    for (const email of emails) {
      const { id } = await makeMember(email);
      await as(await memberToken(server.url, id, organization)).user.retrieve();
    }
    await settled(
      [...emails, ...emails].map((new_owner_email) =>
        client.organizations.transfer_ownership(organization, {
          type: 'organizations',
          id: organization,
          new_owner_email,
        }),
      ),
    );
    const owners = await client.memberships.list({ filters: { owner_true: true } });
    expect(Array.from(owners, ({ user_email }) => user_email)).toHaveLength(1);
  });

  it('that see a role see it whole: its name and its reference are of one update', async () => {
    const { id } = await client.roles.create({ name: '0', reference: '0', organization: here() });
    let isOver = false;
    const reading = Array.from({ length: 3 }, async () => {
      while (!isOver) {
        const { name, reference } = await client.roles.retrieve(id);
        expect(reference).toBe(name);
      }
    });
    for (let update = 1; update <= 15; update++) {
      await client.roles.update({ id, name: String(update), reference: String(update) });
      expect(await client.roles.retrieve(id)).toMatchObject({ name: String(update) });
    }
    isOver = true;
    await Promise.all(reading);
    expect(listed(await client.roles.list({ filters: { id_eq: id } }))).toMatchObject([{ name: '15' }]);
  });
});

describe('a personal access token', () => {
  it('that is made while its member is removed opens nothing, not even when the address is invited again', async () => {
    const statuses = new Set<number>();
    for (let round = 0; round < 12; round++) {
      const user_email = `leaving-${round}@example.com`;
      const { id: membership } = await makeMember(user_email);
      const headers = { 'annals-organization': organization };
      const [made] = await Promise.all([
        server.request('POST', '/v1/tokens', { name: 'late', membership }, headers),
        client.memberships.delete(membership),
      ]);
      statuses.add(made.status);
      expect((await makeMember(user_email)).id).toBe(membership);
      const { secret = 'none' } = made.json as { secret?: string };
      const authorization = `Bearer ${secret}`;
      expect((await server.request('GET', '/v1/changes', undefined, { authorization })).status).toBe(401);
    }
    expect([...statuses].every((status) => [201, 404, 422].includes(status))).toBe(true);
  });
});
