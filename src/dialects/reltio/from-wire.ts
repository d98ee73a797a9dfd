// From Reltio's paths and query strings to what is wanted. Parameters that are not known are ignored, as
// `options` and `historicURIs` are; of a repeated one the first counts.

import { AnnalsError } from '../../core/errors.ts';
import { type Instant, MAX_INSTANT, MIN_INSTANT } from '../../core/instant.ts';
import { parseFilter } from './filter.ts';
import { type Wanted, WINDOW } from './history.ts';
import type { Query } from './wire.ts';

/** A page of an entity's history. */
export interface Page {
  max: number;
  offset: number;
  order: 'asc' | 'desc';
}

/** @throws AnnalsError `invalid_parameter` */
export function pageOf(query: Query): Page {
  return {
    max: Math.min(WINDOW, wholeNumber(query, 'max', 1) ?? 50),
    offset: wholeNumber(query, 'offset', 0) ?? 0,
    order: orderOf(query),
  };
}

/** @throws AnnalsError `invalid_parameter` */
export function wantedOf(query: Query): Wanted {
  const showAll = flag(query, 'showAll');
  const filter = first(query, 'filter');
  return {
    showAll,
    // The documentation has both spellings.
    majorOnly: flag(query, 'showMajorEventsOnly') || flag(query, 'showMajorEventsonly'),
    filter: showAll || filter === undefined || filter.trim() === '' ? undefined : parseFilter(filter),
  };
}

/**
 * The end of the millisecond `time`, so that what is shown with this timestamp has happened; undefined
 * where the query has none.
 * @throws AnnalsError `invalid_parameter`
 */
export function timeOf(query: Query): Instant | undefined {
  const text = first(query, 'time');
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text)) throw refused('time', 'milliseconds since 1970', text);
  return Math.min(MAX_INSTANT, Math.max(MIN_INSTANT, Number(text) * 1000 + 999));
}

function wholeNumber(query: Query, name: string, least: number): number | undefined {
  const text = first(query, name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least) return number;
  throw refused(name, `a whole number, at least ${least}`, text);
}

function orderOf(query: Query): Page['order'] {
  const order = first(query, 'order') ?? 'desc';
  if (order === 'asc' || order === 'desc') return order;
  throw refused('order', 'asc or desc', order);
}

function flag(query: Query, name: string): boolean {
  const text = first(query, name)?.toLowerCase() ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw refused(name, 'true or false', text);
}

function first(query: Query, name: string): string | undefined {
  const value = query[name];
  return Array.isArray(value) ? value[0] : value;
}

function refused(field: string, limit: string, got: string): AnnalsError {
  const shown = got.slice(0, 80);
  return new AnnalsError('invalid_parameter', `${field}: wanted ${limit}, got ${JSON.stringify(shown)}`, {
    field,
    limit,
    got: shown,
  });
}
