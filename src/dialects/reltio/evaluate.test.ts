import { describe, expect, it } from 'vitest';
import { type Candidate, meets } from './evaluate.ts';
import { parseFilter } from './filter.ts';

const CANDIDATE: Candidate = {
  event: { timestamp: 1000, user: 'Ada@Example.com', type: 'ENTITY_CHANGED' },
  entityType: 'HCP',
  changed: true,
  states: () => ({ before: { Name: 'a' }, after: { Name: 'b' } }),
};

describe('the evaluation of filters', () => {
  it.each([
    ["equals(user, 'ada@example.COM')", true],
    ["equals(user, 'ada')", false],
    ['equals(type, entity_changed)', true],
    ['equals(type, ENTITY_)', false],
    ['equals(timestamp, 1000)', true],
    ['equals(timestamp, 1001)', false],
    ['lt(timestamp, 1000)', false],
    ['lt(timestamp, 1001)', true],
    ['lte(timestamp, 1000)', true],
    ['lte(timestamp, 999)', false],
    ['gt(timestamp, 1000)', false],
    ['gt(timestamp, -1)', true],
    ['gte(timestamp, 1000)', true],
    ['gte(timestamp, 1001)', false],
    ['changes(configuration/entityTypes/HCP/attributes/Name)', true],
    ['changes(configuration/entityTypes/HCO/attributes/Name)', false],
    ['changes(configuration/entityTypes/HCP/attributes/Other)', false],
    ['changes(attributes.Name)', true],
    ['not(equals(user, ada))', true],
    ['not(changes(attributes.Name))', false],
    ['equals(type, ENTITY_CHANGED) and lt(timestamp, 1)', false],
    ['equals(type, ENTITY_CHANGED) or lt(timestamp, 1)', true],
    ['equals(type, x) or equals(type, y) or gt(timestamp, 1)', true],
    ['equals(type, ENTITY_CHANGED) and not lt(timestamp, 1) and changes(attributes)', true],
  ])('finds %s %s', (filter, expected) => {
    expect(meets(CANDIDATE, parseFilter(filter))).toBe(expected);
  });

  it('does not look into the states of an event without a difference, or of another type', () => {
    const states = (): never => {
      throw new Error('looked into the states');
    };
    const byType = parseFilter('changes(configuration/entityTypes/HCO/attributes/Name)');
    expect(meets({ ...CANDIDATE, states }, byType)).toBe(false);
    expect(meets({ ...CANDIDATE, changed: false, states }, parseFilter('changes(attributes.Name)'))).toBe(
      false,
    );
  });
});
