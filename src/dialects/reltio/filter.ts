// The filter grammar of entity history, read by recursive descent:
//
//   any       = all *("OR" all)                   AND binds tighter than OR
//   all       = one *("AND" one)
//   one       = "NOT" one / "(" any ")" / condition
//   condition = "equals(" property "," value ")"  of user, type and timestamp
//             / ("lt" / "lte" / "gt" / "gte") "(timestamp," value ")"
//             / "changes(" attribute ")"
//   value     = quoted by ' or ", where the quote itself is written twice, or bare
//
// Words are read in any case, and white space may stand between any two of them.

import { AnnalsError } from '../../core/errors.ts';
import { type Attribute, attributeOf } from './attribute.ts';

export type Condition =
  | { kind: 'and' | 'or'; conditions: Condition[] }
  | { kind: 'not'; condition: Condition }
  /** The value is in lower case: texts are compared in any case. */
  | { kind: 'text'; property: 'user' | 'type'; value: string }
  | { kind: 'time'; operator: TimeOperator; timestamp: number }
  | { kind: 'changes'; attribute: Attribute };

export type TimeOperator = 'equals' | 'lt' | 'lte' | 'gt' | 'gte';

/** Groups and negations inside one another: the recursion must end before the stack does. */
const MOST_LEVELS = 100;

/** @throws AnnalsError `invalid_parameter`, whose message has the position, counted from 0 */
export function parseFilter(text: string): Condition {
  return new FilterParser(text).parse();
}

/** Do its conditions look into the states before and after? */
export function readsStates(condition: Condition): boolean {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.conditions.some(readsStates);
    case 'not':
      return readsStates(condition.condition);
    default:
      return condition.kind === 'changes';
  }
}

class FilterParser {
  readonly #text: string;
  /** In UTF-16 units. */
  #at = 0;
  #level = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Condition {
    const condition = this.#any();
    if (this.#at < this.#text.length) throw this.#unexpected('AND, OR or the end');
    return condition;
  }

  #any(): Condition {
    return this.#joined('or', () => this.#joined('and', () => this.#one()));
  }

  #joined(kind: 'and' | 'or', part: () => Condition): Condition {
    const first = part();
    const conditions = [first];
    while (this.#skipWord(kind)) conditions.push(part());
    return conditions.length === 1 ? first : { kind, conditions };
  }

  #one(): Condition {
    this.#skipSpace();
    this.#level += 1;
    if (this.#level > MOST_LEVELS) throw this.#unexpected(`at most ${MOST_LEVELS} levels`);
    const condition = this.#negationOrGroup() ?? this.#condition();
    this.#level -= 1;
    this.#skipSpace();
    return condition;
  }

  #negationOrGroup(): Condition | undefined {
    if (this.#skipWord('not')) return { kind: 'not', condition: this.#one() };
    if (!this.#skip('(')) return undefined;
    const condition = this.#any();
    this.#expect(')');
    return condition;
  }

  #condition(): Condition {
    const at = this.#at;
    const name = this.#take(/[A-Za-z]+/y)?.toLowerCase();
    switch (name) {
      case 'equals':
      case 'lt':
      case 'lte':
      case 'gt':
      case 'gte':
        return this.#comparison(name);
      case 'changes':
        return this.#changes();
      default:
        throw this.#unexpected('equals, lt, lte, gt, gte, changes, NOT or "("', at);
    }
  }

  #comparison(operator: TimeOperator): Condition {
    this.#expect('(');
    this.#skipSpace();
    const at = this.#at;
    const property = this.#take(/\w+/y);
    const isText = operator === 'equals' && (property === 'user' || property === 'type');
    if (!isText && property !== 'timestamp') {
      throw this.#unexpected(operator === 'equals' ? 'user, type or timestamp' : 'timestamp', at);
    }
    this.#expect(',');
    const value = this.#value('a value');
    if (isText) {
      this.#expect(')');
      return { kind: 'text', property, value: value.text.toLowerCase() };
    }
    if (!/^-?\d+$/.test(value.text)) throw this.#unexpected('milliseconds since 1970', value.at);
    this.#expect(')');
    return { kind: 'time', operator, timestamp: Number(value.text) };
  }

  #changes(): Condition {
    this.#expect('(');
    const wanted = 'an attribute, such as configuration/entityTypes/HCP/attributes/FirstName';
    const { text, at } = this.#value(wanted);
    const attribute = attributeOf(text);
    if (attribute === undefined) throw this.#unexpected(wanted, at);
    this.#expect(')');
    return { kind: 'changes', attribute };
  }

  #value(wanted: string): { text: string; at: number } {
    this.#skipSpace();
    const at = this.#at;
    const quoted = this.#take(/'(?:[^']|'')*'|"(?:[^"]|"")*"/y);
    if (quoted !== undefined) {
      const mark = quoted.charAt(0);
      return { text: quoted.slice(1, -1).replaceAll(mark + mark, mark), at };
    }
    const first = this.#text.charAt(at);
    if (first === "'" || first === '"') throw this.#unexpected(`a closing ${first}`, this.#text.length);
    const bare = this.#take(/[^\s,()'"]+/y);
    if (bare === undefined) throw this.#unexpected(wanted);
    return { text: bare, at };
  }

  #skipWord(word: 'and' | 'or' | 'not'): boolean {
    const at = this.#at;
    if (this.#take(/[A-Za-z]+/y)?.toLowerCase() === word) return true;
    this.#at = at;
    return false;
  }

  #expect(token: '(' | ')' | ','): void {
    this.#skipSpace();
    if (!this.#skip(token)) throw this.#unexpected(`"${token}"`);
  }

  #skip(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #skipSpace(): void {
    this.#take(/\s+/y);
  }

  /** What matches here, by a sticky expression. */
  #take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #unexpected(wanted: string, at = this.#at): AnnalsError {
    const got = /\w+|[\s\S]/uy;
    got.lastIndex = at;
    const found = got.exec(this.#text)?.[0].slice(0, 80);
    const said = found === undefined ? 'the end' : JSON.stringify(found);
    return new AnnalsError('invalid_parameter', `filter: wanted ${wanted} at position ${at}, got ${said}`, {
      field: 'filter',
      limit: wanted,
      got: said,
    });
  }
}
