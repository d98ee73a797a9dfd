// Lists of the Provisioning API: every predicate on every kind of attribute, its own and those of related
// resources, sorts and pages, against brute force over random members, roles and credentials.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../src/core/json.ts';
import { type Compared, satisfies } from './commercelayer-oracle.ts';
import { startServer, type TestServer } from './harness.ts';
import {
  type Client,
  furnish,
  idsOf,
  listed,
  makePlace,
  memberToken,
  READ_ALONE,
  type ResourceObject,
  refused,
  send,
} from './provisioning-client.ts';
import { makeRandom } from './random.ts';

const given = process.env.ANNALS_SEED;
const random = makeRandom(given === undefined ? undefined : Number(given));
const hint = `ANNALS_SEED=${random.seed} repeats this run`;

/** Every predicate that the vendor names (commercelayer.md, A3). */
const PREDICATES =
  `eq eq_or_null not_eq not_eq_or_null matches does_not_match matches_any matches_all does_not_match_any
  does_not_match_all lt lteq gt gteq present blank null not_null in in_or_null not_in not_in_or_null lt_any
  lteq_any gt_any gteq_any lt_all lteq_all gt_all gteq_all not_eq_all start not_start start_any start_all
  not_start_any not_start_all end not_end end_any end_all not_end_any not_end_all cont not_cont cont_any cont_all
  not_cont_all jcont true false`.split(/\s+/);
const LISTS = /_any$|_all$|^(not_)?in(_or_null)?$/;
const ASKING = ['present', 'blank', 'null', 'not_null', 'true', 'false'];

const COMMON: Record<string, Compared> = {
  id: 'text',
  reference: 'text',
  reference_origin: 'text',
  metadata: 'json',
  created_at: 'instant',
  updated_at: 'instant',
};
/** What each type is filtered by here: its own attributes, and those of related resources by prefix. */
const FILTERED: Record<string, Record<string, Compared>> = {
  memberships: {
    ...COMMON,
    user_email: 'text',
    status: 'text',
    access_scope: 'text',
    owner: 'boolean',
    organization_id: 'text',
    organization_name: 'text',
    role_id: 'text',
    role_name: 'text',
    role_kind: 'text',
    role_metadata: 'json',
    membership_profile_name: 'text',
    application_memberships_filters: 'json',
  },
  roles: {
    ...COMMON,
    name: 'text',
    kind: 'text',
    organization_name: 'text',
    memberships_user_email: 'text',
    memberships_owner: 'boolean',
    permissions_can_read: 'boolean',
    permissions_subject: 'text',
    api_credentials_expires_in: 'number',
  },
  api_credentials: {
    ...COMMON,
    expires_in: 'number',
    kind: 'text',
    confidential: 'boolean',
    role_name: 'text',
  },
};
const SORTED: Record<string, string[]> = {
  memberships: ['id', 'status', 'reference', 'reference_origin', 'created_at', 'updated_at'],
  roles: ['id', 'reference', 'reference_origin', 'created_at', 'updated_at'],
  api_credentials: ['id', 'mode', 'reference', 'created_at'],
};
const TYPES = Object.keys(FILTERED);
const WORDS = ['ab', 'AB', 'abd', 'a%c', 'a_c', 'Zürich', 'order-1', 'true', '', 'x y'];
const METADATA: Json[] = [{}, { foo: 'bar' }, { foo: { bar: ['a', 'b'] }, n: 1 }, { n: 1 }];

interface Row {
  id: string;
  attributes: Record<string, Json>;
  related: Record<string, Row[]>;
}

let server: TestServer;
let client: Client;
let organization: string;
/** By type, in the order in which they were made. */
const rows = new Map<string, Row[]>();
const made = new Map<string, string[]>(TYPES.map((type) => [type, []]));

function marks(): object {
  return {
    ...(random.chance(0.6) ? { reference: random.pick(WORDS) } : {}),
    ...(random.chance(0.3) ? { reference_origin: random.pick(WORDS) } : {}),
    ...(random.chance(0.5) ? { metadata: random.pick(METADATA) as object } : {}),
  };
}

beforeAll(async () => {
  server = await startServer();
  const place = await makePlace(server.url, 'Acme & Sons');
  ({ client, organization } = place);
  const here = client.organizations.relationship(organization);
  const { credential } = await furnish(client, organization);
  const roles = [place.admin, place.readOnly];
  for (let index = 0; index < 12; index++) {
    const role = await client.roles.create({
      name: random.pick(WORDS) || 'none',
      organization: here,
      ...marks(),
    });
    roles.push(role.id);
    for (const subject of ['changes', 'roles', 'versions'].slice(0, random.below(4))) {
      const flags = { ...READ_ALONE, can_read: random.chance(0.5) };
      await client.permissions.create({ ...flags, subject, role: client.roles.relationship(role.id) });
    }
  }
  const anyRole = () => client.roles.relationship(random.pick(roles));
  const profiles = [];
  for (const name of ['Staff', 'staff', 'Guests']) {
    const profile = { name, access_scope: 'live_access' as const, organization: here };
    profiles.push(
      client.membership_profiles.relationship((await client.membership_profiles.create(profile)).id),
    );
  }
  for (let index = 0; index < 30; index++) {
    await client.api_credentials.create({
      name: `credential ${index}`,
      kind: random.pick(['integration', 'sales_channel', 'webapp']),
      ...(random.chance(0.7) ? { expires_in: random.pick([7200, 9000, 31_536_000]) } : {}),
      ...(random.chance(0.5) ? { mode: random.pick(['test', 'live']) } : {}),
      organization: here,
      ...(random.chance(0.5) ? { role: anyRole() } : {}),
      ...marks(),
    });
  }
  for (let index = 0; index < 180; index++) {
    const member = await client.memberships.create({
      user_email: `${random.pick(['ada', 'bob', 'cyd', 'x_y', 'a%b'])}.${index}@${random.pick(['example.com', 'example.org'])}`,
      ...(random.chance(0.6)
        ? { access_scope: random.pick(['live_access', 'test_access', 'all_access', null] as const) }
        : {}),
      organization: here,
      role: anyRole(),
      ...(random.chance(0.4) ? { membership_profile: random.pick(profiles) } : {}),
      ...marks(),
    });
    if (random.chance(0.15))
      await place.as(await memberToken(server.url, member.id, organization)).user.retrieve();
    if (random.chance(0.2)) {
      await client.application_memberships.create({
        filters: random.pick(METADATA) as object,
        api_credential: client.api_credentials.relationship(credential),
        membership: client.memberships.relationship(member.id),
        organization: here,
        role: anyRole(),
      });
    }
    made.get('memberships')?.push(member.id);
  }
  const [first] = await client.memberships.list({ filters: { status_eq: 'active' }, pageSize: 1 });
  await client.organizations.transfer_ownership(organization, {
    type: 'organizations',
    id: organization,
    new_owner_email: first!.user_email,
  });
  await readAll();
});
afterAll(() => server.stop());

interface Page {
  data: ResourceObject[];
  included?: ResourceObject[];
  meta: { record_count: number; page_count: number };
  links: { first: string; prev?: string; next?: string; last: string };
}

async function page(type: string, parameters: Record<string, string>): Promise<Page> {
  const query = new URLSearchParams(parameters).toString();
  const { status, json, text } = await send(server.url, 'GET', `/api/${type}?${query}`, undefined, {
    headers: { 'annals-organization': organization },
  });
  expect(status, `${decodeURIComponent(query)} answered ${text}; ${hint}`).toBe(200);
  return json as Page;
}

const INCLUDED: Record<string, string> = {
  memberships: 'organization,role,membership_profile,application_memberships',
  roles: 'organization,memberships,permissions,api_credentials',
  api_credentials: 'organization,role',
};

/** What brute force knows: every resource as the whole list shows it, and its relationships by their linkage. */
async function readAll(): Promise<void> {
  const known = new Map<string, Row>();
  const rowOf = ({ id, type, attributes }: ResourceObject): Row => {
    const row = known.get(`${type}/${id}`) ?? {
      id,
      attributes: attributes as Row['attributes'],
      related: {},
    };
    known.set(`${type}/${id}`, row);
    return row;
  };
  for (const type of TYPES) {
    const all: Row[] = [];
    for (let number = 1; ; number++) {
      const {
        data,
        included = [],
        meta,
      } = await page(type, {
        include: INCLUDED[type] as string,
        'page[number]': String(number),
        'page[size]': '25',
      });
      for (const object of included) rowOf(object);
      for (const object of data) {
        const row = rowOf(object);
        for (const name of (INCLUDED[type] as string).split(',')) {
          const linked = object.relationships?.[name]?.data as ResourceObject | ResourceObject[] | null;
          const refs = linked === null ? [] : [linked].flat();
          row.related[name] = refs.map((ref) => known.get(`${ref.type}/${ref.id}`) as Row);
        }
        all.push(row);
      }
      if (number >= meta.page_count) break;
    }
    rows.set(type, all);
  }
}

/** The values at a name: its own, or of each related resource, and null where there is none. */
function valuesAt(row: Row, name: string): Json[] {
  const relationship = Object.keys(row.related).find((each) => name.startsWith(`${each}_`));
  if (relationship === undefined) return [name === 'id' ? row.id : (row.attributes[name] ?? null)];
  const targets = row.related[relationship] as Row[];
  const attribute = name.slice(relationship.length + 1);
  if (targets.length === 0) return [null];
  return targets.map((target) => (attribute === 'id' ? target.id : (target.attributes[attribute] ?? null)));
}

interface Condition {
  names: string[];
  predicate: string;
  operand: string;
}

function meets(type: string, row: Row, { names, predicate, operand }: Condition): boolean {
  return names.some((name) =>
    valuesAt(row, name).some((value) =>
      satisfies(FILTERED[type]?.[name] as Compared, value, predicate, operand),
    ),
  );
}

function operandOf(type: string, name: string, predicate: string): string {
  if (ASKING.includes(predicate)) return random.pick(['true', 'false', '1']);
  const kind = FILTERED[type]?.[name] as Compared;
  if (predicate === 'jcont') return random.pick(['{"foo":"bar"}', '{}', '{"foo":{"bar":["b"]}}', '{"n":1}']);
  const one = (): string => {
    if (kind === 'boolean') return random.pick(['true', 'false']);
    if (kind === 'number') return random.pick(['7200', '9000', '14400', '8000.5']);
    if (kind === 'json') return random.pick(['{}', '{"foo":"bar"}', '{"n": 1}', '%oo%']);
    const values = random.pick(rows.get(type) as Row[]);
    const text = String(random.pick(valuesAt(values, name)) ?? random.pick(WORDS)).replaceAll(',', '');
    if (kind === 'instant') return Number.isNaN(Date.parse(text)) ? '2030-01-01' : text;
    const from = random.below(text.length + 1);
    return random.pick([
      text,
      text.toUpperCase(),
      text.slice(from),
      text.slice(0, from),
      `%${text.slice(from)}`,
    ]);
  };
  const count = LISTS.test(predicate) ? 1 + random.below(3) : 1;
  return Array.from({ length: count }, one).join(',');
}

function conditionOn(type: string, predicate: string): Condition {
  const all = Object.entries(FILTERED[type] as object) as [string, Compared][];
  const usable = all.filter(([, kind]) => predicate !== 'jcont' || kind === 'json');
  const [name, kind] = random.pick(usable);
  const alike = usable.filter(([, other]) => other === kind).map(([other]) => other);
  const names = random.chance(0.3) ? [name, random.pick(alike)] : [name];
  return { names, predicate, operand: operandOf(type, name, predicate) };
}

function parametersOf(conditions: readonly Condition[]): Record<string, string> {
  return Object.fromEntries(
    conditions.map(({ names, predicate, operand }) => [
      `filter[q][${names.join('_or_')}_${predicate}]`,
      operand,
    ]),
  );
}

async function expectPage(
  type: string,
  parameters: Record<string, string>,
  wanted: readonly Row[],
): Promise<void> {
  const size = Number(parameters['page[size]'] ?? 10);
  const start = (Number(parameters['page[number]'] ?? 1) - 1) * size;
  const { data, meta } = await page(type, parameters);
  expect({ ids: idsOf(data), ...meta }, `${type} ${JSON.stringify(parameters)}; ${hint}`).toEqual({
    ids: idsOf(wanted.slice(start, start + size)),
    record_count: wanted.length,
    page_count: Math.ceil(wanted.length / size),
  });
}

function sortedBy(type: string, keys: readonly string[]): Row[] {
  const isDescending = (key: string | undefined): boolean => key?.startsWith('-') === true;
  const compare = (left: Json, right: Json): number => {
    if (left === right) return 0;
    if (left === null) return 1;
    if (right === null) return -1;
    return left < right ? -1 : 1;
  };
  const places = new Map((rows.get(type) as Row[]).map((row, index) => [row, index]));
  return [...places.keys()].sort((left, right) => {
    for (const key of keys) {
      const name = key.replace('-', '');
      const order = compare(valuesAt(left, name)[0] as Json, valuesAt(right, name)[0] as Json);
      if (order !== 0) return isDescending(key) ? -order : order;
    }
    const order = (places.get(left) as number) - (places.get(right) as number);
    return isDescending(keys.at(-1)) ? -order : order;
  });
}

describe('a list', () => {
  it('shows every resource once, in the order in which they were made', () => {
    const ids = idsOf(rows.get('memberships') as Row[]);
    expect(ids.slice(1), hint).toEqual(made.get('memberships'));
    for (const type of TYPES)
      expect(new Set(idsOf(rows.get(type) as Row[])).size).toBe(rows.get(type)?.length);
  });

  it.each(TYPES)('of %s filters by every predicate as brute force does', async (type) => {
    for (const predicate of PREDICATES) {
      for (let round = 0; round < 8; round++) {
        const condition = conditionOn(type, predicate);
        const wanted = (rows.get(type) as Row[]).filter((row) => meets(type, row, condition));
        await expectPage(type, parametersOf([condition]), wanted);
      }
    }
  });

  it.each(TYPES)('of %s joins filters by AND, sorts, and gives any page', async (type) => {
    for (let round = 0; round < 60; round++) {
      const conditions = Array.from({ length: random.below(3) }, () =>
        conditionOn(type, random.pick(PREDICATES)),
      );
      const keys = Array.from(
        { length: random.below(3) },
        () => (random.chance(0.5) ? '-' : '') + random.pick(SORTED[type] as string[]),
      );
      const wanted = (keys.length === 0 ? (rows.get(type) as Row[]) : sortedBy(type, keys)).filter((row) =>
        Object.entries(
          Object.groupBy(conditions, ({ names, predicate }) => `${names.join('_or_')}_${predicate}`),
        ).every(([, same]) => meets(type, row, same?.at(-1) as Condition)),
      );
      await expectPage(
        type,
        {
          ...parametersOf(conditions),
          ...(keys.length === 0 ? {} : { sort: keys.join(',') }),
          'page[size]': String(1 + random.below(25)),
          'page[number]': String(1 + random.below(6)),
        },
        wanted,
      );
    }
  });
});

describe('the vendor’s client', () => {
  it('counts, pages and sorts', async () => {
    const all = rows.get('memberships') as Row[];
    expect(await client.memberships.count()).toBe(all.length);
    const ids: string[] = [];
    const sort = { status: 'asc', id: 'desc' } as const;
    for (let pageNumber = 1; ; pageNumber++) {
      const found = await client.memberships.list({ sort, pageNumber, pageSize: 25 });
      ids.push(...idsOf(found));
      expect([found.recordCount, found.pageCount]).toEqual([all.length, Math.ceil(all.length / 25)]);
      if (!found.hasNextPage()) break;
    }
    expect(ids).toEqual(idsOf(sortedBy('memberships', ['status', '-id'])));
    expect(await client.memberships.list()).toHaveLength(10);
  });

  it('filters by attributes of related resources, by several attributes at once, and by lists', async () => {
    const named = await client.roles.list({ filters: { organization_name_start: 'ACME' }, pageSize: 25 });
    expect(named.recordCount).toBe(rows.get('roles')?.length);
    const admins = await client.memberships.count({ role_kind_eq: 'admin' });
    expect(admins).toBe((await client.roles.memberships((await adminRole()).id)).recordCount);
    const none = await client.memberships.count({ updated_at_or_created_at_gt: '2199-01-01T00:00:00Z' });
    expect(none).toBe(0);
    const some = idsOf(rows.get('memberships') as Row[]).slice(3, 6);
    expect(idsOf(await client.memberships.list({ filters: { id_in: some } }))).toEqual(some);
    const tagged = await client.memberships.list({
      filters: { metadata_jcont: { foo: 'bar' } },
      pageSize: 25,
    });
    for (const { metadata } of listed(tagged)) expect(metadata).toMatchObject({ foo: 'bar' });
    expect(tagged.recordCount).toBeGreaterThan(0);
  });

  it('takes the short forms of filters', async () => {
    const [one, two] = rows.get('memberships') as [Row, Row];
    const { role_id: role } = { role_id: one.related.role?.[0]?.id as string };
    for (const [parameter, value, wanted] of [
      ['filter[ids]', `${one.id},${two.id}`, [one, two]],
      ['filter[id]', two.id, [two]],
      ['filter[created_at_from]', '2199-01-01T00:00:00Z', []],
      [
        'filter[role_id]',
        role,
        (rows.get('memberships') as Row[]).filter((row) => row.related.role?.[0]?.id === role),
      ],
    ] as const) {
      await expectPage('memberships', { [parameter]: value }, wanted);
    }
  });

  it('refuses operands of another kind', async () => {
    for (const [type, key, operand] of [
      ['api_credentials', 'expires_in_gt', 'many'],
      ['memberships', 'owner_eq', 'maybe'],
      ['memberships', 'created_at_gt', 'yesterday'],
      ['memberships', 'metadata_jcont', '{'],
    ] as const) {
      const parameter = `filter[q][${key}]`;
      const path = `/api/${type}?${new URLSearchParams({ [parameter]: operand })}`;
      const { status, json } = await send(server.url, 'GET', path);
      expect([key, status]).toEqual([key, 400]);
      expect(json.errors).toMatchObject([{ code: 'INVALID_FILTER_VALUE', source: { parameter } }]);
    }
  });

  async function adminRole(): Promise<{ id: string }> {
    const [role] = await client.roles.list({ filters: { kind_eq: 'admin' } });
    return role!;
  }
});

describe('the links of a page', () => {
  it('lead to the others, with the parameters as they came', async () => {
    const query = 'include=role&sort=-created_at,id&filter[q][user_email_end]=example.com,example.org';
    const { json } = await send(server.url, 'GET', `/api/memberships?page[size]=2&page[number]=2&${query}`);
    expect(Object.keys(json.links ?? {})).toEqual(['first', 'prev', 'last']);
    expect(json.meta).toEqual({ record_count: 0, page_count: 0 });
    const whole = (await page('memberships', { 'page[size]': '2', 'page[number]': '2', sort: '-id' })).links;
    const at = (number: number): string =>
      `${server.url}/api/memberships?sort=-id&page[number]=${number}&page[size]=2`;
    const last = Math.ceil((rows.get('memberships')?.length as number) / 2);
    expect(whole).toEqual({ first: at(1), prev: at(1), next: at(3), last: at(last) });
    const ends = [await page('memberships', {}), await page('memberships', { 'page[number]': '19' })];
    expect(ends.map(({ links }) => Object.keys(links).sort())).toEqual([
      ['first', 'last', 'next'],
      ['first', 'last', 'prev'],
    ]);
  });

  it('are no larger than 25, and start at 1', async () => {
    for (const bad of ['page[size]=26', 'page[size]=0', 'page[number]=0', 'page[size]=x']) {
      const { status, json } = await send(server.url, 'GET', `/api/roles?${bad}`);
      expect(status).toBe(400);
      expect(json.errors).toMatchObject([
        { code: 'INVALID_PAGE_VALUE', source: { parameter: bad.split('=')[0] } },
      ]);
    }
    const sdk = await refused(client.roles.list({ pageSize: 26 as never }));
    expect(sdk).toMatchObject({ status: 400, errors: [{ code: 'INVALID_PAGE_VALUE' }] });
  });
});
