// From a query string to what it asks for. Parameters are checked against the declaration of the type.

import { declarationOf, PROVISIONING } from '../../directory/declarations.ts';
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

/** Relationships to include, and those of what is included. */
export type Include = ReadonlyMap<string, Include>;
type Tree = Map<string, Tree>;

/** What a request for one resource may ask. */
export interface ResourceQuery {
  /** By type, the members of a resource object's attributes and relationships, where not all are wanted. */
  fields: ReadonlyMap<string, ReadonlySet<string>>;
  include: Include;
}

/** What a request for a list may ask. */
export interface ListQuery extends ResourceQuery {
  conditions: Condition[];
  sort: SortKey[];
  page: Page;
  /** Every parameter but those of the page, as they came: links repeat them. */
  others: [name: string, value: string][];
}

interface Common {
  fields: Map<string, ReadonlySet<string>>;
  include: Include;
}

/** @throws WireError */
export function resourceQueryOf(type: ResourceType, url: string): ResourceQuery {
  const query: Common = { fields: new Map(), include: new Map() };
  for (const [name, value] of parametersOf(url)) {
    if (!readCommon(type, query, name, value)) throw notAllowed(name);
  }
  return query;
}

/** @throws WireError */
export function listQueryOf(type: ResourceType, url: string): ListQuery {
  const page = { number: 1, size: PAGE_SIZE };
  const common: Common = { fields: new Map(), include: new Map() };
  const query: Omit<ListQuery, keyof ResourceQuery> = { conditions: [], sort: [], page, others: [] };
  for (const [name, value] of parametersOf(url)) {
    if (name.startsWith('page')) {
      readPage(page, name, value);
      continue;
    }
    query.others.push([name, value]);
    if (name.startsWith('filter')) query.conditions.push(conditionOf(type, name, value));
    else if (name === 'sort') query.sort = sortOf(type, value);
    else if (!readCommon(type, common, name, value)) throw notAllowed(name);
  }
  return { ...query, ...common };
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
function readCommon(type: ResourceType, query: Common, name: string, value: string): boolean {
  if (name === 'include') {
    query.include = includeOf(type, list(value));
    return true;
  }
  const of = /^fields\[([^[\]]*)\]$/.exec(name)?.[1];
  if (of === undefined) return false;
  if (!PROVISIONING.some((known) => known.type === of))
    throw new WireError('INVALID_RESOURCE', `${of} is not a valid resource.`, name);
  const fields = list(value);
  const unknown = fields.find((field) => !isField(declarationOf(of), field));
  if (unknown !== undefined) {
    throw new WireError('INVALID_FIELD', `${unknown} is not a valid field for ${of}.`, name);
  }
  query.fields.set(of, new Set(fields));
  return true;
}

/** How deep an include may reach: each step can multiply what is answered. */
const MOST_STEPS = 10;

function includeOf(type: ResourceType, paths: string[]): Include {
  const tree: Tree = new Map();
  for (const path of paths) {
    let [branch, from] = [tree, type];
    const steps = path.split('.');
    for (const step of steps) {
      const relationship = Object.hasOwn(from.relationships, step) ? from.relationships[step] : undefined;
      if (relationship === undefined || steps.length > MOST_STEPS)
        throw new WireError('INVALID_INCLUDE', `${path} is not a valid include of ${type.type}`, 'include');
      const next: Tree = branch.get(step) ?? new Map();
      branch.set(step, next);
      [branch, from] = [next, declarationOf(relationship.to)];
    }
  }
  return tree;
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
