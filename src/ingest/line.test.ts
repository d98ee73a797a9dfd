import { describe, expect, it } from 'vitest';
import { AnnalsError } from '../core/errors.ts';
import { type Draft, draftOf, type Latest } from '../core/seal.ts';
import { StateText } from '../core/state-text.ts';
import { Random, testSeed } from '../store/contract-batches.ts';
import { randomChanges } from '../store/contract-changes.ts';
import { parseJson } from './json-text.ts';
import { CHANGE_BYTES } from './limits.ts';
import { LineProposal } from './line.ts';
import { normaliseChange } from './normalise.ts';

const seed = testSeed();
const hint = `ANNALS_SEED=${seed} repeats this run`;
const ACTOR = { type: 'user', id: 'ada' } as const;
const ID = '018f0000-0000-7000-8000-000000000001';
const GIVEN = { id: () => ID, actor: ACTOR };

/** What a reading comes to: the draft with its states as texts, or the error. */
function outcome(read: () => Draft): unknown {
  try {
    const { before, after, ...rest } = read();
    return {
      ...rest,
      before: before === undefined ? undefined : (before?.text ?? null),
      after: after?.text ?? null,
    };
  } catch (error) {
    if (!(error instanceof AnnalsError)) throw error;
    return { code: error.code, message: error.message, facts: error.facts };
  }
}

function byLine(line: Buffer, state: StateText | null = null): unknown {
  const proposal = new LineProposal(line, GIVEN, (change) => change);
  const latest = state === null ? undefined : ({ state } as Latest);
  return outcome(() => {
    const { id, resource } = proposal;
    const draft = proposal.derive(latest);
    expect({ id, resource }).toEqual({ id: draft.id, resource: draft.resource });
    // It may be sealed more than once.
    expect(outcome(() => proposal.derive(latest))).toEqual(outcome(() => draft));
    return draft;
  });
}

function whole(line: Buffer): unknown {
  return outcome(() => draftOf(normaliseChange(parseJson(line), GIVEN)));
}

/** The change as a client sends it. */
function wire(change: { occurredAt?: number }): object {
  const { occurredAt, ...rest } = change;
  return {
    ...rest,
    ...(occurredAt === undefined ? {} : { occurredAt: new Date(occurredAt / 1000).toISOString() }),
  };
}

describe('a line', () => {
  it('says what the same text says when it is read as a whole, beside any latest state', () => {
    const random = new Random(seed);
    const states: (StateText | null)[] = [null];
    for (const change of randomChanges(random, 600)) {
      const [indent] = random.shuffled([0, 0, 1]);
      const line = Buffer.from(JSON.stringify(wire(change), null, indent));
      const wanted = whole(line);
      expect(byLine(line, random.pick(states)), hint).toEqual(wanted);
      expect(wanted).toHaveProperty('id');
      if (change.after) states.push(StateText.of(change.after));
    }
  });

  const START = '{"resource":{"type":"notes","id":"1"},"action":"update"';
  it.each([
    ['no JSON at all'],
    ['[]'],
    ['{}'],
    ['null'],
    [`${START}}`],
    [`${START},"after":null}`],
    [`${START},"after":[]}`],
    [`${START},"after":{"a":1}`],
    [`${START},"after":{"a":1}}}`],
    [`${START},"after":{"a":1}} x`],
    [`${START},"after":{"a":1,"a":2}}`],
    [`${START},"after":{"a":1},"after":{"b":2}}`],
    [`${START},"after":{"a":1},"\\u0061fter":{"b":2}}`],
    [`${START},"before":{"a":1},"after":{"a":2}}`],
    [`${START},"after":{"a":2},"before":{"b":[1,{"z":1,"y":2}]}}`],
    [`${START},"before":null,"after":{"a":2}}`],
    [`${START},"before":[],"after":{"a":2}}`],
    [`${START},"before":{"a":01},"after":{"a":2}}`],
    [`${START},"after":{"a":1e400}}`],
    [`${START},"after":{"a":9007199254740993}}`],
    [`${START},"after":{"a":1e-400}}`],
    [`${START},"after":{"a":"\\u0000"}}`],
    [`${START},"after":{"\\ud800":1}}`],
    [`${START},"after":{"a":"\\ud83e\\udd8a"}}`],
    [`${START},"after":{"a":{"__proto__":1},"__proto__":2}}`],
    [`${START},"after":${'{"a":'.repeat(64)}1${'}'.repeat(64)}}`],
    [`${START},"after":${'{"a":'.repeat(65)}1${'}'.repeat(65)}}`],
    [`${START},"after":{"a":"${'x'.repeat(70_000)}"}}`],
    [`${START},"after":{},"unknown":1}`],
    [`${START},"after":{},"metadata":{"after":{"a":1}}}`],
    [`${START},"after":{},"id":"no id"}`],
    [`${START},"after":{},"id":"018F0000-0000-7000-8000-00000000000A"}`],
    ['{"resource":{"type":"notes","id":"1"},"action":"delete"}'],
    ['{"resource":{"type":"notes","id":"1"},"action":"delete","after":{}}'],
    ['{"resource":{"type":"notes","id":"1"},"action":"delete","before":{"a":1}}'],
    ['{"resource":{"type":"notes","id":"1"},"action":"access"}'],
    ['{"resource":{"type":"notes","id":"1"},"action":"access","before":{}}'],
    ['{"resource":{"type":"notes","id":"1"},"action":"dance","after":{}}'],
    [`\ufeff${START},"after":{"a":1}}`],
    [` ${START} , "after" : { "a" : 1 } , "metadata" : 1 } \r`],
  ])('is refused, or taken, as a whole reading does: %s', (text) => {
    const line = Buffer.from(text);
    const wanted = whole(line);
    for (const state of [null, StateText.of({ a: 1 }), StateText.of({ a: 2, b: [1, { y: 2, z: 1 }] })]) {
      expect(byLine(line, state)).toEqual(wanted);
    }
  });

  it('is refused as a whole reading does wherever one byte of it is another', () => {
    const text = `${START},"before":{"a":1},"after":{"a":[1,{"b":"ä"}],"c":2}}`;
    const state = StateText.of({ a: [1, { b: 'ä' }], c: 2 });
    for (let at = 0; at < Buffer.byteLength(text); at++) {
      for (const byte of [0x22, 0x2c, 0x7b, 0x7d, 0x5c, 0x20, 0x31, 0xff]) {
        const line = Buffer.from(text);
        line[at] = byte;
        expect(byLine(line, state), line.toString()).toEqual(whole(line));
      }
    }
  });

  it('keeps the id that it was given', () => {
    let ids = 0;
    const given = { id: () => `018f0000-0000-7000-8000-00000000000${++ids}`, actor: ACTOR };
    const proposal = new LineProposal(Buffer.from(`${START},"after":{"a":1}}`), given, (change) => change);
    expect([proposal.id, proposal.derive(undefined).id, proposal.id, proposal.derive(undefined).id]).toEqual(
      Array(4).fill(ID),
    );
    expect(ids).toBe(1);
  });

  it('is refused by what else is asked of it, and where it is too long', () => {
    const refusing = new LineProposal(Buffer.from(`${START},"after":{"a":1}}`), GIVEN, () => {
      throw new AnnalsError('forbidden', 'no');
    });
    expect(() => refusing.resource).toThrow('no');
    const long = new LineProposal(Buffer.alloc(CHANGE_BYTES + 1, 32), GIVEN, (change) => change);
    expect(() => long.resource).toThrow(
      `a change may have ${CHANGE_BYTES} bytes, got ${CHANGE_BYTES + 1} or more`,
    );
  });
});
