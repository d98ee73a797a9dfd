import { describe, expect, it } from 'vitest';
import type { Json } from '../../core/json.ts';
import { PREDICATE_NAMES, predicateTest } from './predicates.ts';
import type { Kind } from './wire.ts';

/** The list of the facts, in their order. */
const DOCUMENTED =
  `eq eq_or_null not_eq not_eq_or_null matches does_not_match matches_any matches_all does_not_match_any
  does_not_match_all lt lteq gt gteq present blank null not_null in in_or_null not_in not_in_or_null lt_any lteq_any
  gt_any gteq_any lt_all lteq_all gt_all gteq_all not_eq_all start not_start start_any start_all not_start_any
  not_start_all end not_end end_any end_all not_end_any not_end_all cont not_cont cont_any cont_all not_cont_all jcont
  true false`.split(/\s+/);

function answers(
  predicate: string,
  operand: string,
  values: readonly Json[],
  kind: Kind = 'text',
): boolean[] {
  const test = predicateTest(predicate, kind, operand);
  return values.map((value) => test?.(value) ?? false);
}

describe('predicates', () => {
  it('are those of the sources', () => {
    expect([...PREDICATE_NAMES].sort()).toEqual([...DOCUMENTED].sort());
  });

  it('find no absent value, not even where they negate, unless they name null', () => {
    const finding = DOCUMENTED.filter((name) => {
      const operand = name === 'jcont' ? '"x"' : 'true';
      return predicateTest(name, 'text', operand)?.(null) === true;
    });
    expect(finding).toEqual([
      'eq_or_null',
      'not_eq_or_null',
      'blank',
      'null',
      'in_or_null',
      'not_in_or_null',
    ]);
  });

  it('compare texts to the letter, and look into them without regard to case', () => {
    expect(answers('eq', 'abc', ['abc', 'ABC', 'abcd'])).toEqual([true, false, false]);
    expect(answers('gt', 'b', ['a', 'b', 'c', 'ba'])).toEqual([false, false, true, true]);
    expect(answers('cont', 'B', ['abc', 'ABC', 'ac'])).toEqual([true, true, false]);
    expect(answers('start', 'A%', ['a%b', 'ab'])).toEqual([true, false]);
    expect(answers('end', 'C', ['abc', 'cb'])).toEqual([true, false]);
    expect(answers('matches', 'A%', ['abc', 'bc'])).toEqual([true, false]);
  });

  it('take lists: any of them, or all', () => {
    expect(answers('cont_any', 'a,b', ['a', 'b', 'c'])).toEqual([true, true, false]);
    expect(answers('cont_all', 'a,b', ['ab', 'b'])).toEqual([true, false]);
    expect(answers('does_not_match_any', 'a%,b%', ['a', 'c'])).toEqual([true, true]);
    expect(answers('does_not_match_all', 'a%,b%', ['a', 'c'])).toEqual([false, true]);
    expect(answers('not_in', 'a,b', ['a', 'c', null])).toEqual([false, true, false]);
    expect(answers('not_in_or_null', 'a,b', ['a', 'c', null])).toEqual([false, true, true]);
    expect(answers('gt_all', '1,3', ['2', '4'])).toEqual([false, true]);
  });

  it('take an answer of yes or no where they ask', () => {
    const values = [null, '', 'a'];
    expect(answers('present', 'true', values)).toEqual([false, false, true]);
    expect(answers('present', '0', values)).toEqual([true, true, false]);
    expect(answers('blank', 'T', values)).toEqual([true, true, false]);
    expect(answers('null', 'false', values)).toEqual([false, true, true]);
    expect(answers('true', 'true', ['true', 'false', null])).toEqual([true, false, false]);
    expect(answers('true', 'false', ['true', 'false', null])).toEqual([false, true, false]);
    expect(predicateTest('null', 'text', 'maybe')).toBeUndefined();
  });

  it('compare instants in time, in whatever zone they are given', () => {
    const values = [1_704_067_200_000_000, 1_704_067_200_001_000];
    expect(answers('eq', '2024-01-01T01:00:00+01:00', values, 'instant')).toEqual([true, false]);
    expect(answers('gt', '2024-01-01', values, 'instant')).toEqual([false, true]);
    expect(answers('start', '2024-01-01t00:00:00.000', values, 'instant')).toEqual([true, false]);
    expect(predicateTest('lt', 'instant', 'today')).toBeUndefined();
    expect(predicateTest('in', 'instant', '2024-01-01,')).toBeUndefined();
  });

  it('compare JSON whatever the order of its members, and look for parts of it', () => {
    const values = [{ a: 1, b: [1, { c: 2 }] }, { a: 1 }, ['a'], 'a', true];
    expect(answers('eq', '{"b":[1,{"c":2}],"a":1}', values, 'json')).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(answers('jcont', '{"a":1}', values, 'json')).toEqual([true, true, false, false, false]);
    expect(answers('jcont', '{"b":[{"c":2}]}', values, 'json')).toEqual([true, false, false, false, false]);
    expect(answers('jcont', '"a"', values, 'json')).toEqual([false, false, true, true, false]);
    expect(answers('jcont', '{"__proto__":1}', values, 'json')).toEqual([false, false, false, false, false]);
    expect(answers('true', '1', values, 'json')).toEqual([false, false, false, false, true]);
    expect(predicateTest('jcont', 'json', '{')).toBeUndefined();
    expect(predicateTest('jcont', 'json', '['.repeat(5000) + ']'.repeat(5000))).toBeUndefined();
  });

  it('refuse a pattern that would cost too much', () => {
    expect(predicateTest('matches', 'text', '%'.repeat(501))).toBeUndefined();
  });
});
