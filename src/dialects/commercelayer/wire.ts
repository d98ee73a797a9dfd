// The Provisioning API's wire: JSON:API 1.0, and what the types that it serves are made of. A type is
// declared once, as data; what may be asked of it and what it shows follow from its declaration.

import type { Json } from '../../core/json.ts';

export const MEDIA_TYPE = 'application/vnd.api+json';

export const PAGE_SIZE = 10;
export const MAX_PAGE_SIZE = 25;

/** How an attribute's values compare, and how they read as text. */
export type Kind = 'text' | 'instant' | 'json';

export interface Attribute {
  kind: Kind;
  isFilterable?: true;
  isSortable?: true;
}

/** A type as the API serves it. `id` is not among its attributes; every type filters and sorts by it. */
export interface ResourceType {
  type: string;
  attributes: Readonly<Record<string, Attribute>>;
  /** The names that `include` and `fields` may ask for beside the attributes. */
  relationships: readonly string[];
}

export const VERSIONS_TYPE = {
  type: 'versions',
  attributes: {
    resource_type: { kind: 'text', isFilterable: true },
    resource_id: { kind: 'text', isFilterable: true },
    event: { kind: 'text' },
    changes: { kind: 'json' },
    who: { kind: 'json' },
    created_at: { kind: 'instant', isFilterable: true, isSortable: true },
    updated_at: { kind: 'instant', isFilterable: true, isSortable: true },
    reference: { kind: 'text', isFilterable: true, isSortable: true },
    reference_origin: { kind: 'text', isFilterable: true, isSortable: true },
    metadata: { kind: 'json', isFilterable: true },
  },
  relationships: [],
} as const satisfies ResourceType;

/** The types whose resources have a list of their own versions, at `/api/{type}/{id}/versions`. */
export const VERSIONED_TYPES = ['roles', 'permissions', 'memberships'] as const;

/** The kind by which a type filters; undefined where it does not. */
export function filterKind({ attributes }: ResourceType, name: string): Kind | undefined {
  if (name === 'id') return 'text';
  const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  return attribute?.isFilterable === true ? attribute.kind : undefined;
}

export function isSortable({ attributes }: ResourceType, name: string): boolean {
  return name === 'id' || (Object.hasOwn(attributes, name) && attributes[name]?.isSortable === true);
}

export function isField({ attributes, relationships }: ResourceType, name: string): boolean {
  return name === 'id' || Object.hasOwn(attributes, name) || relationships.includes(name);
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
  data: ResourceObject | ResourceObject[];
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
