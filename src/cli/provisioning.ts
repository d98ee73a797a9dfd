// The Provisioning API (JSON:API 1.0) for the commands: a resource and what it includes as one object.

import type { Json } from '../core/json.ts';
import type { Client, Query } from './client.ts';

/** A resource with its attributes, and its relationships as the resources that they name. */
export interface Flat {
  type: string;
  id: string;
}

export type Attributes = Readonly<Record<string, Json | undefined>>;
/** To-one relationships: the type and id of what each names. */
export type Targets = Readonly<Record<string, Flat | undefined>>;

interface Identifier {
  type: string;
  id: string;
}

interface ResourceObject extends Identifier {
  attributes?: Record<string, Json>;
  relationships?: Record<string, { data?: Identifier | Identifier[] | null }>;
}

interface Document {
  data: ResourceObject;
  included?: ResourceObject[];
}

interface ListDocument {
  data: ResourceObject[];
  included?: ResourceObject[];
  meta: { record_count: number; page_count: number };
}

/** The most that the API gives at once. */
const PAGE_SIZE = 25;

export async function getOne<Found extends Flat>(
  client: Client,
  path: string,
  query: Query = {},
): Promise<Found> {
  const { data, included } = await client.get<Document>(path, query);
  return flat<Found>(data, included);
}

/** All pages of a list. */
export async function getAll<Found extends Flat>(
  client: Client,
  path: string,
  query: Query = {},
): Promise<Found[]> {
  const found: Found[] = [];
  for (let number = 1; ; number++) {
    const page = { 'page[number]': number, 'page[size]': PAGE_SIZE };
    const { data, included, meta } = await client.get<ListDocument>(path, { ...query, ...page });
    for (const resource of data) found.push(flat<Found>(resource, included));
    if (number >= meta.page_count) return found;
  }
}

export async function create<Made extends Flat>(
  client: Client,
  type: string,
  attributes: Attributes,
  targets: Targets = {},
): Promise<Made> {
  const data = { type, ...bodyOf(attributes, targets) };
  const answer = await client.send<Document>('POST', `/api/${type}`, { data });
  return flat<Made>(answer.data, answer.included);
}

export async function update<Changed extends Flat>(
  client: Client,
  { type, id }: Flat,
  attributes: Attributes,
  targets: Targets = {},
): Promise<Changed> {
  const data = { type, id, ...bodyOf(attributes, targets) };
  const answer = await client.send<Document>('PATCH', pathOf({ type, id }), { data });
  return flat<Changed>(answer.data, answer.included);
}

export function remove(client: Client, resource: Flat): Promise<undefined> {
  return client.send('DELETE', pathOf(resource));
}

/** Where a resource is in the API; `rest` such as `/resend`. */
export function pathOf({ type, id }: Flat, rest = ''): string {
  return `/api/${type}/${encodeURIComponent(id)}${rest}`;
}

/** Targets that are undefined are left out, as JSON leaves out attributes that are. */
function bodyOf(attributes: Attributes, targets: Targets): object {
  const named = Object.entries(targets).flatMap(([name, target]) =>
    target === undefined ? [] : [[name, { data: { type: target.type, id: target.id } }] as const],
  );
  return { attributes, relationships: Object.fromEntries(named) };
}

/** @param above the resources on the way here: one that includes itself ends as its type and id */
function flat<Found extends Flat>(
  { type, id, attributes = {}, relationships = {} }: ResourceObject,
  included: readonly ResourceObject[] = [],
  above: readonly string[] = [],
): Found {
  const way = [...above, `${type}/${id}`];
  const filled = (target: Identifier): Flat => {
    if (way.includes(`${target.type}/${target.id}`)) return target;
    const found = included.find((one) => one.type === target.type && one.id === target.id);
    return found === undefined ? target : flat(found, included, way);
  };
  const targets = Object.entries(relationships).flatMap(([name, { data }]) => {
    if (data === undefined) return [];
    return [[name, Array.isArray(data) ? data.map(filled) : data && filled(data)] as const];
  });
  return { type, id, ...attributes, ...Object.fromEntries(targets) } as unknown as Found;
}
