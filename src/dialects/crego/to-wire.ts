// From rows to Crego's audit records. They are written as text: states go out as the store keeps them.

import { isIPv4 } from 'node:net';
import type { Actor } from '../../core/entry.ts';
import { formatInstant, type Instant } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import { parseText } from '../../core/json-parse.ts';
import { normaliseIp } from '../../ingest/normalise.ts';
import type { CompleteRow } from '../../query/read.ts';
import { toUlid } from './ulid.ts';
import type { CregoPage, CregoRecord } from './wire.ts';

export function toPage(count: number, page: number, totalPages: number): CregoPage {
  const [hasPrevious, hasNext] = [page > 1, page < totalPages];
  return {
    count,
    total_pages: totalPages,
    current_page: page,
    has_previous: hasPrevious,
    has_next: hasNext,
    previous_page: hasPrevious ? page - 1 : null,
    next_page: hasNext ? page + 1 : null,
  };
}

/** The envelope with its records. */
export function pageText(page: CregoPage, records: readonly string[]): string {
  return `${JSON.stringify(page).slice(0, -1)},"results":[${records.join(',')}]}`;
}

/** A `CregoRecord` as JSON. */
export function recordText(row: CompleteRow, tenantId: string, contentType: number | undefined): string {
  const { id: userId } = JSON.parse(row.actor) as Actor;
  const context = row.context === undefined ? {} : (parseText(row.context) as JsonObject);
  const record: Omit<CregoRecord, 'before_state' | 'after_state' | 'content_type'> = {
    id: toUlid(row.id),
    tenant_id: tenantId,
    user_id: userId,
    created_by: userId,
    action_type: row.action,
    timestamp: toTimestamp(row.occurredAt),
    ip_address: toIpv4(context.ip),
    user_agent: typeof context.userAgent === 'string' ? context.userAgent : '',
    object_id: row.resource.id,
  };
  const before = row.action === 'create' ? null : row.before;
  return `${JSON.stringify(record).slice(0, -1)},"before_state":${before ?? 'null'},"after_state":${row.after ?? 'null'},"content_type":${contentType}}`;
}

function toTimestamp(instant: Instant): string {
  const text = formatInstant(instant);
  return text.length === '2025-03-26T08:23:02.868Z'.length ? `${text.slice(0, -1)}000Z` : text;
}

function toIpv4(ip: unknown): string | null {
  const address = typeof ip === 'string' ? normaliseIp(ip) : undefined;
  return address !== undefined && isIPv4(address) ? address : null;
}
