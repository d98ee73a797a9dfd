// The Provisioning API's wire: JSON:API 1.0, and what the types that it serves are made of. A type is
// declared once, as data; what may be asked of it and what it shows follow from its declaration.

import type { Json } from '../../core/json.ts';
import type { Declaration, Attribute as Declared } from '../../directory/declaration.ts';
import { declarationOf } from '../../directory/declarations.ts';

export const MEDIA_TYPE = 'application/vnd.api+json';

export const PAGE_SIZE = 10;
export const MAX_PAGE_SIZE = 25;

/** How an attribute's values compare, and how they read as text. */
export type Kind = 'text' | 'instant' | 'json' | 'number' | 'boolean';

/** A type as the API serves it. `id` is not among its attributes; every type filters and sorts by it. */
export type ResourceType = Pick<Declaration, 'type' | 'attributes' | 'relationships'>;

export const VERSIONS_TYPE: ResourceType = declarationOf('versions');

/** The types whose resources have a list of their own versions, at `/api/{type}/{id}/versions`. */
export const VERSIONED_TYPES = ['roles', 'permissions', 'memberships'] as const;

const KINDS: Record<Declared['kind'], Kind> = {
  string: 'text',
  datetime: 'instant',
  object: 'json',
  integer: 'number',
  float: 'number',
  boolean: 'boolean',
};

/** Where a filter looks: an attribute of the resource, or of one that is related to it. */
export interface FilterPath {
  kind: Kind;
  attribute: string;
  /** The relationship that leads there; undefined: the resource's own. */
  relationship?: string;
}

/** What a name in a filter means, such as `name` or `organization_name`; undefined where it filters nothing. */
export function filterPath(type: ResourceType, name: string): FilterPath | undefined {
  const own = filterKind(type, name);
  if (own !== undefined) return { kind: own, attribute: name };
  for (const [relationship, { to }] of Object.entries(type.relationships)) {
    if (!name.startsWith(`${relationship}_`) || to === 'versions') continue;
    const attribute = name.slice(relationship.length + 1);
    const kind = filterKind(declarationOf(to), attribute);
    if (kind !== undefined) return { kind, attribute, relationship };
  }
  return undefined;
}

/** The kind by which a type filters; undefined where it does not. */
export function filterKind({ attributes }: ResourceType, name: string): Kind | undefined {
  if (name === 'id') return 'text';
  const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  return attribute?.isFilterable === true ? KINDS[attribute.kind] : undefined;
}

export function isSortable({ attributes }: ResourceType, name: string): boolean {
  return name === 'id' || (Object.hasOwn(attributes, name) && attributes[name]?.isSortable === true);
}

export function isField({ attributes, relationships }: ResourceType, name: string): boolean {
  if (name === 'id' || Object.hasOwn(relationships, name)) return true;
  return Object.hasOwn(attributes, name) && attributes[name]?.isFetchable === true;
}

/** A resource object (JSON:API 1.0, section 5.2). */
export interface ResourceObject {
  id: string;
  type: string;
  links: { self: string };
  attributes: Record<string, Json>;
  relationships: Record<string, Json>;
}

export interface Document {
  data: ResourceObject | ResourceObject[] | null;
  included?: ResourceObject[];
  meta?: { record_count: number; page_count: number };
  links?: Record<string, string>;
}

/** One member of `errors`; `status` is a string on this wire. */
export interface ErrorObject {
  title: string;
  detail: string;
  code: string;
  status: string;
  source?: { pointer: string } | { parameter: string };
  meta?: Record<string, Json>;
}
