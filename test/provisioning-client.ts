// The Provisioning API for tests: its vendor's published client turned to a started server, the same wire
// by hand for what that client never sends, and an organization with one resource of every type.

import { createRequire } from 'node:module';
import type published from '@commercelayer/provisioning-sdk';
import { ROOT_TOKEN } from './harness.ts';

// The package's types say that it is a function; for Node it is an object that has that function.
const { CommerceLayerProvisioning } = createRequire(import.meta.url)('@commercelayer/provisioning-sdk') as {
  CommerceLayerProvisioning: typeof published;
};

export const MEDIA_TYPE = 'application/vnd.api+json';

export type Client = ReturnType<typeof published>;

/** What the client throws where it is refused. */
export interface ApiError {
  name: string;
  status: number;
  message: string;
  errors: WireError[];
}

export interface WireError {
  title: string;
  detail: string;
  code: string;
  status: string;
  source?: { pointer?: string; parameter?: string };
  meta?: { error: string; value?: unknown; count?: number };
}

export interface Document {
  data: ResourceObject | ResourceObject[] | null;
  included?: ResourceObject[];
  meta?: { record_count: number; page_count: number };
  links?: Record<string, string>;
  errors?: WireError[];
}

export interface ResourceObject {
  id: string;
  type: string;
  links: { self: string };
  attributes: Record<string, unknown>;
  relationships?: Record<string, { links: { self: string; related: string }; data?: unknown }>;
}

/** The vendor's client; its address is fixed, so its requests are turned to the server. */
export function clientOf(url: string, token = ROOT_TOKEN, organization?: string): Client {
  const { host } = new URL(url);
  return CommerceLayerProvisioning({
    accessToken: token,
    ...(organization === undefined ? {} : { headers: { 'annals-organization': organization } }),
    fetch: (input, init) => {
      const turned = new URL(input as string | URL);
      turned.protocol = 'http:';
      turned.host = host;
      return fetch(turned, init);
    },
  });
}

/** Waits for a refusal. */
export async function refused(call: Promise<unknown>): Promise<ApiError> {
  return call.then(
    (answer) => {
      throw new Error(`the call was not refused, but answered ${JSON.stringify(answer)?.slice(0, 200)}`);
    },
    (error: ApiError) => error,
  );
}

export interface Sent {
  status: number;
  headers: Headers;
  text: string;
  json: Document;
}

/** A request of JSON:API by hand; a body that is no string is sent as JSON. */
export async function send(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  { token = ROOT_TOKEN, headers = {} }: { token?: string; headers?: Record<string, string> } = {},
): Promise<Sent> {
  const response = await fetch(url + path, {
    method,
    headers: { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE, authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = (text.startsWith('{') ? JSON.parse(text) : {}) as Document;
  return { status: response.status, headers: response.headers, text, json };
}

/** A request of the native API with the root token. */
export async function native(
  url: string,
  method: string,
  path: string,
  { body, organization = 'default' }: { body?: object; organization?: string } = {},
): Promise<{ status: number; json: unknown }> {
  const headers = { authorization: `Bearer ${ROOT_TOKEN}`, 'annals-organization': organization };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url + path, { method, headers: { ...headers, ...type }, ...sent });
  const text = await response.text();
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) };
}

/** How many entries the log has. */
export async function headSize(url: string, organization?: string): Promise<number> {
  const { json } = await native(url, 'GET', '/v1/head', organization === undefined ? {} : { organization });
  return (json as { size: number }).size;
}

/** A personal access token of a member; answers its secret. */
export async function memberToken(url: string, membership: string, organization?: string): Promise<string> {
  const body = { name: 'laptop', membership };
  const { json } = await native(url, 'POST', '/v1/tokens', {
    body,
    ...(organization === undefined ? {} : { organization }),
  });
  return (json as { secret: string }).secret;
}

/** The client's lists are arrays of a class of their own, which compares to nothing. */
export function listed<Item>(page: Iterable<Item>): Item[] {
  return Array.from(page);
}

export function idsOf(page: Iterable<{ id: string }>): string[] {
  return Array.from(page, ({ id }) => id);
}

/** The organization of a client that sees one alone, and its built-in roles. */
export interface Place {
  organization: string;
  admin: string;
  readOnly: string;
}

/** Makes an organization; answers it and a client that sees it alone. */
export async function makePlace(
  url: string,
  name: string,
): Promise<Place & { client: Client; slug: string; as(token: string): Client }> {
  const { id: organization, slug } = await clientOf(url).organizations.create({ name });
  const client = clientOf(url, ROOT_TOKEN, organization);
  const roles = await client.roles.list();
  const idOf = (kind: string): string => Array.from(roles).find((role) => role.kind === kind)?.id ?? '';
  const place = { organization, admin: idOf('admin'), readOnly: idOf('read_only') };
  return { ...place, client, slug, as: (token) => clientOf(url, token) };
}

/** One resource of every type that is made, all of them in relation to each other. */
export interface Furnished {
  role: string;
  permission: string;
  credential: string;
  profile: string;
  membership: string;
  application_membership: string;
  provider: string;
}

export const PROVIDER = {
  name: 'Acme Login',
  client_id: 'annals',
  client_secret: 'a secret that others chose',
  issuer: 'https://login.example.com',
  domains: 'example.com,example.org',
  token_url: 'https://login.example.com/token',
  authorize_url: 'https://login.example.com/authorize',
  jwks_url: 'https://login.example.com/keys',
};

export const READ_ALONE = { can_create: false, can_read: true, can_update: false, can_destroy: false };

export async function furnish(client: Client, id: string): Promise<Furnished> {
  const organization = client.organizations.relationship(id);
  const { id: role } = await client.roles.create({ name: 'Editors', organization });
  const its = client.roles.relationship(role);
  const { id: permission } = await client.permissions.create({
    ...READ_ALONE,
    subject: 'changes',
    role: its,
  });
  const { id: credential } = await client.api_credentials.create({
    name: 'Shop',
    kind: 'integration',
    organization,
    role: its,
  });
  const { id: profile } = await client.membership_profiles.create({
    name: 'Staff',
    access_scope: 'live_access',
    organization,
  });
  const { id: membership } = await client.memberships.create({
    user_email: 'ada@example.com',
    organization,
    role: its,
    membership_profile: client.membership_profiles.relationship(profile),
  });
  const { id: application_membership } = await client.application_memberships.create({
    filters: { market_id_in: [202, 203] },
    api_credential: client.api_credentials.relationship(credential),
    membership: client.memberships.relationship(membership),
    membership_profile: client.membership_profiles.relationship(profile),
    organization,
    role: its,
  });
  const { id: provider } = await client.identity_providers.create(PROVIDER);
  return { role, permission, credential, profile, membership, application_membership, provider };
}
