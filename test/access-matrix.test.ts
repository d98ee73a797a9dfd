// Every route of every dialect, asked with every kind of token: allowed or refused, with which status. The routes
// are those that the server registers, so one that the table does not know fails here.

import http1 from 'node:http';
import { getOption, hasOption } from '@bufbuild/protobuf';
import { http } from '@zitadel/proto/google/api/annotations_pb.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeMethods } from '../src/dialects/zitadel/methods.ts';
import { SUBJECTS, type Subject, type Verb } from '../src/directory/subjects.ts';
import { ROUTES, type Row, RPCS, type Things } from './access-matrix.ts';
import { ROOT_TOKEN } from './harness.ts';
import { Home, JSON_API, type More, PROVIDER, startWorld, VERBS, type World } from './world.ts';

const registered = vi.hoisted(() => [] as { method: string; url: string }[]);
vi.mock(import('../src/http/app.ts'), async (original) => {
  const { makeApp } = await original();
  return {
    makeApp(...given) {
      const app = makeApp(...given);
      app.addHook('onRoute', ({ method, url }) => {
        for (const one of [method].flat()) registered.push({ method: one, url });
      });
      return app;
    },
  };
});

/** A kind of token. */
interface Kind {
  token: string | undefined;
  /** `abroad`: it is good, in another organization, and names this one where the wire has a way to. */
  standing: 'unknown' | 'abroad' | 'home';
  may(verb: Verb, subject: Subject): boolean;
  isRoot?: boolean;
  isMember?: boolean;
}

let world: World;
let home: Home;
let things: Things;
let kinds: Record<string, Kind>;
const agent = new http1.Agent({ keepAlive: true, maxSockets: 24 });

beforeAll(async () => {
  world = await startWorld({ guesses: { failures: { requests: 1_000_000, seconds: 60 } } });
  home = await Home.of(world, 'default');
  things = await makeThings();
  kinds = await makeKinds(await Home.of(world, 'abroad'));
});
afterAll(async () => {
  agent.destroy();
  await world?.stop();
});

async function makeThings(): Promise<Things> {
  const role = await home.role('a role');
  const { id: permission } = await home.make(
    'permissions',
    { subject: 'roles', ...Object.fromEntries(VERBS.map((verb) => [`can_${verb}`, false])) },
    { role },
  );
  const { id: membership } = await home.make('memberships', { user_email: 'ada@home.example' }, { role });
  const profile = { name: 'a profile', access_scope: 'live_access' };
  const { id: api_credential } = await home.credential('an application');
  const { id: application_membership } = await home.make(
    'application_memberships',
    {},
    { role, api_credential, membership },
  );
  await home.request('PUT', '/v1/resources/things/one', { body: { size: 0 } });
  const versions = await home.request('GET', `/api/roles/${role}/versions`);
  return {
    organization: home.id,
    role,
    permission,
    membership,
    membership_profile: (await home.make('membership_profiles', profile)).id,
    api_credential,
    application_membership,
    identity_provider: (await home.make('identity_providers', PROVIDER)).id,
    change: (versions.json as { data: { id: string }[] }).data[0]?.id as string,
  };
}

const nothing = (): boolean => false;
const everything = (): boolean => true;
const reading = (verb: Verb): boolean => verb === 'read';
const isWritten = (subject: Subject): boolean => subject === 'changes' || subject === 'resources';

async function makeKinds(abroad: Home): Promise<Record<string, Kind>> {
  const [admin, readOnly] = [await home.builtIn('admin'), await home.builtIn('read_only')];
  const reader = await home.role('reader', ...SUBJECTS.map((subject) => `read ${subject}`));
  const roleKeeper = await home.role('keeper of roles', `${VERBS.join()} roles`);
  const strong = await home.credential('an administrator', admin);

  const expired = await home.accessToken(strong);
  world.wait(7_300);
  const revoked = await home.credential('revoked', admin);
  expect((await world.ask(revoked.secret, 'GET', '/v1/head')).status).toBe(200);
  await home.request('DELETE', `/api/api_credentials/${revoked.id}`);
  const ended = await home.accessToken(strong);
  await world.ask(undefined, 'POST', '/oauth/revoke', {
    body: { client_id: strong.id, client_secret: strong.secret, token: ended },
  });

  const unknown = (token: string | undefined): Kind => ({ token, standing: 'unknown', may: nothing });
  const known = (token: string, may: Kind['may']): Kind => ({ token, standing: 'home', may });
  return {
    none: unknown(undefined),
    garbage: unknown('garbage'),
    'an access token that is over': unknown(expired),
    'a credential that was revoked': unknown(revoked.secret),
    'an access token that was revoked': unknown(ended),
    'an administrator of another organization': {
      token: (await abroad.credential('strong abroad', await abroad.builtIn('admin'))).secret,
      standing: 'abroad',
      may: everything,
    },
    'a credential without a role': known((await home.credential('no role')).secret, nothing),
    'a token that reads': known((await home.nativeToken({ scopes: ['read'] })).secret, reading),
    'a credential that reads by the built-in role': known(
      (await home.credential('reads', readOnly)).secret,
      reading,
    ),
    'a credential that reads by a custom role': known(
      (await home.credential('reads', reader)).secret,
      reading,
    ),
    'a token that writes': known(
      (await home.nativeToken({ scopes: ['write'] })).secret,
      (verb, subject) => verb !== 'read' && isWritten(subject),
    ),
    'a custom role with one subject alone': known(
      (await home.credential('keeps roles', roleKeeper)).secret,
      (_, subject) => subject === 'roles',
    ),
    'a member who administers': {
      ...known((await home.member('admin@home.example', admin)).secret, everything),
      isMember: true,
    },
    'a member who reads': {
      ...known((await home.member('reader@home.example', readOnly)).secret, reading),
      isMember: true,
    },
    'an access token of an administrator, for reading': known(
      await home.accessToken(strong, 'read'),
      reading,
    ),
    'an administrator': known(strong.secret, everything),
    root: { ...known(ROOT_TOKEN, everything), isRoot: true },
  };
}

type Dialect = 'native' | 'commercelayer' | 'reltio' | 'crego' | 'zitadel';

function dialectOf(url: string): Dialect {
  if (url.startsWith('/api/')) return 'commercelayer';
  if (url.startsWith('/reltio/')) return 'reltio';
  if (url.startsWith('/history')) return 'crego';
  return /^\/(management|admin|auth|system|projects|zitadel|:service)/.test(url) ? 'zitadel' : 'native';
}

/** Each wire's own word for a caller who is known and may not, and for one who names another's organization. */
const REFUSED: Record<Dialect, { forbidden: number; abroad: number }> = {
  native: { forbidden: 403, abroad: 403 },
  commercelayer: { forbidden: 401, abroad: 401 },
  reltio: { forbidden: 403, abroad: 403 },
  // Nothing on this wire names an organization: everyone has their own.
  crego: { forbidden: 403, abroad: 200 },
  zitadel: { forbidden: 403, abroad: 404 },
};

function expected({ rule, ok }: Row, dialect: Dialect, { standing, may, isRoot, isMember }: Kind): number {
  const { forbidden, abroad } = REFUSED[dialect];
  if (rule === 'public' || rule === 'client') return ok;
  if (standing === 'unknown') return 401;
  if (standing === 'abroad') return abroad;
  if (rule === 'root') return isRoot === true ? ok : forbidden;
  if (rule === 'own') return isMember === true ? ok : 404;
  const isAllowed = rule.split(' and ').every((needed) => {
    if (needed === 'everything') return may('destroy', 'changes') && may('create', 'memberships');
    const [verb, subject] = needed.split(' ');
    expect(SUBJECTS, rule).toContain(subject);
    return may(verb as Verb, subject as Subject);
  });
  return isAllowed ? ok : forbidden;
}

interface Case {
  /** As it is called in what fails. */
  name: string;
  method: string;
  dialect: Dialect;
  row: Row;
  url: string;
}

interface Cell extends Case {
  kind: string;
  expected: number;
}

let count = 0;
function next(): number {
  count += 1;
  return count;
}

async function ask({ method, row, url, dialect, kind }: Cell, fresh: string | undefined): Promise<number> {
  const n = next();
  const named: Things = { ...things, n: String(n), tenant: home.id };
  if (fresh !== undefined) Object.assign(named, { id: fresh, fresh });
  const path = (row.path ?? url).replace(/:(\w+)/g, (_, name: string) => named[name] ?? 'x');
  const { body, headers = {} } = row.more?.(named, n) ?? ({} as More);
  const { token } = kinds[kind] as Kind;
  const naming = dialect === 'zitadel' ? 'x-zitadel-orgid' : 'annals-organization';
  const text = body === undefined ? undefined : JSON.stringify(body);
  return send(method, path, text, {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(dialect === 'crego' || dialect === 'reltio' ? {} : { [naming]: home.id }),
    ...(text === undefined
      ? { 'content-length': '0', ...(method === 'QUERY' ? { 'content-type': 'application/json' } : {}) }
      : {
          'content-type': dialect === 'commercelayer' ? JSON_API : 'application/json',
          'content-length': String(Buffer.byteLength(text)),
        }),
    ...headers,
  });
}

/** Not by fetch, which has methods that it does not send. */
function send(
  method: string,
  path: string,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http1.request(world.url + path, { method, headers, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode as number));
    });
    request.on('error', reject).end(body);
  });
}

/** What is wrong with cells, in words; each is asked with a thing of its own to use up, where it needs one. */
async function wrongAmong(cells: readonly Cell[], shared: ReadonlyMap<Row, string>): Promise<string[]> {
  const wrong: string[] = [];
  await Promise.all(
    cells.map(async (cell) => {
      const { row } = cell;
      const fresh = shared.get(row) ?? (await row.fresh?.(home, things, next()));
      const status = await ask(cell, fresh);
      if (status !== cell.expected)
        wrong.push(`${cell.name} (${row.rule}) with ${cell.kind}: ${status}, not ${cell.expected}`);
    }),
  );
  return wrong;
}

/** Things that cells which are refused share, for nobody uses them up. */
async function sharedBy(cells: readonly Cell[]): Promise<ReadonlyMap<Row, string>> {
  const shared = new Map<Row, string>();
  for (const { row } of cells) {
    if (row.fresh !== undefined && !shared.has(row)) shared.set(row, await row.fresh(home, things, next()));
  }
  return shared;
}

const FEW = ['none', 'garbage', 'a credential without a role', 'root'];

function cellsOf(cases: readonly Case[]): { allowed: Cell[]; refused: Cell[] } {
  const cells = cases.flatMap((one) =>
    Object.entries(kinds).map(([kind, it]) => ({
      ...one,
      kind,
      expected: expected(one.row, one.dialect, it),
    })),
  );
  // What HEAD answers follows from GET, and what is public asks for no token: a few kinds show it.
  const isForFew = ({ method, row }: Case): boolean => method === 'HEAD' || row.rule === 'public';
  const asked = cells.filter((cell) => !isForFew(cell) || FEW.includes(cell.kind));
  const isAllowed = ({ expected: status, row }: Cell): boolean => status === row.ok && row.rule !== 'client';
  return { allowed: asked.filter(isAllowed), refused: asked.filter((cell) => !isAllowed(cell)) };
}

/** A route as the table calls it; what it does not name is a method that the path has not. */
function rowOf(method: string, url: string): Row | undefined {
  const named = method === 'HEAD' ? `GET ${url}` : `${method} ${url}`;
  return ROUTES[named] ?? ROUTES[`ALL ${url}`];
}

function routes(): Case[] {
  const seen = new Map(
    registered.map(({ method, url }) => {
      const path = url.length > 1 ? url.replace(/\/$/, '') : url;
      return [`${method} ${path}`, { method, url: path }] as const;
    }),
  );
  return [...seen].map(([name, { method, url }]) => {
    const row = rowOf(method, url) ?? { rule: 'public', ok: 405 };
    return { name, method, url, row, dialect: dialectOf(url) };
  });
}

/** Each RPC by the protocol of Connect, and at its path as REST. */
function rpcs(): Case[] {
  return makeMethods(world.annals, 1000).flatMap(({ desc }) => {
    const name = `${desc.parent.typeName}/${desc.name}`;
    const row = RPCS[name];
    if (row === undefined) throw new Error(`${name} is not in the table`);
    const one = { row: { ...row, path: `/${name}` }, dialect: 'zitadel', url: `/${name}` } as const;
    const rpc: Case = { ...one, name: `RPC ${name}`, method: 'POST' };
    if (!hasOption(desc, http)) return [rpc];
    const { pattern } = getOption(desc, http);
    const service = /^zitadel\.(\w+)\./.exec(name)?.[1];
    const path = `/${service}/v1${String(pattern.value).replace(/\{\w+\}/g, 'x')}`;
    const method = pattern.case?.toUpperCase() as string;
    const more = method === 'GET' ? undefined : row.more;
    return [rpc, { ...one, row: { ...row, path, more }, method, name: `${method} ${path}` }];
  });
}

const size = async (): Promise<number> =>
  ((await home.request('GET', '/v1/head')).json as { size: number }).size;

describe('the matrix of access', () => {
  it('has each route of the server, and no route that the server has not', () => {
    const known = routes();
    expect(known.length).toBeGreaterThan(500);
    const used = new Set(known.map(({ row }) => row));
    expect(Object.keys(ROUTES).filter((name) => !used.has(ROUTES[name] as Row))).toEqual([]);
    expect(Object.keys(RPCS).filter((name) => !rpcs().some((one) => one.name === `RPC ${name}`))).toEqual([]);
  });

  it('refuses whoever may not, with the status of the wire, and keeps nothing of it', async () => {
    const { refused } = cellsOf([...routes().filter(({ row }) => row.ok !== 405), ...rpcs()]);
    expect(refused.length).toBeGreaterThan(1_000);
    const shared = await sharedBy(refused);
    const before = await size();
    expect(await wrongAmong(refused, shared)).toEqual([]);
    expect(await size()).toBe(before);
  });

  it('answers whoever may', async () => {
    const { allowed } = cellsOf([...routes().filter(({ row }) => row.ok !== 405), ...rpcs()]);
    expect(allowed.length).toBeGreaterThan(500);
    expect(await wrongAmong(allowed, new Map())).toEqual([]);
  });

  it('takes no other method anywhere, whoever asks', async () => {
    const others = cellsOf(routes().filter(({ row }) => row.ok === 405)).allowed;
    expect(others.length).toBeGreaterThan(500);
    expect(await wrongAmong(others, new Map())).toEqual([]);
  });
});
