// A line of a stream as a proposal. What names the change is read when it comes; its states are read when it is
// sealed, beside the latest state of the resource: what is written as it was the last time is not read again.

import { isUtf8 } from 'node:buffer';
import type { Change, Resource } from '../core/entry.ts';
import { AnnalsError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import {
  BACKSLASH,
  behindSpace,
  CLOSING_BRACE,
  COLON,
  COMMA,
  endOfString,
  endOfValue,
  OPENING_BRACE,
  QUOTE,
} from '../core/json-bytes.ts';
import { type Draft, draftOf, type Latest } from '../core/seal.ts';
import { readState } from '../core/state-reader.ts';
import type { StateText } from '../core/state-text.ts';
import { parseCertain, parseJson } from './json-text.ts';
import { CHANGE_BYTES, STATE_LEVELS } from './limits.ts';
import { type Given, isDeeper, normaliseChange } from './normalise.ts';
import type { StateProposal } from './proposal.ts';

/** Where a value stands in a line. */
interface Span {
  from: number;
  to: number;
}

interface Spans {
  before?: Span;
  after?: Span;
}

/** What is read of a line before it is sealed. */
interface Opened {
  change: Change;
  /** Where the states stand, which are empty objects in the change; undefined where it has them whole. */
  spans: Spans | undefined;
}

/** The change that a line says, read when it is asked for: until then it is only its bytes. */
export class LineProposal implements StateProposal {
  readonly #line: Buffer;
  readonly #given: Given;
  readonly #signed: (change: Change) => Change;
  #opened: Opened | undefined;
  /** The id that it was given here. */
  #id: string | undefined;

  /** @param signed what else is asked of a change, such as who may write it */
  constructor(line: Buffer, given: Given, signed: (change: Change) => Change) {
    this.#line = line;
    this.#given = given;
    this.#signed = signed;
  }

  /** @throws AnnalsError as `parseJson` and `normaliseChange` do */
  get resource(): Resource {
    return this.#open().change.resource;
  }

  get id(): string {
    return this.#open().change.id;
  }

  /** @throws AnnalsError where something is wrong with a state */
  derive(latest: Latest | undefined): Draft {
    const { change, spans } = this.#open();
    this.#opened = undefined;
    if (spans === undefined) return draftOf(change);
    const known = latest?.state ?? null;
    const after = this.#state(spans.after, known);
    const before = this.#state(spans.before, known);
    if (after === undefined || before === undefined) return draftOf(this.#whole());
    // Nobody else has the change: its states are put into it, in place of the empty ones.
    const draft = change as Omit<Change, 'before' | 'after'> as Draft;
    if (draft.before !== undefined) draft.before = before;
    draft.after = after;
    return draft;
  }

  #open(): Opened {
    this.#opened ??= this.#withoutStates() ?? { change: this.#whole(), spans: undefined };
    return this.#opened;
  }

  /** Undefined where it must be read in the other way. */
  #state(span: Span | undefined, known: StateText | null): StateText | null | undefined {
    return span === undefined ? null : readState(this.#line, span.from, span.to, known, parseMember);
  }

  #withoutStates(): Opened | undefined {
    if (this.#line.length > CHANGE_BYTES) return undefined;
    const spans = spansOf(this.#line);
    const value = spans && parseCertain(textWithout(this.#line, spans));
    const change = value === undefined ? undefined : changeOrNothing(value, this.#own());
    return change && { change: this.#signed(change), spans };
  }

  #whole(): Change {
    if (this.#line.length > CHANGE_BYTES) throw lineTooLong(this.#line.length);
    return this.#signed(normaliseChange(parseJson(this.#line), this.#own()));
  }

  /** What is given, with the same id each time. */
  #own(): Given {
    const { id, actor } = this.#given;
    return {
      actor,
      id: () => {
        this.#id ??= id();
        return this.#id;
      },
    };
  }
}

/** @param bytes as far as they were kept */
function lineTooLong(bytes: number): AnnalsError {
  const facts = { field: '', limit: CHANGE_BYTES, got: bytes };
  return new AnnalsError('too_large', `a change may have ${CHANGE_BYTES} bytes, got ${bytes} or more`, facts);
}

/** Undefined where something is wrong: reading the whole line says what. */
function changeOrNothing(value: Json, given: Given): Change | undefined {
  try {
    return normaliseChange(value, given);
  } catch (error) {
    if (error instanceof AnnalsError) return undefined;
    throw error;
  }
}

/** The name or the value of a member of a state, or of an object in it. @param level how many objects it is in */
function parseMember(bytes: Uint8Array, from: number, to: number, level: number): Json | undefined {
  const value = parseCertain((bytes as Buffer).toString('utf8', from, to));
  return value === undefined || isDeeper(value, STATE_LEVELS - level) ? undefined : value;
}

/** Where the states stand; undefined where the line is no object, or one that cannot be told apart so simply. */
function spansOf(line: Buffer): Spans | undefined {
  if (!isUtf8(line)) return undefined;
  const spans: Spans = {};
  let at = behindSpace(line, 0);
  if (line[at] !== OPENING_BRACE) return undefined;
  do {
    const key = behindSpace(line, at + 1);
    if (line[key] !== QUOTE) return undefined;
    const keyEnd = endOfString(line, key, line.length);
    const colon = behindSpace(line, keyEnd);
    if (line[colon] !== COLON) return undefined;
    const from = behindSpace(line, colon + 1);
    at = endOfValue(line, from, line.length);
    const name = nameOf(line, key, keyEnd);
    if (name === 'escaped') return undefined;
    if (name === undefined || line[from] !== OPENING_BRACE) continue;
    if (spans[name] !== undefined) return undefined;
    const to = line.lastIndexOf(CLOSING_BRACE, at - 1) + 1;
    spans[name] = { from, to };
  } while (line[at] === COMMA);
  return line[at] === CLOSING_BRACE && behindSpace(line, at + 1) === line.length ? spans : undefined;
}

const NAMES = { after: Buffer.from('"after"'), before: Buffer.from('"before"') };

function nameOf(line: Buffer, from: number, to: number): keyof Spans | 'escaped' | undefined {
  const length = to - from;
  if (length === NAMES.after.length && line.compare(NAMES.after, 0, length, from, to) === 0) return 'after';
  if (length === NAMES.before.length && line.compare(NAMES.before, 0, length, from, to) === 0)
    return 'before';
  for (let at = from; at < to; at++) if (line[at] === BACKSLASH) return 'escaped';
  return undefined;
}

/** The text of the line with an empty object for each of its states. */
function textWithout(line: Buffer, { before, after }: Spans): string {
  const [first, second] =
    before !== undefined && after !== undefined && after.from < before.from
      ? [after, before]
      : [before, after];
  let text = '';
  let at = 0;
  for (const span of [first, second]) {
    if (span === undefined) continue;
    text += `${line.toString('utf8', at, span.from)}{}`;
    at = span.to;
  }
  return text + line.toString('utf8', at);
}
