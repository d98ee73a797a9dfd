// What Crego's audit history says on the wire.

/** The envelope of a page; `results` are written as text, in to-wire.ts. */
export interface CregoPage {
  /** All matching records, exact. */
  count: number;
  /** At least 1. */
  total_pages: number;
  /** From 1. */
  current_page: number;
  has_previous: boolean;
  has_next: boolean;
  previous_page: number | null;
  next_page: number | null;
}

/** One of `results`. */
export interface CregoRecord {
  /** A ULID: the change id's 128 bits. */
  id: string;
  tenant_id: string;
  user_id: string;
  created_by: string;
  action_type: 'create' | 'update' | 'delete' | 'access';
  /** UTC, six fraction digits and `Z`. */
  timestamp: string;
  /** IPv4 only. */
  ip_address: string | null;
  user_agent: string;
  object_id: string;
  before_state: object | null;
  after_state: object | null;
  /** The number of the resource type. */
  content_type: number;
}

/** Every error but the one below. */
export interface CregoError {
  detail: string;
}

/** What is wrong with parameters, by their names. */
export type CregoFieldErrors = Record<string, string[]>;

/** A query string; a parameter that is repeated is an array. */
export type Query = Record<string, string | string[] | undefined>;
