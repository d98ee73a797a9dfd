// From a query string to what it asks for. Parameters are checked against the declaration of the type.

import { WireError } from './errors.ts';
import { type Condition, conditionOf } from './filter.ts';
import { isField, isSortable, MAX_PAGE_SIZE, PAGE_SIZE, type ResourceType } from './wire.ts';

export interface SortKey {
  name: string;
  isDescending: boolean;
}

export interface Page {
  number: number;
  size: number;
}

/** What a request for one resource may ask. */
export interface ResourceQuery {
  /** The members of a resource object's `attributes`, where not all are wanted. */
  fields: ReadonlySet<string> | undefined;
}

/** What a request for a list may ask. */
export interface ListQuery extends ResourceQuery {
  conditions: Condition[];
  sort: SortKey[];
  page: Page;
  /** Every parameter but those of the page, as they came: links repeat them. */
  others: [name: string, value: string][];
}

/** @throws WireError */
export function resourceQueryOf(type: ResourceType, url: string): ResourceQuery {
  const query: ResourceQuery = { fields: undefined };
  for (const [name, value] of parametersOf(url)) {
    if (!readCommon(type, query, name, value)) throw notAllowed(name);
  }
  return query;
}

/** @throws WireError */
export function listQueryOf(type: ResourceType, url: string): ListQuery {
  const page = { number: 1, size: PAGE_SIZE };
  const query: ListQuery = { fields: undefined, conditions: [], sort: [], page, others: [] };
  for (const [name, value] of parametersOf(url)) {
    if (name.startsWith('page')) {
      readPage(page, name, value);
      continue;
    }
    query.others.push([name, value]);
    if (name.startsWith('filter')) query.conditions.push(conditionOf(type, name, value));
    else if (name === 'sort') query.sort = sortOf(type, value);
    else if (!readCommon(type, query, name, value)) throw notAllowed(name);
  }
  return query;
}

/** The parameters in their order; one that comes twice is refused, for nobody could say which one counts. */
function parametersOf(url: string): Map<string, string> {
  const parameters = new Map<string, string>();
  const mark = url.indexOf('?');
  if (mark === -1) return parameters;
  for (const [name, value] of new URLSearchParams(url.slice(mark + 1))) {
    if (parameters.has(name)) throw new WireError('PARAM_NOT_ALLOWED', `${name} comes more than once.`, name);
    parameters.set(name, value);
  }
  return parameters;
}

/** Reads `fields` and `include`; false where the parameter is another. */
function readCommon(type: ResourceType, query: ResourceQuery, name: string, value: string): boolean {
  if (name === 'include') {
    const [unknown] = list(value).filter((path) => !type.relationships.includes(path));
    if (unknown === undefined) return true;
    throw new WireError('INVALID_INCLUDE', `${unknown} is not a valid include of ${type.type}`, name);
  }
  const of = /^fields\[([^[\]]*)\]$/.exec(name)?.[1];
  if (of === undefined) return false;
  if (of !== type.type) throw new WireError('INVALID_RESOURCE', `${of} is not a valid resource.`, name);
  const fields = list(value);
  const unknown = fields.find((field) => !isField(type, field));
  if (unknown !== undefined) {
    throw new WireError('INVALID_FIELD', `${unknown} is not a valid field for ${type.type}.`, name);
  }
  query.fields = new Set(fields);
  return true;
}

function sortOf(type: ResourceType, value: string): SortKey[] {
  return list(value).map((key) => {
    const isDescending = key.startsWith('-');
    const name = isDescending ? key.slice(1) : key;
    if (isSortable(type, name)) return { name, isDescending };
    throw new WireError(
      'INVALID_SORT_CRITERIA',
      `${name} is not a valid sort criteria for ${type.type}`,
      'sort',
    );
  });
}

function readPage(page: Page, name: string, value: string): void {
  const member = /^page\[(number|size)\]$/.exec(name)?.[1] as keyof Page | undefined;
  if (member === undefined)
    throw new WireError('INVALID_PAGE_OBJECT', `${name} is not a page parameter.`, name);
  const most = member === 'size' ? MAX_PAGE_SIZE : Math.floor(Number.MAX_SAFE_INTEGER / MAX_PAGE_SIZE);
  const number = /^\d{1,16}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > most) {
    const message = `${value.slice(0, 80)} is not a valid value for ${name}: it must be from 1 to ${most}.`;
    throw new WireError('INVALID_PAGE_VALUE', message, name);
  }
  page[member] = number;
}

function list(value: string): string[] {
  return value === '' ? [] : value.split(',');
}

function notAllowed(name: string): WireError {
  return new WireError('PARAM_NOT_ALLOWED', `${name.slice(0, 80)} is not allowed.`, name.slice(0, 80));
}
