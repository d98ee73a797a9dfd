// From Crego's query string to a selection and a page. As in Django, an empty parameter is one that was
// not sent, and of a repeated one the last counts.

import { ACTIONS, type Action } from '../../core/entry.ts';
import { AnnalsError } from '../../core/errors.ts';
import { type Instant, parseInstant } from '../../core/instant.ts';
import { type Stream, streamOf } from '../../core/streams.ts';
import { normaliseIp } from '../../ingest/normalise.ts';
import type { Selection } from '../../store/store.ts';
import type { Query } from './wire.ts';

/**
 * The selection that the filters name; undefined where nothing can match.
 * @throws AnnalsError `invalid_parameter`
 */
export function selectionOf(query: Query): Selection | undefined {
  const since = instantOf(query, 'timestamp_after');
  const until = instantOf(query, 'timestamp_before');
  const streams = streamsOf(query);
  if (streams === undefined || since === Infinity || until === -Infinity) return undefined;
  return {
    streams,
    since: since === -Infinity ? undefined : since,
    until: until === Infinity ? undefined : until,
  };
}

function streamsOf(query: Query): Stream[] | undefined {
  const [userId, objectId] = [last(query, 'user_id'), last(query, 'object_id')];
  const [ipAddress, actionType] = [last(query, 'ip_address'), last(query, 'action_type')];
  const streams: Stream[] = [];
  if (userId !== undefined) streams.push(streamOf.actor(userId));
  if (objectId !== undefined) streams.push(streamOf.id(objectId));
  if (ipAddress !== undefined) {
    const ip = normaliseIp(ipAddress);
    if (ip === undefined) return undefined;
    streams.push(streamOf.ip(ip));
  }
  if (actionType !== undefined) {
    const action = actionType.toLowerCase();
    if (!isAction(action)) return undefined;
    streams.push(streamOf.action(action));
  }
  return streams;
}

function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text);
}

const DEFAULT_SIZE = 15;
const MOST_SIZE = 100;

/** From 1 to 100; above that 100, and anything else the default. */
export function pageSizeOf(query: Query): number {
  const text = last(query, 'page_size') ?? '';
  const size = /^\d+$/.test(text) ? Number(text) : 0;
  return size === 0 ? DEFAULT_SIZE : Math.min(size, MOST_SIZE);
}

/** @throws AnnalsError `not_found` where it is no whole number from 1 on */
export function pageOf(query: Query): number {
  const text = last(query, 'page') ?? '1';
  const page = Number(text);
  if (/^\d+$/.test(text) && page >= 1) return page;
  throw invalidPage(text);
}

export function invalidPage(got: string | number): AnnalsError {
  return new AnnalsError('not_found', 'Invalid page.', { field: 'page', got });
}

const ISO_8601 =
  /^(\d{4})(-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?)| (\d\d:\d\d))?)?$/;

/** Infinite beyond the instants that Annals knows; undefined where the query has none. */
function instantOf(query: Query, name: string): Instant | undefined {
  const text = last(query, name);
  if (text === undefined) return undefined;
  const [, year, day, time = '00:00', second = '00', fraction = '0', zone = 'Z', bareOffset] =
    ISO_8601.exec(text) ?? [];
  // An unencoded + arrives as a space.
  const offset = bareOffset === undefined ? zone : `+${bareOffset}`;
  const rest = `${day}T${time}:${second}.${fraction}${offset.replace(/^([+-]\d\d):?(\d\d)?$/, toOffset)}`;
  // The calendar repeats every 400 years: a text that is well-formed in its near year is in its own.
  const nearYear = 1800 + ((Number(year) + 200) % 400);
  if (year === undefined || parseInstant(`${nearYear}${rest}`) === undefined) {
    throw new AnnalsError('invalid_parameter', 'Enter a valid date/time.', {
      field: name,
      got: text.slice(0, 80),
    });
  }
  return parseInstant(year + rest) ?? (Number(year) < 1970 ? -Infinity : Infinity);
}

function toOffset(_: string, hours: string, minutes = '00'): string {
  return `${hours}:${minutes}`;
}

function last(query: Query, name: string): string | undefined {
  const value = query[name];
  const text = Array.isArray(value) ? value.at(-1) : value;
  return text === '' ? undefined : text;
}
