// The native API's shapes, as TypeBox schemas: they check parameters and make the OpenAPI document.

import Type from 'typebox';
import { ACTIONS } from '../../core/entry.ts';
import { ERROR_STATUS } from '../../core/errors.ts';

export const Uuid = Type.String({ format: 'uuid', description: 'A UUID, lower case' });
export const InstantText = Type.String({
  format: 'date-time',
  description: 'RFC 3339, UTC; three fraction digits, or six where the instant is no whole millisecond',
});
export const Base64 = Type.String({ contentEncoding: 'base64', description: 'Standard base64, padded' });
export const Continuity = Type.Enum(['first', 'continuous', 'gap'], {
  description:
    '`first`: no state was known; `gap`: the `before` that was sent is not the state that the log knew, so a change was missed',
});
const ActionName = Type.Enum([...ACTIONS]);
const FreeObject = Type.Object({}, { additionalProperties: true });
const State = Type.Union([FreeObject, Type.Null()], {
  description: 'A whole resource; null before it exists and after it is deleted',
});

export const ResourceWire = Type.Object({
  type: Type.String(),
  id: Type.String(),
  name: Type.Optional(Type.String()),
});

export const ReceiptWire = Type.Object(
  {
    id: Uuid,
    position: Type.Integer({ minimum: 0, description: "The entry's place in its log" }),
    version: Type.Integer({ minimum: 1, description: "The entry's place in its resource's history" }),
    recordedAt: InstantText,
    continuity: Continuity,
    changed: Type.Boolean({ description: 'Is there a difference between before and after?' }),
    leafHash: Base64,
  },
  { title: 'Receipt' },
);

export const ChangesWire = Type.Record(Type.String(), Type.Tuple([Type.Unknown(), Type.Unknown()]), {
  description: '`{path: [before, after]}`, paths as JSON Pointers; null stands for absent as well',
});

const PatchWire = Type.Array(FreeObject, { description: 'The difference as a JSON Patch (RFC 6902)' });

const entryMembers = {
  id: Uuid,
  position: Type.Integer({ minimum: 0 }),
  version: Type.Integer({ minimum: 1 }),
  recordedAt: InstantText,
  occurredAt: InstantText,
  resource: ResourceWire,
  action: ActionName,
  event: Type.Optional(Type.String()),
  actor: FreeObject,
  related: Type.Array(Type.Object({ type: Type.String(), id: Type.String() })),
  context: Type.Optional(FreeObject),
  metadata: Type.Optional(Type.Unknown()),
  continuity: Continuity,
  changed: Type.Boolean(),
  changes: ChangesWire,
  leafHash: Base64,
};

export const EntryWire = Type.Object(
  { ...entryMembers, before: Type.Optional(State), after: Type.Optional(State) },
  { title: 'Entry', description: '`before` and `after` are there where asked for, and never on `access`' },
);

export const WholeEntryWire = Type.Object(
  { ...entryMembers, before: State, after: State, patch: PatchWire },
  { title: 'WholeEntry' },
);

export const StateWire = Type.Object(
  {
    resource: ResourceWire,
    version: Type.Integer({ minimum: 1 }),
    state: State,
    changedAt: InstantText,
    changedBy: FreeObject,
  },
  { title: 'StateAt' },
);

export const DiffWire = Type.Object(
  { from: Type.Integer(), to: Type.Integer(), patch: PatchWire, changes: ChangesWire },
  { title: 'Diff' },
);

export const HeadWire = Type.Object(
  { size: Type.Integer({ minimum: 0 }), rootHash: Base64 },
  { title: 'Head' },
);

export const OrganizationWire = Type.Object(
  { id: Uuid, slug: Type.String(), name: Type.String(), createdAt: InstantText },
  { title: 'Organization' },
);

const tokenMembers = {
  id: Type.String(),
  organization: Uuid,
  name: Type.String(),
  scopes: Type.Array(Type.Enum(['read', 'write'])),
  role: Type.Optional(Type.String({ description: 'What decides where there are no scopes' })),
  membership: Type.Optional(Type.String({ description: 'Of a personal access token: whom it acts for' })),
  createdAt: InstantText,
};
export const TokenWire = Type.Object(tokenMembers, { title: 'Token' });
export const NewTokenWire = Type.Object(
  {
    ...tokenMembers,
    secret: Type.Union([Type.String(), Type.Null()], {
      description:
        'Shown here and never again: null where the request is repeated under its `Idempotency-Key`',
    }),
  },
  { title: 'NewToken' },
);

export const ProblemWire = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum(Object.keys(ERROR_STATUS)),
    detail: Type.String(),
    field: Type.Optional(Type.String()),
    limit: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    got: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    index: Type.Optional(Type.Integer({ description: 'Which change of an array, from 0' })),
    retryAfterSeconds: Type.Optional(Type.Number()),
    faults: Type.Optional(
      Type.Array(FreeObject, { description: 'All that is wrong with a resource of the directory' }),
    ),
  },
  { title: 'Problem', description: 'RFC 9457 problem details; `code` is stable' },
);

const nullableCursor = Type.Union([Type.String(), Type.Null()], {
  description: 'Send as `cursor` for the next page; null on the last',
});

/** A list answer. */
export function listOf<Item extends Type.TSchema>(item: Item) {
  return Type.Object({ data: Type.Array(item), next: nullableCursor });
}

/** A list answer that may carry the exact count. */
export function countedListOf<Item extends Type.TSchema>(item: Item) {
  return Type.Object({
    data: Type.Array(item),
    next: nullableCursor,
    count: Type.Optional(Type.Integer({ minimum: 0, description: 'Exact; where asked for' })),
  });
}

export const MOST_LISTED = 1000;

const pageMembers = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_LISTED, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 1000, description: 'Of the page before, from `next`' })),
};

const listMembers = {
  ...pageMembers,
  order: Type.Optional(
    Type.Enum(['asc', 'desc'], { default: 'desc', description: 'The order in which the log took them' }),
  ),
  page: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 2 ** 40,
      description: 'Jumps to a page of `limit` entries; not with `cursor`',
    }),
  ),
  count: Type.Optional(Type.Enum(['exact'], { description: 'Adds the exact count' })),
  include: Type.Optional(Type.Enum(['states'], { description: 'Adds `before` and `after`' })),
};

const filterMembers = {
  type: Type.Optional(Type.String({ description: "The resource's type" })),
  actor: Type.Optional(Type.String({ description: "The actor's id" })),
  action: Type.Optional(ActionName),
  event: Type.Optional(Type.String()),
  ip: Type.Optional(Type.String({ description: 'The IP address of the context' })),
  changed: Type.Optional(Type.String({ description: 'A top-level attribute that differs' })),
  related: Type.Optional(Type.String({ pattern: '^[^/]+/.+', description: 'A related resource, `type/id`' })),
  since: Type.Optional(Type.String({ description: 'Occurred at or after this instant, RFC 3339' })),
  until: Type.Optional(Type.String({ description: 'Occurred before this instant, RFC 3339' })),
};

export const MOST_KEY = 255;

/** What every write takes. */
export const WriteHeaders = {
  'Idempotency-Key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MOST_KEY,
      description: 'Sent again with the same key, the request adds nothing and gets the first answer',
    }),
  ),
};

/** What writes of states take beside it. */
export const StateHeaders = {
  ...WriteHeaders,
  'If-Match': Type.Optional(
    Type.String({ description: 'Refused (412) unless the state has this `ETag`; `*`: any' }),
  ),
  'If-None-Match': Type.Optional(
    Type.String({ description: 'Refused (412) if the state has this `ETag`; `*`: any' }),
  ),
  'annals-actor': Type.Optional(
    Type.String({ description: 'Who did it, JSON: `{"type", "id", "name"?, …}`; default: the token' }),
  ),
  'annals-context': Type.Optional(
    Type.String({
      description: 'Where it came from, JSON: `{"ip"?, "userAgent"?, …}`; default: the request',
    }),
  ),
};

const closed = { additionalProperties: false };

export const ChangesQuery = Type.Object(
  {
    resource: Type.Optional(Type.String({ pattern: '^[^/]+/.+', description: 'The resource, `type/id`' })),
    ...filterMembers,
    ...listMembers,
  },
  closed,
);
export type ChangesQuery = Type.Static<typeof ChangesQuery>;

/** A resource's history takes the same filters, less the resource. */
export const HistoryQuery = Type.Object({ ...filterMembers, ...listMembers }, closed);
export type HistoryQuery = Type.Static<typeof HistoryQuery>;

export const ResourcesQuery = Type.Object({ type: Type.Optional(Type.String()), ...pageMembers }, closed);
export type ResourcesQuery = Type.Static<typeof ResourcesQuery>;

export const StateQuery = Type.Object(
  {
    version: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    at: Type.Optional(Type.String({ description: 'The state as it was at this instant, RFC 3339' })),
    knownAt: Type.Optional(Type.String({ description: 'As it was known at this instant; with `at`' })),
  },
  closed,
);
export type StateQuery = Type.Static<typeof StateQuery>;

export const DiffQuery = Type.Object(
  {
    from: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'A version; 0 is before the first',
    }),
    to: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  closed,
);
export type DiffQuery = Type.Static<typeof DiffQuery>;

export const ResourceParams = Type.Object({ type: Type.String(), id: Type.String() });
export type ResourceParams = Type.Static<typeof ResourceParams>;
export const IdParams = Type.Object({ id: Type.String() });
export type IdParams = Type.Static<typeof IdParams>;
export const Nothing = Type.Object({}, closed);
