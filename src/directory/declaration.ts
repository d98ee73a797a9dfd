// How a type of the directory is declared: once, as data. Its routes, its validation, its description
// and what its history shows follow from the declaration.

import type { Json } from '../core/json.ts';

export type Kind = 'string' | 'integer' | 'float' | 'boolean' | 'object' | 'datetime';

export interface Attribute {
  kind: Kind;
  isCreatable: boolean;
  isUpdatable: boolean;
  /** Is it shown? What is not is hidden, or a trigger. */
  isFetchable: boolean;
  isFilterable: boolean;
  isSortable: boolean;
  isRequired: boolean;
  /** The only values that it may have. */
  values?: readonly string[] | undefined;
  min?: number | undefined;
  max?: number | undefined;
  /** What it is where nobody said otherwise. */
  default?: Json | undefined;
  /** Sets something off and is kept nowhere. */
  isTrigger: boolean;
  /** Whether it may be null. */
  isNullable: boolean;
  /** What it is good for, in one sentence. */
  about?: string | undefined;
}

export interface Relationship {
  to: string;
  isMany: boolean;
  isCreatable: boolean;
  isUpdatable: boolean;
  isFetchable: boolean;
  isRequired: boolean;
  /** To-one: the member of the state that holds the id; undefined for the organization, which is the log's. */
  key?: string | undefined;
  /** To-many: the to-one relationship by which the others name this resource. */
  inverse?: string | undefined;
}

export type Operation = 'create' | 'list' | 'retrieve' | 'update' | 'delete';

/** A request beside the five operations. */
export interface ResourceAction {
  name: string;
  method: 'POST' | 'PATCH';
  status: number;
  about: string;
}

export interface Declaration {
  /** Plural, as resources are called in the log and on the wire. */
  type: string;
  singular: string;
  /** Begins the events of its changes, such as `org.role` of `org.role.added`; undefined: they have none. */
  event?: string | undefined;
  operations: readonly Operation[];
  actions: readonly ResourceAction[];
  /** There is one for each caller, without an id in its path. */
  isSingleton: boolean;
  attributes: Readonly<Record<string, Attribute>>;
  relationships: Readonly<Record<string, Relationship>>;
  /** Members of the state that no answer shows, such as the hash of a secret. */
  hidden: readonly string[];
}

/**
 * What may be done with an attribute, a letter each, as the vendor's descriptions have them: C it is given
 * on creation, U on update, F it is shown, Q it filters, S it sorts.
 */
export type Flags = string;

type More = Partial<
  Pick<Attribute, 'isRequired' | 'values' | 'min' | 'max' | 'default' | 'isTrigger' | 'isNullable' | 'about'>
>;

export function attribute(kind: Kind, flags: Flags, more: More = {}): Attribute {
  return {
    kind,
    isCreatable: flags.includes('C'),
    isUpdatable: flags.includes('U'),
    isFetchable: flags.includes('F'),
    isFilterable: flags.includes('Q'),
    isSortable: flags.includes('S'),
    isRequired: false,
    isTrigger: false,
    isNullable: more.isRequired !== true && more.default === undefined,
    ...more,
  };
}

/** A to-one relationship, kept as `<name>_id`. */
export function one(to: string, key: string, flags: Flags, isRequired = false): Relationship {
  return { ...relationship(to, flags, isRequired), isMany: false, key };
}

/** The organization, which is the one whose log it is; it is named on creation. */
export function organization(): Relationship {
  return { ...relationship('organizations', 'C', true), isMany: false };
}

/** A to-many relationship: whoever names this resource by `inverse`. */
export function many(to: string, inverse: string, flags: Flags = ''): Relationship {
  return { ...relationship(to, flags, false), isMany: true, inverse };
}

function relationship(to: string, flags: Flags, isRequired: boolean): Omit<Relationship, 'isMany'> {
  return {
    to,
    isCreatable: flags.includes('C'),
    isUpdatable: flags.includes('U'),
    isFetchable: true,
    isRequired,
  };
}

/** What every type has: its own marks, and the caller's. */
const COMMON: Readonly<Record<string, Attribute>> = {
  created_at: attribute('datetime', 'FQS', { isNullable: false }),
  updated_at: attribute('datetime', 'FQS', { isNullable: false }),
  reference: attribute('string', 'CUFQS', { about: 'Any name that it has elsewhere' }),
  reference_origin: attribute('string', 'CUFQS', { about: 'Where it has that name' }),
  metadata: attribute('object', 'CUFQ', { about: 'Anything else' }),
};

/** Completes a declaration. */
export function declare(
  own: Pick<Declaration, 'type' | 'singular' | 'attributes'> & Partial<Declaration>,
): Declaration {
  return {
    operations: ['create', 'list', 'retrieve', 'update', 'delete'],
    actions: [],
    isSingleton: false,
    relationships: {},
    hidden: [],
    ...own,
    attributes: { ...own.attributes, ...COMMON },
  };
}
