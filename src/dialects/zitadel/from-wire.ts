// From the wire to callers, selections and ranges.

import type { Message } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import type { ChangeQuery } from '@zitadel/proto/zitadel/change_pb.js';
import type { Caller } from '../../auth/access.ts';
import { AnnalsError } from '../../core/errors.ts';
import { type Instant, MAX_INSTANT, MIN_INSTANT } from '../../core/instant.ts';
import type { Organization } from '../../directory/directory.ts';
import type { Range } from '../../store/store.ts';
import type { Annals } from '../dialect.ts';
import { errorWithId, refusals } from './errors.ts';
import { chooseLanguage, errorText, type Language } from './texts/texts.ts';
import { ORGANIZATION_HEADER } from './wire.ts';

/** What a request says beside its message, whatever transport it came by. */
export interface Envelope {
  /** A header, or gRPC metadata, by its lower-case name. */
  header(name: string): string | undefined;
  /** Where it comes from. */
  address: string;
}

/** Who asks, of which organization, in which language. */
export interface Asked {
  caller: Caller;
  organization: Organization;
  language: Language;
}

/** @throws ConnectError, AnnalsError: no header, a bad one, a bad token, no such organization, no right to read */
export async function ask(annals: Annals, { header, address }: Envelope): Promise<Asked> {
  const caller = await annals.access.authenticate(tokenIn(header('authorization')), address);
  const organization = await organizationOf(annals, caller, header(ORGANIZATION_HEADER) || undefined);
  annals.access.require(caller, 'read', 'changes');
  return { caller, organization, language: chooseLanguage(header('accept-language')) };
}

async function organizationOf(
  { access, directory }: Annals,
  caller: Caller,
  named: string | undefined,
): Promise<Organization> {
  try {
    return await access.organization(caller, named);
  } catch (error) {
    if (!(error instanceof AnnalsError) || !['forbidden', 'not_found'].includes(error.code)) throw error;
    // An id of another organization is known only to who was told it; a slug can be guessed, and is not confirmed.
    const isKnown = named !== undefined && (await directory.organization(named))?.id === named;
    throw isKnown ? refusals.noMembership() : refusals.noOrganization();
  }
}

/** The wire splits at `Bearer `, and wants nothing in front of it. */
function tokenIn(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') throw refusals.noHeader();
  const parts = authorization.split('Bearer ');
  if (parts.length !== 2 || parts[0] !== '') throw refusals.badHeader();
  return parts[1] as string;
}

type Query = Omit<ChangeQuery, keyof Message>;

/** @throws ConnectError where more is asked for than one answer may have */
export function rangeOf(query: Query | undefined, maxChanges: number, language: Language): Range {
  const limit = query?.limit || maxChanges;
  if (limit > maxChanges) {
    throw errorWithId(Code.InvalidArgument, 'QUERY-4M0fs', errorText('Errors.Query.LimitExceeded', language));
  }
  return { by: 'position', order: query?.asc ? 'asc' : 'desc', limit, behind: behind(query?.sequence ?? 0n) };
}

/** The bound excludes the entry with this sequence, in either direction; 0 is no bound. */
export function behind(sequence: bigint): Range['behind'] {
  if (sequence === 0n) return undefined;
  const position =
    sequence > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(sequence) - 1;
  return { position, occurredAt: 0 };
}

/** The first whole microsecond at or after the timestamp. */
export function toInstant({ seconds, nanos }: Timestamp): Instant {
  return clamped(Number(seconds) * 1_000_000 + Math.ceil(nanos / 1000));
}

/** The first whole microsecond after the timestamp. */
export function instantAfter({ seconds, nanos }: Timestamp): Instant {
  return clamped(Number(seconds) * 1_000_000 + Math.floor(nanos / 1000) + 1);
}

function clamped(instant: number): Instant {
  return Math.max(MIN_INSTANT, Math.min(MAX_INSTANT, instant));
}
