// A change as the wire has it: what a caller may send. The OpenAPI document is made from these schemas,
// `normalise` checks by them, and its messages are worded from them.

import Type from 'typebox';
import { ACTIONS, ACTOR_TYPES } from '../core/entry.ts';
import type { Json, JsonObject } from '../core/json.ts';
import {
  ID_CHARACTERS,
  LABEL_CHARACTERS,
  MOST_RELATED,
  REQUEST_ID_CHARACTERS,
  STATE_LEVELS,
  TRACEPARENT_CHARACTERS,
  URL_CHARACTERS,
  USER_AGENT_CHARACTERS,
} from './limits.ts';

/** The pattern of a text without a slash. */
export const NO_SLASH = '^[^/]*$';

const closed = { additionalProperties: false };

function text(maxLength: number, description: string) {
  return Type.Optional(Type.String({ maxLength, description }));
}

const resourceRef = {
  type: Type.String({
    minLength: 1,
    maxLength: ID_CHARACTERS,
    pattern: NO_SLASH,
    description:
      'What kind of thing it is, such as `countries`; without a slash, because filters write `type/id`',
    examples: ['countries'],
  }),
  id: Type.String({
    minLength: 1,
    maxLength: ID_CHARACTERS,
    description: 'Which one of its type',
    examples: ['CHE'],
  }),
};

export const ResourceRefWire = Type.Object(resourceRef, {
  ...closed,
  description: 'A resource by type and id',
});

export const ResourceWire = Type.Object(
  { ...resourceRef, name: text(LABEL_CHARACTERS, 'What people call it') },
  { ...closed, description: 'The resource that changed' },
);

const ApplicationWire = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: LABEL_CHARACTERS, description: "The application's id" }),
    name: text(LABEL_CHARACTERS, 'What people call the application'),
    kind: text(LABEL_CHARACTERS, 'What kind of application it is'),
    public: Type.Optional(Type.Boolean({ description: 'Is it a public client, one that keeps no secret?' })),
  },
  {
    ...closed,
    description: 'The application through which a user acted, or further facts of an acting application',
  },
);

export const ActorWire = Type.Object(
  {
    type: Type.Enum([...ACTOR_TYPES], { description: 'A person, or what kind of program' }),
    id: Type.String({ minLength: 1, maxLength: ID_CHARACTERS, description: "The actor's id" }),
    name: text(LABEL_CHARACTERS, 'What people call the actor'),
    loginName: text(LABEL_CHARACTERS, 'The name with which the actor signs in'),
    avatarUrl: text(URL_CHARACTERS, 'Where to find a picture of the actor'),
    application: Type.Optional(ApplicationWire),
  },
  { ...closed, description: 'Who did it; where absent, whom the token names' },
);

export const ContextWire = Type.Object(
  {
    ip: Type.Optional(
      Type.String({
        description:
          'The IPv4 or IPv6 address that it came from; kept in canonical form (RFC 5952), without a zone',
        examples: ['2001:db8::1'],
      }),
    ),
    userAgent: text(USER_AGENT_CHARACTERS, 'The User-Agent of the request'),
    requestId: text(REQUEST_ID_CHARACTERS, 'The id of the request'),
    traceparent: text(TRACEPARENT_CHARACTERS, 'The W3C Trace Context of the request'),
  },
  {
    additionalProperties: true,
    description: 'The circumstances: the members named here, and any other JSON',
  },
);

const state = Type.Unsafe<JsonObject>({ type: 'object' });

function stateOrNull(description: string) {
  return Type.Optional(Type.Union([state, Type.Null()], { description }));
}

export const StateWire = Type.Unsafe<JsonObject>({
  type: 'object',
  description: `A whole resource; at most ${STATE_LEVELS} levels of objects and arrays`,
});

export const ChangeWire = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        format: 'uuid',
        description:
          'A UUID of your own, kept in lower case: the same change sent twice is then recorded once; where absent, a UUIDv7',
      }),
    ),
    occurredAt: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'When it happened, RFC 3339, from 1684 to 2255, kept to the microsecond; where absent, the moment of recording',
        examples: ['2026-03-01T09:30:00Z'],
      }),
    ),
    resource: ResourceWire,
    action: Type.Enum([...ACTIONS], { description: 'What was done' }),
    event: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: ID_CHARACTERS,
        description: 'A finer name for what was done',
        examples: ['org.domain.verified'],
      }),
    ),
    actor: Type.Optional(ActorWire),
    related: Type.Optional(
      Type.Array(ResourceRefWire, {
        maxItems: MOST_RELATED,
        description:
          'Other resources whose history this belongs to as well; repetitions, and the resource itself, are dropped',
      }),
    ),
    before: stateOrNull(
      'The state before, null where there was none; where absent, the state that the log knows. None on `access`',
    ),
    after: stateOrNull(
      `The state after: a whole resource, at most ${STATE_LEVELS} levels deep. ` +
        'Required on `create` and `update`, absent or null on `delete` and `access`',
    ),
    context: Type.Optional(ContextWire),
    metadata: Type.Optional(Type.Unsafe<Json>({ description: 'Any JSON of your own' })),
  },
  { ...closed, title: 'Change', description: 'What happened to one resource' },
);
export type ChangeWire = Type.Static<typeof ChangeWire>;
