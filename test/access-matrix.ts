// Which route needs what: the table that a person reads. A rule is
//   public          anybody, without a token
//   client          a client's id and secret in the body, whatever the bearer token
//   root            the root token
//   own             a member, of themselves; for anybody else there is nothing there
//   read changes    the right to it; several are joined by `and`
//   everything and  all rights, and what follows
// A method that the table does not name at a path is 405 for everybody.

import type { Home, More } from './world.ts';
import { PROVIDER, relationshipsTo, VERBS } from './world.ts';

/** What there is in the organization, by name: ids that paths and bodies use. */
export type Things = Record<string, string>;

export interface Row {
  rule: string;
  /** The status where it is allowed. */
  ok: number;
  /** Where the parameters of the route lead; by default each to the thing of its name. */
  path?: string | undefined;
  /** @param n another number for each cell */
  more?: ((things: Things, n: number) => More) | undefined;
  /** Makes what a cell uses up; a path's `:id` is then this one. */
  fresh?: ((home: Home, things: Things, n: number) => Promise<string>) | undefined;
}

function row(rule: string, ok = 200, more: Partial<Row> = {}): Row {
  return { rule, ok, ...more };
}

const CHANGE = {
  resource: { type: 'things', id: 'one' },
  action: 'update',
  after: { size: 1 },
};

const NATIVE: Record<string, Row> = {
  'GET /v1/head': row('read changes'),
  'POST /v1/changes': row('create changes', 201, { more: () => ({ body: CHANGE }) }),
  'GET /v1/changes': row('read changes'),
  'GET /v1/changes/:id': row('read changes', 200, { path: '/v1/changes/:change' }),
  'GET /v1/resources/:type/:id/changes': row('read changes', 200, {
    path: '/v1/resources/things/one/changes',
  }),
  'GET /v1/resources': row('read resources'),
  'GET /v1/resources/:type/:id': row('read resources', 200, { path: '/v1/resources/things/one' }),
  'GET /v1/resources/:type/:id/diff': row('read resources', 200, {
    path: '/v1/resources/things/one/diff?from=0&to=1',
  }),
  'PUT /v1/resources/:type/:id': row('create resources and update resources', 201, {
    path: '/v1/resources/things/put-:n',
    more: () => ({ body: { size: 2 } }),
  }),
  'PATCH /v1/resources/:type/:id': row('update resources', 200, {
    path: '/v1/resources/things/one',
    more: (_, n) => ({ body: { patched: n } }),
  }),
  'DELETE /v1/resources/:type/:id': row('destroy resources', 200, {
    path: '/v1/resources/things/:id',
    async fresh(home, _, n) {
      await home.request('PUT', `/v1/resources/things/doomed-${n}`, { body: {} });
      return `doomed-${n}`;
    },
  }),
  'GET /v1/organizations': row('read organizations'),
  'POST /v1/organizations': row('root', 201, { more: (_, n) => ({ body: { slug: `native-${n}` } }) }),
  'GET /v1/organizations/:id': row('read organizations', 200, { path: '/v1/organizations/:organization' }),
  'GET /v1/tokens': row('read api_credentials'),
  'POST /v1/tokens': row('create api_credentials', 201, {
    more: () => ({ body: { name: 'another', scopes: ['read'] } }),
  }),
  'DELETE /v1/tokens/:id': row('destroy api_credentials', 204, {
    fresh: async (home) => (await home.nativeToken({ scopes: ['read'] })).id,
  }),
};

const SERVER: Record<string, Row> = {
  'GET /healthz': row('public'),
  'GET /readyz': row('public'),
  'GET /metrics': row('public'),
  'GET /openapi.json': row('public'),
  'GET /docs': row('public'),
  'GET /docs/json': row('public'),
  'GET /docs/yaml': row('public'),
  'GET /docs/static/index.html': row('public', 302),
  'GET /docs/static/swagger-initializer.js': row('public'),
  'GET /docs/static/*': row('public', 200, { path: '/docs/static/swagger-ui.css' }),
  'GET /debug/healthz': row('public'),
  'GET /debug/ready': row('public'),
  'GET /.well-known/jwks.json': row('public'),
  'POST /oauth/token': row('client', 401, {
    more: () => ({ body: { grant_type: 'client_credentials', client_id: 'a', client_secret: 'b' } }),
  }),
  'POST /oauth/revoke': row('client', 401, {
    more: () => ({ body: { client_id: 'a', client_secret: 'b', token: 'c' } }),
  }),
};

type Make = (things: Things, n: number) => { attributes: object; to?: Record<string, string> };

const flags = Object.fromEntries(VERBS.map((verb) => [`can_${verb}`, false]));

function creating(type: string, make: Make, rule = `create ${type}`): Row {
  const more = (things: Things, n: number): More => {
    const { attributes, to = {} } = make(things, n);
    return { body: { data: { type, attributes, relationships: relationshipsTo(to) } } };
  };
  return row(rule, 201, { more });
}

function updating(type: string, thing: string, rule = `update ${type}`): Row {
  const more = (things: Things): More => ({ body: { data: { type, id: things[thing] } } });
  return row(rule, 200, { path: `/api/${type}/:${thing}`, more });
}

/** A type's own routes, and those of what is related to it. */
function typed(
  type: string,
  thing: string,
  own: Record<string, Row>,
  related: Record<string, string>,
): Record<string, Row> {
  const rows: Record<string, Row> = {
    [`GET /api/${type}`]: row(`read ${type}`),
    [`GET /api/${type}/:id`]: row(`read ${type}`, 200, { path: `/api/${type}/:${thing}` }),
    ...own,
  };
  for (const [name, subject] of Object.entries(related)) {
    const rule = `read ${type} and read ${subject}`;
    rows[`GET /api/${type}/:id/relationships/${name}`] = row(rule, 200, {
      path: `/api/${type}/:${thing}/relationships/${name}`,
    });
    rows[`GET /api/${type}/:id/${name}`] ??= row(rule, 200, { path: `/api/${type}/:${thing}/${name}` });
  }
  return rows;
}

const organized = (attributes: object, to: Record<string, string> = {}): Make => {
  return ({ organization = '' }) => ({ attributes, to: { organization, ...to } });
};

const PROVISIONING: Record<string, Row> = {
  'GET /api/public/resources': row('public'),
  'GET /api/public/resources/:name': row('public', 200, { path: '/api/public/resources/role' }),
  'GET /api/user': row('own'),
  'PATCH /api/user': row('own', 200, { more: () => ({ body: { data: { type: 'users' } } }) }),
  'GET /api/versions': row('read versions'),
  'GET /api/versions/:id': row('read versions', 200, { path: '/api/versions/:change' }),
  ...typed(
    'organizations',
    'organization',
    {
      'POST /api/organizations': creating(
        'organizations',
        (_, n) => ({ attributes: { name: `Made ${n}` } }),
        'root',
      ),
      'PATCH /api/organizations/:id': updating('organizations', 'organization'),
      // Who is allowed is told that there is no such member: nobody becomes the owner here.
      'PATCH /api/organizations/:id/transfer_ownership': row('everything and update organizations', 422, {
        path: '/api/organizations/:organization/transfer_ownership',
        more: () => ({
          body: { data: { type: 'organizations', attributes: { new_owner_email: 'no@body.example' } } },
        }),
      }),
    },
    {
      memberships: 'memberships',
      roles: 'roles',
      permissions: 'permissions',
      api_credentials: 'api_credentials',
    },
  ),
  ...typed(
    'roles',
    'role',
    {
      'POST /api/roles': creating('roles', organized({ name: 'made' })),
      'PATCH /api/roles/:id': updating('roles', 'role'),
      'GET /api/roles/:id/versions': row('read versions', 200, { path: '/api/roles/:role/versions' }),
    },
    {
      organization: 'organizations',
      permissions: 'permissions',
      memberships: 'memberships',
      api_credentials: 'api_credentials',
      versions: 'versions',
    },
  ),
  ...typed(
    'permissions',
    'permission',
    {
      'POST /api/permissions': {
        ...creating('permissions', ({ fresh = '' }) => ({
          attributes: { ...flags, subject: 'changes' },
          to: { role: fresh },
        })),
        fresh: (home) => home.role('without permissions'),
      },
      'PATCH /api/permissions/:id': updating('permissions', 'permission'),
      'GET /api/permissions/:id/versions': row('read versions', 200, {
        path: '/api/permissions/:permission/versions',
      }),
    },
    { organization: 'organizations', role: 'roles', versions: 'versions' },
  ),
  ...typed(
    'memberships',
    'membership',
    {
      'POST /api/memberships': creating('memberships', ({ organization = '', role = '' }, n) => ({
        attributes: { user_email: `made-${n}@home.example` },
        to: { organization, role },
      })),
      'PATCH /api/memberships/:id': updating('memberships', 'membership'),
      'DELETE /api/memberships/:id': row('destroy memberships', 204, {
        fresh: async (home, { role = '' }, n) =>
          (await home.make('memberships', { user_email: `doomed-${n}@home.example` }, { role })).id,
      }),
      'POST /api/memberships/:id/resend': row('update memberships', 202, {
        path: '/api/memberships/:membership/resend',
      }),
      'GET /api/memberships/:id/versions': row('read versions', 200, {
        path: '/api/memberships/:membership/versions',
      }),
    },
    {
      organization: 'organizations',
      role: 'roles',
      application_memberships: 'application_memberships',
      membership_profile: 'membership_profiles',
      versions: 'versions',
    },
  ),
  ...typed(
    'membership_profiles',
    'membership_profile',
    {
      'POST /api/membership_profiles': creating(
        'membership_profiles',
        organized({ name: 'made', access_scope: 'live_access' }),
      ),
      'PATCH /api/membership_profiles/:id': updating('membership_profiles', 'membership_profile'),
      'DELETE /api/membership_profiles/:id': row('destroy membership_profiles', 204, {
        fresh: async (home) =>
          (await home.make('membership_profiles', { name: 'doomed', access_scope: 'live_access' })).id,
      }),
    },
    { organization: 'organizations', application_memberships: 'application_memberships' },
  ),
  ...typed(
    'api_credentials',
    'api_credential',
    {
      'POST /api/api_credentials': creating('api_credentials', organized({ name: 'made', kind: 'webapp' })),
      'PATCH /api/api_credentials/:id': updating('api_credentials', 'api_credential'),
      'DELETE /api/api_credentials/:id': row('destroy api_credentials', 204, {
        fresh: async (home) => (await home.credential('doomed')).id,
      }),
    },
    { organization: 'organizations', role: 'roles' },
  ),
  ...typed(
    'application_memberships',
    'application_membership',
    {
      'POST /api/application_memberships': creating(
        'application_memberships',
        ({ organization = '', role = '', api_credential = '' }) => ({
          attributes: {},
          to: { organization, role, api_credential },
        }),
      ),
      'PATCH /api/application_memberships/:id': updating('application_memberships', 'application_membership'),
      'DELETE /api/application_memberships/:id': row('destroy application_memberships', 204, {
        fresh: async (home, { role = '', api_credential = '' }) =>
          (await home.make('application_memberships', {}, { role, api_credential })).id,
      }),
    },
    {
      api_credential: 'api_credentials',
      membership: 'memberships',
      membership_profile: 'membership_profiles',
      organization: 'organizations',
      role: 'roles',
    },
  ),
  ...typed(
    'identity_providers',
    'identity_provider',
    {
      'POST /api/identity_providers': creating(
        'identity_providers',
        () => ({ attributes: PROVIDER }),
        'everything and create identity_providers',
      ),
      'PATCH /api/identity_providers/:id': updating(
        'identity_providers',
        'identity_provider',
        'everything and update identity_providers',
      ),
      'DELETE /api/identity_providers/:id': row('destroy identity_providers', 204, {
        fresh: async (home) => (await home.make('identity_providers', PROVIDER)).id,
      }),
    },
    { user: 'memberships' },
  ),
};

const RELTIO: Record<string, Row> = Object.fromEntries(
  ['', '/_changes', '/_changesWithTotal'].map((path) => [
    `GET /reltio/api/:tenant/entities/:id${path}`,
    row('read changes', 200, { path: `/reltio/api/:organization/entities/one${path}` }),
  ]),
);

const CREGO: Record<string, Row> = {
  'GET /history': row('read changes'),
};

const ANY_RPC = '/:service(^(?:zitadel|grpc)\\.[^/]+$)/:method';
const APP_CHANGES = '/projects/:projectId/apps/:appId/changes/_search';

/** What is behind the wildcards are the RPCs below. */
const ZITADEL: Record<string, Row> = {
  ...Object.fromEntries(
    ['management', 'admin', 'auth', 'system'].flatMap((service) => {
      const path = `/${service}/v1/nothing`;
      return [
        [`ALL /${service}/v1/*`, row('public', 404, { path })],
        [`OPTIONS /${service}/v1/*`, row('public', 204, { path })],
      ];
    }),
  ),
  [`POST ${APP_CHANGES}`]: row('read changes', 200, { path: '/projects/p/apps/a/changes/_search' }),
  [`OPTIONS ${APP_CHANGES}`]: row('public', 204),
  [`ALL ${ANY_RPC}`]: row('public', 501, { path: '/zitadel.x/Nothing' }),
  [`OPTIONS ${ANY_RPC}`]: row('public', 204, { path: '/zitadel.x/Nothing' }),
};

const MANAGEMENT = 'zitadel.management.v1.ManagementService';
const AUTH = 'zitadel.auth.v1.AuthService';
const ADMIN = 'zitadel.admin.v1.AdminService';
const INPUT = {
  projectId: 'p',
  appId: 'a',
  grantId: 'g',
  userId: 'u',
};

/** RPCs by their names; each is asked over REST as well, at the path of its descriptor. */
export const RPCS: Record<string, Row> = {
  ...Object.fromEntries(
    [
      `${MANAGEMENT}/ListOrgChanges`,
      `${MANAGEMENT}/ListAppChanges`,
      `${MANAGEMENT}/ListProjectChanges`,
      `${MANAGEMENT}/ListProjectGrantChanges`,
      `${MANAGEMENT}/ListUserChanges`,
      `${AUTH}/ListMyUserChanges`,
      `${ADMIN}/ListEvents`,
      `${ADMIN}/ListEventTypes`,
      `${ADMIN}/ListAggregateTypes`,
    ].map((name) => [name, row('read changes', 200, { more: () => ({ body: INPUT }) })]),
  ),
  ...Object.fromEntries(
    [MANAGEMENT, AUTH, ADMIN].map((name) => [
      `${name}/Healthz`,
      row('public', 200, { more: () => ({ body: {} }) }),
    ]),
  ),
};

/** By method and path, as the server registers them. `ALL` is every method that the table does not name there. */
export const ROUTES: Record<string, Row> = {
  ...SERVER,
  ...NATIVE,
  ...PROVISIONING,
  ...RELTIO,
  ...CREGO,
  ...ZITADEL,
};
