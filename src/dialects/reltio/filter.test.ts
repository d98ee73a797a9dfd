import { describe, expect, it } from 'vitest';
import { makeRandom, type Random } from '../../../test/random.ts';
import { type Condition, parseFilter, readsStates } from './filter.ts';

const created: Condition = { kind: 'text', property: 'type', value: 'entity_created' };
const byAda: Condition = { kind: 'text', property: 'user', value: 'ada' };
const early: Condition = { kind: 'time', operator: 'lt', timestamp: 5 };

describe('the filter grammar', () => {
  it('reads the conditions of the documentation', () => {
    expect(parseFilter("equals(type, 'ENTITY_CREATED')")).toEqual(created);
    expect(parseFilter("equals(type,'ENTITY_CREATED')")).toEqual(created);
    expect(parseFilter("lt(timestamp, '1428309071535')")).toEqual({ ...early, timestamp: 1428309071535 });
    expect(parseFilter('gt(timestamp,1560800276000)')).toMatchObject({ operator: 'gt' });
    expect(
      parseFilter(
        "changes(configuration/entityTypes/HCP/attributes/FirstName) and equals(user, 'test.user')",
      ),
    ).toEqual({
      kind: 'and',
      conditions: [
        { kind: 'changes', attribute: { entityType: 'HCP', names: ['FirstName'], needsBoth: false } },
        { kind: 'text', property: 'user', value: 'test.user' },
      ],
    });
  });

  it('binds AND tighter than OR, and NOT tighter than either', () => {
    const [a, b, c] = ['equals(user,ada)', 'lt(timestamp,5)', 'equals(type,ENTITY_CREATED)'];
    expect(parseFilter(`${a} OR ${b} AND ${c}`)).toEqual({
      kind: 'or',
      conditions: [byAda, { kind: 'and', conditions: [early, created] }],
    });
    expect(parseFilter(`(${a} OR ${b}) AND ${c}`)).toEqual({
      kind: 'and',
      conditions: [{ kind: 'or', conditions: [byAda, early] }, created],
    });
    expect(parseFilter(`not ${a} and ${b}`)).toEqual({
      kind: 'and',
      conditions: [{ kind: 'not', condition: byAda }, early],
    });
  });

  it('negates a condition with parentheses and without', () => {
    const negated = { kind: 'not', condition: byAda };
    for (const text of ['not(equals(user,ada))', 'NOT equals(user,ada)', 'not not not(equals(user,ada))']) {
      const twice = { kind: 'not', condition: { kind: 'not', condition: negated } };
      expect(parseFilter(text)).toEqual(text.startsWith('not not') ? twice : negated);
    }
  });

  it('reads words in any case, with white space anywhere', () => {
    const both = { kind: 'and', conditions: [byAda, early] };
    expect(parseFilter('\n EQUALS ( user , ada ) And\tLt(timestamp,5) ')).toEqual(both);
    expect(parseFilter('(equals(user,ada))aNd(lt(timestamp,5))')).toEqual(both);
  });

  it('reads a quote inside a value where it is written twice, and everything else as it is', () => {
    const userOf = (value: string): unknown =>
      (parseFilter(`equals(user, ${value})`) as { value: string }).value;
    expect(userOf("'o''brien'")).toBe("o'brien");
    expect(userOf('"o\'brien"')).toBe("o'brien");
    expect(userOf('"say ""hi"""')).toBe('say "hi"');
    expect(userOf("'DOMAIN\\ada (x), y and z'")).toBe('domain\\ada (x), y and z');
    expect(userOf("''")).toBe('');
    expect(userOf('ada@example.com')).toBe('ada@example.com');
  });

  it.each([
    ['equals(type, x', 14, '")"', 'the end'],
    ['equals(type x)', 12, '","', '"x"'],
    ["equals(type, 'x)", 16, "a closing '", 'the end'],
    ['equals(type,)', 12, 'a value', '")"'],
    ['equals(label, x)', 7, 'user, type or timestamp', '"label"'],
    ['lt(user, 5)', 3, 'timestamp', '"user"'],
    ["gt(timestamp, 'soon')", 14, 'milliseconds since 1970', '"\'"'],
    ['gt(timestamp, 1.5)', 14, 'milliseconds since 1970', '"1"'],
    ['changes(FirstName)', 8, 'an attribute', '"FirstName"'],
    ['changes()', 8, 'an attribute', '")"'],
    ['startsWith(user, x)', 0, 'equals, lt', '"startsWith"'],
    ['equals(user,a) equals(user,b)', 15, 'AND, OR or the end', '"equals"'],
    ['equals(user,a) and', 18, 'equals, lt', 'the end'],
    ['and equals(user,a)', 0, 'equals, lt', '"and"'],
    ['(equals(user,a)', 15, '")"', 'the end'],
    ['equals(user,a))', 14, 'AND, OR or the end', '")"'],
    ['equals(user,a) & equals(user,b)', 15, 'AND, OR or the end', '"&"'],
    ['🦊', 0, 'equals, lt', '"🦊"'],
    ['not', 3, 'equals, lt', 'the end'],
    ['', 0, 'equals, lt', 'the end'],
  ])('says where %j is wrong, and what was wanted', (text, position, wanted, got) => {
    const error = refusalOf(text);
    expect(error).toMatchObject({ code: 'invalid_parameter', facts: { field: 'filter' } });
    expect(error.message).toContain(`at position ${position}, got ${got}`);
    expect(error.message).toContain(`wanted ${wanted}`);
  });

  it('ends before the stack does, however deep the nesting', () => {
    for (const open of ['(', 'not ', 'not(']) {
      expect(refusalOf(open.repeat(5000)).message).toContain('wanted at most 100 levels');
    }
    const deep = `${'('.repeat(99)}equals(user,ada)${')'.repeat(99)}`;
    expect(parseFilter(deep)).toEqual(byAda);
    const wide = Array.from({ length: 2000 }, () => '(equals(user,ada))').join(' or ');
    expect(parseFilter(wide)).toMatchObject({ kind: 'or' });
  });

  it('reads any tree that is written down, however it is written', () => {
    const random = makeRandom();
    for (let round = 0; round < 500; round++) {
      const tree = randomTree(random, 5);
      const text = written(tree, random);
      expect(parseFilter(text), `seed ${random.seed}: ${text}`).toEqual(tree);
    }
  });

  it('refuses anything else with a position inside the text', () => {
    const random = makeRandom();
    for (let round = 0; round < 2000; round++) {
      const text = written(randomTree(random, 3), random);
      const at = random.below(text.length);
      const broken =
        text.slice(0, at) + random.pick(['', '(', ')', ',', "'", ' ', 'x', '\0']) + text.slice(at + 1);
      const position = positionOfRefusal(broken);
      expect(position, `seed ${random.seed}: ${broken}`).toBeGreaterThanOrEqual(0);
      expect(position, `seed ${random.seed}: ${broken}`).toBeLessThanOrEqual(broken.length);
    }
  });

  it('knows which filters look into states', () => {
    expect(readsStates(parseFilter('equals(user,a) or not (lt(timestamp,5))'))).toBe(false);
    expect(readsStates(parseFilter('equals(user,a) or not (changes(attributes.Name))'))).toBe(true);
  });
});

function refusalOf(text: string): Error {
  try {
    parseFilter(text);
  } catch (error) {
    return error as Error;
  }
  throw new Error(`${text} was read`);
}

/** 0 where the text was read after all. */
function positionOfRefusal(text: string): number {
  try {
    parseFilter(text);
    return 0;
  } catch (error) {
    return Number(/at position (\d+)/.exec((error as Error).message)?.[1] ?? -1);
  }
}

function randomTree(random: Random, levels: number): Condition {
  const kind = levels === 0 ? 3 : random.below(6);
  if (kind === 0) return { kind: 'not', condition: randomTree(random, levels - 1) };
  if (kind < 3) {
    const conditions = Array.from({ length: 2 + random.below(2) }, () => randomTree(random, levels - 1));
    return { kind: random.pick(['and', 'or']), conditions };
  }
  if (kind === 3) {
    return {
      kind: 'text',
      property: random.pick(['user', 'type']),
      value: random.pick(['ada', "o'b", 'a b', '']),
    };
  }
  if (kind === 4) {
    const operator = random.pick(['equals', 'lt', 'lte', 'gt', 'gte'] as const);
    return { kind: 'time', operator, timestamp: random.below(1e12) };
  }
  return { kind: 'changes', attribute: { entityType: 'HCP', names: ['Address', 'City'], needsBoth: false } };
}

function written(tree: Condition, random: Random): string {
  const space = random.pick(['', ' ', '\n ']);
  const inCase = (word: string): string => (random.chance(0.5) ? word.toUpperCase() : word);
  switch (tree.kind) {
    case 'and':
    case 'or':
      // Each part in parentheses: a part of the same kind would else join its neighbours.
      return tree.conditions
        .map((part) => `(${written(part, random)})`)
        .join(`${space}${inCase(tree.kind)}${space}`);
    case 'not':
      return `${inCase('not')}${space}(${written(tree.condition, random)})`;
    case 'text':
      return `${inCase('equals')}(${space}${tree.property},${space}'${tree.value.replaceAll("'", "''")}'${space})`;
    case 'time':
      return `${inCase(tree.operator)}(timestamp${space},${random.pick([`'${tree.timestamp}'`, tree.timestamp])})`;
    case 'changes':
      return `${inCase('changes')}(${space}configuration/entityTypes/HCP/attributes/Address/attributes/City)`;
  }
}
