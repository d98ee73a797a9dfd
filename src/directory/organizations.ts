// Which organizations there are: the list of logs. What an organization is called and how it is set up
// is its resource, in its own log; the list has what it was made with, and that never changes.

import { AnnalsError } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import { keyReused } from '../ingest/record.ts';
import type { Organization, Store } from '../store/store.ts';

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST_SLUG = 63;
const MOST_NAME = 200;
/** For so long another server's organization may stay unknown in a list; one that is asked for is looked up. */
const TRUSTED_MS = 1_000;

/** What an organization is to be called. */
export interface WantedOrganization {
  slug?: string | undefined;
  name?: string | undefined;
  /** Undefined: a fresh one. One that follows from a request makes the request repeatable. */
  id?: string | undefined;
}

type Means = { now(): Instant; nowMs(): number; uuid(): string };

export class Organizations {
  readonly #store: Store;
  readonly #means: Means;
  #known: Organization[] = [];
  #byName = new Map<string, Organization>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  /** Grows with everything after which the list may be longer: what was read before is not the whole. */
  #suspicions = 0;

  constructor(store: Store, means: Means) {
    this.#store = store;
    this.#means = means;
  }

  async all(): Promise<Organization[]> {
    if (this.#means.nowMs() - this.#readAtMs >= TRUSTED_MS) await this.#read();
    return this.#known;
  }

  async find(idOrSlug: string): Promise<Organization | undefined> {
    const known = this.#byName.get(idOrSlug);
    if (known !== undefined) return known;
    // Another server on the same database may have made it.
    await this.#read();
    return this.#byName.get(idOrSlug);
  }

  /** The next question reads again. */
  suspect(): void {
    this.#suspicions += 1;
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }

  /** @throws AnnalsError `invalid_field`, `slug_taken`, `idempotency_key_reused` where the id has another slug or name */
  async add(wanted: WantedOrganization): Promise<Organization> {
    const { uuid, now } = this.#means;
    const { id = uuid() } = wanted;
    const slug = wanted.slug ?? slugOf(wanted.name ?? '', id);
    const name = wanted.name ?? slug;
    checkSlug(slug);
    checkName(name);
    const created = { id, slug, name, createdAt: now() };
    if (!(await this.#store.addOrganization(created))) {
      const first = wanted.id === undefined ? undefined : await this.find(wanted.id);
      if (first?.slug === slug && first.name === name) return first;
      if (first !== undefined) throw keyReused();
      // A slug that nobody chose gives way.
      if (wanted.slug === undefined) return this.add({ name, slug: `${slug.slice(0, 54)}-${id.slice(-8)}` });
      throw new AnnalsError('slug_taken', `there is an organization with the slug "${slug}" already`, {
        field: '/slug',
        got: slug,
      });
    }
    this.suspect();
    return created;
  }

  async #read(): Promise<void> {
    const readAtMs = this.#means.nowMs();
    const suspicions = this.#suspicions;
    const list = await this.#store.organizations();
    // None ever goes: a shorter list was read before the one that is known.
    if (list.length >= this.#known.length) {
      this.#known = list;
      this.#byName = new Map(list.flatMap((one) => [[one.slug, one] as const, [one.id, one] as const]));
    }
    if (suspicions === this.#suspicions) this.#readAtMs = readAtMs;
  }
}

/** A slug made of a name: what may be in one of it, and part of the id where that is nothing. */
function slugOf(name: string, id: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MOST_SLUG)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? `organization-${id.slice(-8)}` : slug;
}

function checkSlug(slug: string): void {
  if (SLUG.test(slug)) return;
  const wanted = `slug must be 1 to ${MOST_SLUG} of a-z, 0-9 and - (not at an end), got "${slug}"`;
  throw new AnnalsError('invalid_field', wanted, { field: '/slug', limit: SLUG.source, got: slug });
}

function checkName(name: string): void {
  if (name.length >= 1 && name.length <= MOST_NAME) return;
  throw new AnnalsError('invalid_field', `name must have 1 to ${MOST_NAME} characters, got ${name.length}`, {
    field: '/name',
    limit: MOST_NAME,
    got: name.length,
  });
}
