import Type from 'typebox';
import { describe, expect, test, vi } from 'vitest';
import type { Actor, Change } from '../core/entry.ts';
import { AnnalsError, type ErrorFacts } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { canonicalize, type Json, type JsonObject } from '../core/json.ts';
import { parseJson } from './json-text.ts';
import { CHANGE_BYTES, STATE_LEVELS } from './limits.ts';
import {
  changeTooLarge,
  checkChangeSize,
  normaliseActor,
  normaliseBody,
  normaliseChange,
  normaliseContext,
  normaliseIp,
  normaliseRef,
  normaliseState,
} from './normalise.ts';

const OWN_ID = '018f3c5e-0000-7000-8000-000000000001';
const tokenActor: Actor = { type: 'application', id: 'importer' };
const given = { id: () => OWN_ID, actor: tokenActor };

/** A change that is valid, with some members replaced; undefined leaves one out. */
function changeWith(members: { [name: string]: unknown } = {}): Json {
  const whole = {
    resource: { type: 'countries', id: 'CHE' },
    action: 'update',
    after: { name: 'Suisse' },
    ...members,
  };
  return JSON.parse(JSON.stringify(whole));
}

const normalised = (members: { [name: string]: unknown } = {}): Change =>
  normaliseChange(changeWith(members), given);

type Refusal = { code: string; message: string } & ErrorFacts;

function refusalOf(action: () => unknown): Refusal {
  try {
    action();
  } catch (error) {
    if (error instanceof AnnalsError) return { code: error.code, message: error.message, ...error.facts };
    throw error;
  }
  return { code: 'none', message: '' };
}

const refusal = (members: { [name: string]: unknown }): Refusal => refusalOf(() => normalised(members));

/** Objects and arrays in turn, one within the other. */
function nested(levels: number): JsonObject {
  let value: Json = levels % 2 === 0 ? [] : {};
  for (let level = 1; level < levels; level++) value = Array.isArray(value) ? { a: value } : [value];
  return value as JsonObject;
}

const CHARACTERS = 'characters (Unicode code points)';

describe('a change', () => {
  test('takes what it does not say from what is given', () => {
    expect(normalised()).toEqual({
      id: OWN_ID,
      resource: { type: 'countries', id: 'CHE' },
      action: 'update',
      actor: tokenActor,
      after: { name: 'Suisse' },
    });
  });

  test('keeps everything that it says', () => {
    const members = {
      resource: { type: 'countries', id: 'CHE', name: 'Switzerland' },
      event: 'country.renamed',
      actor: {
        type: 'user',
        id: 'u1',
        name: 'Ada',
        loginName: 'ada',
        avatarUrl: 'https://example.com/ada.png',
        application: { id: 'a1', name: 'Console', kind: 'web', public: false },
      },
      related: [{ type: 'continents', id: 'EU' }],
      before: { name: 'Schweiz' },
      context: { ip: '192.0.2.1', userAgent: 'curl', requestId: 'r', traceparent: 't', deep: [{ er: null }] },
      metadata: [1, { a: null }],
    };
    const change = normalised({ ...members, id: OWN_ID, occurredAt: '2026-03-01T09:30:00.5Z' });
    expect(change).toEqual({
      ...members,
      id: OWN_ID,
      occurredAt: 1_772_357_400_500_000,
      action: 'update',
      after: { name: 'Suisse' },
    });
  });

  test('makes no id where it has one', () => {
    const id = vi.fn(() => OWN_ID);
    normaliseChange(changeWith({ id: '018F3C5E-0000-7000-8000-00000000000A' }), { id, actor: tokenActor });
    expect(id).not.toHaveBeenCalled();
  });

  test('has its id in lower case', () => {
    expect(normalised({ id: '018F3C5E-AAAA-7000-8000-00000000000A' }).id).toBe(
      '018f3c5e-aaaa-7000-8000-00000000000a',
    );
  });

  test.each(['018f3c5e', 'urn:uuid:018f3c5e-0000-7000-8000-000000000001', ''])(
    'refuses the id "%s"',
    (id) => {
      expect(refusal({ id })).toEqual({
        code: 'invalid_field',
        message: `/id must be a UUID; got "${id}"`,
        field: '/id',
        limit: 'a UUID',
        got: id,
      });
    },
  );

  test.each([null, 3, 'text', [], [{}]])('refuses %j in its place', (value) => {
    expect(refusalOf(() => normaliseChange(value as Json, given))).toMatchObject({
      code: 'invalid_field',
      message: expect.stringMatching(/^the change must be an object; got /),
      field: '',
      limit: 'an object',
    });
  });
});

describe('the moment', () => {
  test('is kept to the microsecond, in any offset', () => {
    expect(normalised({ occurredAt: '2026-01-01T12:00:00.1234569+02:00' }).occurredAt).toBe(
      1_767_261_600_123_456,
    );
  });

  test.each([
    'yesterday',
    '2026-02-30T00:00:00Z',
    '2026-01-01',
    '1500-01-01T00:00:00Z',
    '2300-01-01T00:00:00Z',
    '',
  ])('refuses "%s"', (occurredAt) => {
    expect(refusal({ occurredAt })).toEqual({
      code: 'invalid_field',
      message: `/occurredAt must be an RFC 3339 instant between 1684 and 2255; got "${occurredAt}"`,
      field: '/occurredAt',
      limit: 'an RFC 3339 instant between 1684 and 2255',
      got: occurredAt,
    });
  });

  test('refuses a number', () => {
    expect(refusal({ occurredAt: 1_772_357_400 })).toMatchObject({
      code: 'invalid_field',
      got: 1_772_357_400,
    });
  });
});

describe('states', () => {
  test.each(['create', 'update'])('%s needs an object after', (action) => {
    for (const [after, got] of [[undefined, 'nothing'] as const, [null, 'null'] as const]) {
      expect(refusal({ action, after })).toEqual({
        code: 'invalid_field',
        message: `/after must be an object on ${action}; got ${got}`,
        field: '/after',
        limit: `an object on ${action}`,
        got,
      });
    }
    expect(refusal({ action, after: [1, 2] })).toMatchObject({
      code: 'invalid_field',
      message: '/after must be an object or null; got an array of 2 items',
    });
  });

  test.each(['delete', 'access'])('%s has no state after, which null may say', (action) => {
    expect(normalised({ action, after: null })).toEqual(normalised({ action, after: undefined }));
    expect(normalised({ action, after: null })).not.toHaveProperty('after');
    expect(refusal({ action })).toEqual({
      code: 'invalid_field',
      message: `/after must be absent or null on ${action}; got an object`,
      field: '/after',
      limit: `absent or null on ${action}`,
      got: 'an object',
    });
  });

  test('access has no state before, which null may say', () => {
    const change = normalised({ action: 'access', after: undefined, before: null });
    expect(change).not.toHaveProperty('before');
    expect(refusal({ action: 'access', after: undefined, before: {} })).toMatchObject({
      code: 'invalid_field',
      message: '/before must be absent or null on access; got an object',
      field: '/before',
    });
  });

  test.each(['create', 'update', 'delete'])(
    '%s keeps a null before, which is not the same as none',
    (action) => {
      const after = action === 'delete' ? undefined : {};
      expect(normalised({ action, after, before: null }).before).toBeNull();
      expect(normalised({ action, after })).not.toHaveProperty('before');
      expect(normalised({ action, after, before: { a: 1 } }).before).toEqual({ a: 1 });
    },
  );

  test(`are at most ${STATE_LEVELS} levels deep, the state itself being the first`, () => {
    const deepest = nested(STATE_LEVELS);
    expect(normalised({ before: deepest, after: deepest })).toMatchObject({
      before: deepest,
      after: deepest,
    });
    for (const name of ['before', 'after']) {
      expect(refusal({ [name]: { a: deepest } })).toEqual({
        code: 'too_deep',
        message: `/${name} must be at most ${STATE_LEVELS} levels deep; got ${STATE_LEVELS + 1}`,
        field: `/${name}`,
        limit: STATE_LEVELS,
        got: STATE_LEVELS + 1,
      });
    }
  });

  test('are never repeated in a message', () => {
    expect(refusal({ action: 'delete', after: { secret: 'hunter2' } }).message).not.toContain('hunter2');
  });

  test('keep a member named __proto__', () => {
    const value = parseJson(
      Buffer.from('{"resource":{"type":"a","id":"b"},"action":"create","after":{"__proto__":{"x":1}}}'),
    );
    expect(canonicalize(normaliseChange(value, given).after ?? null)).toBe('{"__proto__":{"x":1}}');
  });
});

describe('unknown fields', () => {
  test.each([
    [{ ocurredAt: 'x' }, '/ocurredAt', 'occurredAt'],
    [{ occurred_at: 'x' }, '/occurred_at', 'occurredAt'],
    [{ Metadata: {} }, '/Metadata', 'metadata'],
    [{ action: undefined, acton: 'create' }, '/acton', 'action'],
    [{ resource: { type: 'a', id: 'b', nmae: 'c' } }, '/resource/nmae', 'name'],
    [{ actor: { type: 'user', id: 'b', loginname: 'c' } }, '/actor/loginname', 'loginName'],
    [{ related: [{ type: 'a', id: 'b', tpye: 'c' }] }, '/related/0/tpye', 'type'],
  ])('%j is refused with the name that was likely meant', (members, field, name) => {
    expect(refusal(members)).toMatchObject({
      code: 'unknown_field',
      message: `unknown field ${field}; did you mean ${name}?`,
      field,
      got: field.split('/').at(-1),
      limit: expect.stringContaining(name),
    });
  });

  test('are refused with the known names where none is near', () => {
    expect(refusal({ related: [{ type: 'a', id: 'b', name: 'c' }] })).toEqual({
      code: 'unknown_field',
      message: 'unknown field /related/0/name; known are type, id',
      field: '/related/0/name',
      limit: 'type, id',
      got: 'name',
    });
    expect(refusal({ version: 3 }).message).toMatch(/^unknown field \/version; known are id, occurredAt, /);
  });

  test.each(['__proto__', 'constructor', 'toString', 'a/b~c', '', 'x'.repeat(1000)])(
    'include "%s"',
    (name) => {
      const text = `{${JSON.stringify(name)}:1,${JSON.stringify(changeWith()).slice(1)}`;
      const refused = refusalOf(() => normaliseChange(JSON.parse(text), given));
      expect(refused.code).toBe('unknown_field');
      expect(refused.got).toBe(name.length > 80 ? `${name.slice(0, 79)}…` : name);
      expect(refused.message.length).toBeLessThan(300);
    },
  );

  test('are found among very many', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`x${index}`, index]));
    expect(refusal(many)).toMatchObject({ code: 'unknown_field', field: '/x0' });
  });
});

describe('texts', () => {
  const actor = (members: object) => ({ actor: { type: 'user', id: 'u', ...members } });
  const NO_SLASH = ' without a slash';
  const limits: [
    field: string,
    least: number,
    most: number,
    note: string,
    members: (text: string) => object,
  ][] = [
    ['/resource/type', 1, 200, NO_SLASH, (type) => ({ resource: { type, id: 'b' } })],
    ['/resource/id', 1, 200, '', (id) => ({ resource: { type: 'a', id } })],
    ['/resource/name', 0, 500, '', (name) => ({ resource: { type: 'a', id: 'b', name } })],
    ['/event', 1, 200, '', (event) => ({ event })],
    ['/actor/id', 1, 200, '', (id) => actor({ id })],
    ['/actor/name', 0, 500, '', (name) => actor({ name })],
    ['/actor/loginName', 0, 500, '', (loginName) => actor({ loginName })],
    ['/actor/avatarUrl', 0, 2000, '', (avatarUrl) => actor({ avatarUrl })],
    ['/actor/application/id', 1, 500, '', (id) => actor({ application: { id } })],
    ['/actor/application/name', 0, 500, '', (name) => actor({ application: { id: 'a', name } })],
    ['/actor/application/kind', 0, 500, '', (kind) => actor({ application: { id: 'a', kind } })],
    ['/related/0/type', 1, 200, NO_SLASH, (type) => ({ related: [{ type, id: 'b' }] })],
    ['/related/0/id', 1, 200, '', (id) => ({ related: [{ type: 'a', id }] })],
    ['/context/userAgent', 0, 2000, '', (userAgent) => ({ context: { userAgent } })],
    ['/context/requestId', 0, 500, '', (requestId) => ({ context: { requestId } })],
    ['/context/traceparent', 0, 200, '', (traceparent) => ({ context: { traceparent } })],
  ];

  test.each(limits)('%s has %d to %d characters', (field, least, most, note, members) => {
    const wanted = `a string of ${least === 0 ? 'at most' : `${least} to`} ${most} ${CHARACTERS}${note}`;
    normalised({ ...members('x'.repeat(least)) });
    normalised({ ...members('x'.repeat(most)) });
    normalised({ ...members('😀'.repeat(most)) });
    for (const text of ['x'.repeat(most + 1), '😀'.repeat(most + 1)]) {
      expect(refusal({ ...members(text) })).toEqual({
        code: 'invalid_field',
        message: `${field} must be ${wanted}; got ${most + 1} characters`,
        field,
        limit: most,
        got: most + 1,
      });
    }
    if (least === 0) return;
    expect(refusal({ ...members('') })).toEqual({
      code: 'invalid_field',
      message: `${field} must be ${wanted}; got 0 characters`,
      field,
      limit: least,
      got: 0,
    });
  });

  test.each(limits)('%s is no number', (field, _least, _most, _note, members) => {
    const number = JSON.parse(JSON.stringify(members('?')).replace('"?"', '42'));
    expect(refusal(number)).toMatchObject({
      code: 'invalid_field',
      message: expect.stringMatching(/ must be a string of .*; got 42$/),
      field,
      got: 42,
    });
  });

  test('a type has no slash, because filters write type/id', () => {
    expect(refusal({ resource: { type: 'a/b', id: 'c' } })).toMatchObject({
      code: 'invalid_field',
      message: `/resource/type must be a string of 1 to 200 ${CHARACTERS} without a slash; got "a/b"`,
      field: '/resource/type',
      got: 'a/b',
    });
  });

  test('an id may have slashes', () => {
    expect(normalised({ resource: { type: 'a', id: 'b/c/' } }).resource.id).toBe('b/c/');
  });

  test('are cut where a message repeats them, between characters', () => {
    const { got, message } = refusal({ action: '😀'.repeat(100) });
    expect(got).toBe(`${'😀'.repeat(39)}…`);
    expect(message).toBe(`/action must be create, update, delete or access; got "${'😀'.repeat(39)}…"`);
  });
});

describe('required and enumerated members', () => {
  test.each([
    ['/resource', { resource: undefined }, 'an object'],
    ['/action', { action: undefined }, 'create, update, delete or access'],
    ['/resource/id', { resource: { type: 'a' } }, `a string of 1 to 200 ${CHARACTERS}`],
    ['/actor/type', { actor: { id: 'a' } }, 'user, application, worker or system'],
    [
      '/actor/application/id',
      { actor: { type: 'user', id: 'a', application: {} } },
      `a string of 1 to 500 ${CHARACTERS}`,
    ],
    ['/related/0/id', { related: [{ type: 'a' }] }, `a string of 1 to 200 ${CHARACTERS}`],
  ])('%s is required', (field, members, limit) => {
    const message = `${field} must be ${limit}; got nothing`;
    expect(refusal(members)).toEqual({ code: 'invalid_field', message, field, limit, got: 'nothing' });
  });

  test.each([
    ['/action', { action: 'destroy' }, 'create, update, delete or access', '"destroy"'],
    ['/actor/type', { actor: { type: 'robot', id: 'a' } }, 'user, application, worker or system', '"robot"'],
    [
      '/actor/application/public',
      { actor: { type: 'user', id: 'a', application: { id: 'a', public: 1 } } },
      'true or false',
      '1',
    ],
    ['/actor', { actor: null }, 'an object', 'null'],
    ['/context', { context: [] }, 'an object', 'an array of 0 items'],
    ['/related', { related: {} }, 'an array of at most 100 items', 'an object'],
    ['/before', { before: false }, 'an object or null', 'false'],
  ])('%s is refused where it is %j', (field, members, limit, got) => {
    expect(refusal(members)).toMatchObject({
      code: 'invalid_field',
      message: `${field} must be ${limit}; got ${got}`,
      field,
      limit,
    });
  });
});

describe('related resources', () => {
  test('lose repetitions and the resource itself, and keep their order', () => {
    const [che, eu, de] = [
      { type: 'countries', id: 'CHE' },
      { type: 'continents', id: 'EU' },
      { type: 'continents', id: 'DE' },
    ];
    expect(normalised({ related: [eu, che, de, eu, de] }).related).toEqual([eu, de]);
  });

  test('are absent where none is left', () => {
    expect(normalised({ related: [] })).not.toHaveProperty('related');
    expect(normalised({ related: [{ type: 'countries', id: 'CHE' }] })).not.toHaveProperty('related');
  });

  test('are at most 100', () => {
    const refs = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ type: 'a', id: `${index}` }));
    expect(normalised({ related: refs(100) }).related).toHaveLength(100);
    expect(refusal({ related: refs(101) })).toEqual({
      code: 'invalid_field',
      message: '/related must be an array of at most 100 items; got 101 items',
      field: '/related',
      limit: 100,
      got: 101,
    });
  });
});

describe('the IP address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['::ffff:0:0', '0.0.0.0'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::0001:0001:0001:0001:0001', '2001:db8:0:1:1:1:1:1'],
    ['::', '::'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is kept as %s', (ip, kept) => {
    expect(normaliseIp(ip)).toBe(kept);
    expect(normalised({ context: { ip, a: 1 } }).context).toEqual({ ip: kept, a: 1 });
    expect(normaliseIp(kept)).toBe(kept);
  });

  test.each(['', '192.0.2', '192.0.2.256', '010.0.0.1', '192.0.2.1:80', '[::1]', '::1 ', ':::', 'localhost'])(
    '"%s" is none',
    (ip) => {
      expect(normaliseIp(ip)).toBeUndefined();
      expect(refusal({ context: { ip } })).toEqual({
        code: 'invalid_field',
        message: `/context/ip must be an IPv4 or IPv6 address; got "${ip}"`,
        field: '/context/ip',
        limit: 'an IPv4 or IPv6 address',
        got: ip,
      });
    },
  );

  test('is normalised beside members of any name', () => {
    const value = JSON.parse('{"ip":"::FFFF:192.0.2.1","__proto__":{"x":1}}');
    expect(canonicalize(normaliseContext(value, ''))).toBe('{"__proto__":{"x":1},"ip":"192.0.2.1"}');
  });
});

describe('parts by themselves', () => {
  test('a state, an actor, a context and a reference are checked like those of a change', () => {
    expect(normaliseState({ a: [1] }, '')).toEqual({ a: [1] });
    expect(normaliseActor({ type: 'user', id: 'u' }, '')).toEqual({ type: 'user', id: 'u' });
    expect(normaliseContext({ ip: '::FFFF:192.0.2.1' }, '')).toEqual({ ip: '192.0.2.1' });
    expect(normaliseRef({ type: 'a', id: 'b' }, '')).toEqual({ type: 'a', id: 'b' });
  });

  test.each([
    ['the state', normaliseState],
    ['the actor', normaliseActor],
    ['the context', normaliseContext],
    ['the resource', normaliseRef],
  ])('%s must be an object', (whole, normalise) => {
    expect(refusalOf(() => normalise([], ''))).toMatchObject({
      code: 'invalid_field',
      message: `${whole} must be an object; got an array of 0 items`,
      field: '',
    });
  });

  test('are named in an error by where they stand', () => {
    expect(refusalOf(() => normaliseActor({ type: 'user' }, 'annals-actor')).field).toBe('annals-actor/id');
    expect(refusalOf(() => normaliseActor({ typ: 'user' }, 'annals-actor')).field).toBe('annals-actor/typ');
    expect(refusalOf(() => normaliseContext({ ip: 'x' }, 'annals-context')).field).toBe('annals-context/ip');
    expect(refusalOf(() => normaliseState(nested(66 + 1), '/a')).message).toBe(
      '/a must be at most 64 levels deep; got 67',
    );
  });

  test('a state of any depth is refused without a stack overflow', () => {
    let value: Json = {};
    for (let level = 1; level < 100_000; level++) value = { a: value };
    expect(refusalOf(() => normaliseState(value, ''))).toEqual({
      code: 'too_deep',
      message: 'the state must be at most 64 levels deep; got 100000',
      field: '',
      limit: STATE_LEVELS,
      got: 100_000,
    });
  });
});

describe('a body with a schema of its own', () => {
  const closed = { additionalProperties: false };
  const Token = Type.Object(
    {
      name: Type.String({ minLength: 1, pattern: '^[a-z]+$' }),
      uses: Type.Optional(Type.Integer({ minimum: 1 })),
      scopes: Type.Optional(Type.Array(Type.Enum(['read', 'write']), { minItems: 1 })),
    },
    closed,
  );

  test('is taken where the schema takes it', () => {
    expect(normaliseBody(Token, { name: 'a', scopes: ['read'] })).toEqual({ name: 'a', scopes: ['read'] });
  });

  test.each([
    [undefined, 'the body must be an object; got nothing'],
    [
      {},
      '/name must be a string of at least 1 character (Unicode code points) that matches ^[a-z]+$; got nothing',
    ],
    [{ name: 'a', uses: 'b' }, '/uses must be integer; got "b"'],
    [{ name: 'a', uses: 0 }, '/uses must be >= 1; got 0'],
    [{ name: 'a', scopes: [] }, '/scopes must be an array of at least 1 item; got 0 items'],
    [{ name: 'a', scopes: ['admin'] }, '/scopes/0 must be read or write; got "admin"'],
    [{ nome: 'a' }, 'unknown field /nome; did you mean name?'],
  ])('is refused with a reason: %j', (body, message) => {
    expect(refusalOf(() => normaliseBody(Token, body)).message).toBe(message);
  });
});

describe('size', () => {
  test('of a change is that of its canonical text in UTF-8', () => {
    const sized = (bytes: number): Json => {
      const value = { ä: ['é😀\n', -0, 1e21], text: '' };
      return { ...value, text: 'x'.repeat(bytes - Buffer.byteLength(canonicalize(value))) };
    };
    expect(Buffer.byteLength(canonicalize(sized(CHANGE_BYTES)))).toBe(CHANGE_BYTES);
    checkChangeSize(sized(CHANGE_BYTES));
    expect(refusalOf(() => checkChangeSize(sized(CHANGE_BYTES + 1)))).toEqual({
      code: 'too_large',
      message: 'the change must have at most 1048576 bytes; got 1048577',
      field: '',
      limit: CHANGE_BYTES,
      got: CHANGE_BYTES + 1,
    });
  });

  test('that a caller counted is refused in the same words', () => {
    expect(changeTooLarge(2_000_000).message).toBe('the change must have at most 1048576 bytes; got 2000000');
  });
});

describe('on random changes', () => {
  /** Numbers in 0 <= n < 1, the same for the same seed (mulberry32). */
  function randomOf(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  interface Dice {
    below(limit: number): number;
    pick<Item>(items: readonly Item[]): Item;
    text(least: number, most: number): string;
    /** The member, every other time. */
    maybe<Member>(member: () => Member): Member | Record<string, never>;
  }

  function diceOf(seed: number): Dice {
    const random = randomOf(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const pick = <Item>(items: readonly Item[]) => items[below(items.length)] as Item;
    return {
      below,
      pick,
      text: (least, most) => pick(['a', 'é', '😀', '"', ' ']).repeat(pick([least, most, least + below(5)])),
      maybe: (member) => (random() < 0.5 ? member() : {}),
    };
  }

  function jsonOf(dice: Dice, levels: number): Json {
    const kind = dice.below(levels > 1 ? 7 : 5);
    if (kind < 5) return dice.pick<Json>([null, true, dice.below(1e9) / 8 - 1e7, dice.text(0, 30), '']);
    if (kind === 5) return Array.from({ length: dice.below(4) }, () => jsonOf(dice, levels - 1));
    return objectOf(dice, levels);
  }

  function objectOf(dice: Dice, levels: number): JsonObject {
    const member = () => [
      dice.pick(['a', 'b/~', '', '__proto__', dice.text(0, 5)]),
      jsonOf(dice, levels - 1),
    ];
    return Object.fromEntries(Array.from({ length: dice.below(4) }, member));
  }

  const refOf = (dice: Dice) => ({ type: dice.text(1, 200), id: dice.pick(['/', dice.text(1, 200)]) });

  function actorOf(dice: Dice): JsonObject {
    return {
      type: dice.pick(['user', 'application', 'worker', 'system']),
      id: dice.text(1, 200),
      ...dice.maybe(() => ({ name: dice.text(0, 500), loginName: dice.text(0, 500) })),
      ...dice.maybe(() => ({ avatarUrl: dice.text(0, 2000) })),
      ...dice.maybe(() => ({
        application: { id: dice.text(1, 500), ...dice.maybe(() => ({ public: true })) },
      })),
    };
  }

  function contextOf(dice: Dice): JsonObject {
    return {
      ...objectOf(dice, 4),
      ...dice.maybe(() => ({ ip: dice.pick(['192.0.2.1', '::FFFF:192.0.2.1', '2001:DB8::0001']) })),
      ...dice.maybe(() => ({
        userAgent: dice.text(0, 2000),
        requestId: dice.text(0, 500),
        traceparent: dice.text(0, 200),
      })),
    };
  }

  /** A valid change with every member that a change may have, every other time. */
  function wireOf(dice: Dice): JsonObject {
    const action = dice.pick(['create', 'update', 'delete', 'access']);
    const state = () => dice.pick([objectOf(dice, 5), nested(STATE_LEVELS)]);
    const none = () => dice.maybe(() => ({ after: null }));
    return {
      ...dice.maybe(() => ({ id: dice.pick([OWN_ID, OWN_ID.toUpperCase()]) })),
      ...dice.maybe(() => ({
        occurredAt: dice.pick(['2026-03-01T09:30:00Z', '1999-12-31t23:59:60.123456789-00:00']),
      })),
      resource: { ...refOf(dice), ...dice.maybe(() => ({ name: dice.text(0, 500) })) },
      action,
      ...dice.maybe(() => ({ event: dice.text(1, 200) })),
      ...dice.maybe(() => ({ actor: actorOf(dice) })),
      ...dice.maybe(() => ({
        related: Array.from({ length: dice.pick([0, 1, 3, 100]) }, () => refOf(dice)),
      })),
      ...dice.maybe(() => ({ before: action === 'access' ? null : dice.pick([null, state()]) })),
      ...(action === 'create' || action === 'update' ? { after: state() } : none()),
      ...dice.maybe(() => ({ context: contextOf(dice) })),
      ...dice.maybe(() => ({ metadata: jsonOf(dice, 5) })),
    };
  }

  /** The change as a caller would send it. */
  function toWire({ occurredAt, ...rest }: Change): Json {
    const wire = { ...rest, ...(occurredAt === undefined ? {} : { occurredAt: formatInstant(occurredAt) }) };
    return wire as unknown as Json;
  }

  /** Puts a value at a path, making the objects on the way where they are missing. */
  function put(wire: JsonObject, path: string, value: Json | undefined): JsonObject {
    const tokens = path.split('/').slice(1);
    const last = tokens.pop() as string;
    let parent: JsonObject = wire;
    for (const [depth, token] of tokens.entries()) {
      const isArray = tokens[depth + 1] === '0' || (depth + 1 === tokens.length && last === '0');
      parent[token] ??= isArray ? [] : {};
      parent = parent[token] as JsonObject;
    }
    if (value === undefined) delete parent[last];
    else parent[last] = value;
    return wire;
  }

  type Mutation = [name: string, code: string, mutate: (wire: JsonObject, dice: Dice) => JsonObject];

  const OBJECTS = ['', '/resource', '/actor', '/actor/application', '/related/0'];
  const NO_TEXT: Json[] = [null, true, 0, -1.5, [], ['a'], {}, { a: 'b' }];
  const NO_OBJECT: Json[] = [true, 0, '', '{}', [], [{}]];
  const least = { type: 'user', id: 'u' };
  const full = (wire: JsonObject): JsonObject => ({
    ...wire,
    actor: { ...least, application: { id: 'a' }, ...(wire.actor as JsonObject) },
    related: [{ type: 'a', id: 'b' }],
    context: { ...(wire.context as JsonObject) },
  });
  const without = (wire: JsonObject, action: string): JsonObject => ({
    ...wire,
    action,
    before: null,
    after: null,
  });

  const MUTATIONS: Mutation[] = [
    ...OBJECTS.map(
      (path): Mutation => [
        `a member that ${path || 'a change'} has not`,
        'unknown_field',
        (wire, dice) =>
          put(
            full(wire),
            `${path}/${dice.pick(['x', 'Type', '__proto', 'id ', dice.text(3, 9)])}`,
            dice.pick(NO_TEXT),
          ),
      ],
    ),
    ...[
      '/resource',
      '/action',
      '/resource/type',
      '/resource/id',
      '/actor/type',
      '/actor/id',
      '/related/0/id',
    ].map((path): Mutation => [`no ${path}`, 'invalid_field', (wire) => put(full(wire), path, undefined)]),
    ...[
      'id',
      'occurredAt',
      'action',
      'event',
      'resource/type',
      'resource/id',
      'resource/name',
      'actor/type',
      'actor/id',
    ]
      .concat([
        'actor/name',
        'actor/loginName',
        'actor/avatarUrl',
        'actor/application/id',
        'actor/application/kind',
      ])
      .concat(['related/0/type', 'related/0/id', 'context/ip', 'context/userAgent', 'context/requestId'])
      .map(
        (path): Mutation => [
          `a /${path} that is no text`,
          'invalid_field',
          (wire, dice) => put(full(wire), `/${path}`, dice.pick(NO_TEXT)),
        ],
      ),
    ...['resource', 'actor', 'actor/application', 'related/0', 'context', 'before', 'after'].map(
      (path): Mutation => [
        `a /${path} that is no object`,
        'invalid_field',
        (wire, dice) => put(full(wire), `/${path}`, dice.pick(NO_OBJECT)),
      ],
    ),
    ...[
      'resource/type',
      'resource/id',
      'event',
      'actor/id',
      'related/0/type',
      'actor/type',
      'action',
      'id',
    ].map(
      (path): Mutation => [
        `a /${path} that is empty or too long`,
        'invalid_field',
        (wire, dice) => put(full(wire), `/${path}`, dice.pick(['', 'x'.repeat(201), '😀'.repeat(201)])),
      ],
    ),
    ['a type with a slash', 'invalid_field', (wire) => put(wire, '/resource/type', 'a/b')],
    [
      'an occurredAt that is no instant',
      'invalid_field',
      (wire) => put(wire, '/occurredAt', '2026-02-30T00:00:00Z'),
    ],
    ['an address that is none', 'invalid_field', (wire) => put(full(wire), '/context/ip', '1.2.3')],
    [
      'too many related',
      'invalid_field',
      (wire) => put(wire, '/related', Array(101).fill({ type: 'a', id: 'b' })),
    ],
    ['a create without a state', 'invalid_field', (wire) => without(wire, 'create')],
    ['an update without a state', 'invalid_field', (wire) => without(wire, 'update')],
    ['a delete with a state', 'invalid_field', (wire) => ({ ...without(wire, 'delete'), after: {} })],
    ['an access with a state after', 'invalid_field', (wire) => ({ ...without(wire, 'access'), after: {} })],
    [
      'an access with a state before',
      'invalid_field',
      (wire) => ({ ...without(wire, 'access'), before: {} }),
    ],
    [
      'a state too deep',
      'too_deep',
      (wire) => ({ ...without(wire, 'create'), after: nested(STATE_LEVELS + 1) }),
    ],
    ['a former state too deep', 'too_deep', (wire) => ({ ...without(wire, 'delete'), before: nested(70) })],
  ];

  const SEEDS = Array.from({ length: 100 }, (_, index) => index);

  test('takes every valid one, and takes what it made of it again as the same', () => {
    for (const seed of SEEDS) {
      const wire = wireOf(diceOf(seed));
      const before = JSON.stringify(wire);
      const change = normaliseChange(wire, given);
      expect(JSON.stringify(wire), `seed ${seed}`).toBe(before);
      expect(canonicalize(normaliseChange(toWire(change), given) as unknown as Json), `seed ${seed}`).toBe(
        canonicalize(change as unknown as Json),
      );
      for (const name of ['event', 'actor', 'after', 'metadata'] as const) {
        if (wire[name] === undefined || wire[name] === null) continue;
        expect(change[name], `seed ${seed}`).toBe(wire[name]);
      }
    }
  });

  test.each(MUTATIONS)('refuses %s with the code %s, whatever else the change says', (_, code, mutate) => {
    for (const seed of SEEDS) {
      const dice = diceOf(seed);
      const wire = mutate(structuredClone(wireOf(dice)), dice);
      const refused = refusalOf(() => normaliseChange(wire, given));
      expect(refused.code, `seed ${seed}: ${JSON.stringify(wire)}`).toBe(code);
      expect(refused.message.length, `seed ${seed}`).toBeLessThan(400);
      expect(refused, `seed ${seed}`).toMatchObject({ field: expect.any(String), limit: expect.anything() });
      expect(refused.got, `seed ${seed}`).toBeDefined();
    }
  });

  test('takes any JSON in any place, or refuses it with a code and never by accident', () => {
    const hostile: Json[] = [
      ...NO_TEXT,
      '',
      'x'.repeat(3000),
      -0,
      1e308,
      nested(80),
      JSON.parse('{"__proto__":{"type":1}}'),
    ];
    for (const seed of SEEDS.concat(SEEDS.map((index) => index + 1000))) {
      const dice = diceOf(seed);
      const wire = full(structuredClone(wireOf(dice)));
      const path = dice.pick([
        ...[
          '/id',
          '/occurredAt',
          '/resource',
          '/resource/type',
          '/action',
          '/event',
          '/actor',
          '/actor/application',
        ],
        ...[
          '/related',
          '/related/0',
          '/related/0/type',
          '/before',
          '/after',
          '/context',
          '/context/ip',
          '/metadata',
        ],
      ]);
      const { code } = refusalOf(() => normaliseChange(put(wire, path, dice.pick(hostile)), given));
      expect(['none', 'invalid_field', 'unknown_field', 'too_deep'], `seed ${seed}: ${path}`).toContain(code);
    }
  });
});
