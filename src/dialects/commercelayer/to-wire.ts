// From entries and pages to JSON:API documents.

import type { Entry } from '../../core/entry.ts';
import type { ListQuery, ResourceQuery } from './from-wire.ts';
import { attributesOf } from './versions.ts';
import { type Document, type ResourceObject, VERSIONS_TYPE } from './wire.ts';

/** Where the request came to: links are built from it. */
export interface Place {
  origin: string;
  /** The path of the list, with `/api`. */
  path: string;
}

export function toDocument({ origin }: Pick<Place, 'origin'>, entry: Entry, query: ResourceQuery): Document {
  return { data: versionObject(origin, entry, query) };
}

export function toList(place: Place, entries: readonly Entry[], count: number, query: ListQuery): Document {
  return {
    data: entries.map((entry) => versionObject(place.origin, entry, query)),
    ...pageOf(place, count, query),
  };
}

/** What a list says of the page and of all others. */
export function pageOf(place: Place, count: number, query: ListQuery): Pick<Document, 'meta' | 'links'> {
  const pages = Math.ceil(count / query.page.size);
  return { meta: { record_count: count, page_count: pages }, links: linksOf(place, pages, query) };
}

export function versionObject(origin: string, entry: Entry, query: ResourceQuery): ResourceObject {
  const { type } = VERSIONS_TYPE;
  const fields = query.fields.get(type);
  const attributes = Object.entries(attributesOf(entry));
  return {
    id: entry.id,
    type,
    links: { self: `${origin}/api/${type}/${entry.id}` },
    attributes: Object.fromEntries(attributes.filter(([name]) => fields === undefined || fields.has(name))),
    relationships: {},
  };
}

function linksOf(
  { origin, path }: Place,
  pages: number,
  { page, others }: ListQuery,
): Record<string, string> {
  const last = Math.max(1, pages);
  const linkTo = (number: number): string => {
    const parameters = [...others, ['page[number]', String(number)], ['page[size]', String(page.size)]];
    const query = parameters.map(([name, value]) => `${readable(name)}=${readable(value)}`).join('&');
    return `${origin}${path}?${query}`;
  };
  return {
    first: linkTo(1),
    ...(page.number > 1 ? { prev: linkTo(Math.min(page.number - 1, last)) } : {}),
    ...(page.number < last ? { next: linkTo(page.number + 1) } : {}),
    last: linkTo(last),
  };
}

/** Brackets, commas and colons stand in a query as they are. */
function readable(text: string | undefined): string {
  return encodeURIComponent(text ?? '').replace(/%(?:5B|5D|2C|3A)/g, decodeURIComponent);
}
