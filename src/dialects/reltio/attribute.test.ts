import { describe, expect, it } from 'vitest';
import type { State } from '../../core/entry.ts';
import { type Attribute, attributeOf, attributesOf, differs } from './attribute.ts';

describe('attributes in filters', () => {
  it('reads the type and the names of a URI', () => {
    expect(attributeOf('configuration/entityTypes/HCP/attributes/FirstName')).toEqual({
      entityType: 'HCP',
      names: ['FirstName'],
      needsBoth: false,
    });
    expect(attributeOf('configuration/entityTypes/Bücher/attributes/Address/attributes/City')).toMatchObject({
      entityType: 'Bücher',
      names: ['Address', 'City'],
    });
    expect(attributeOf('configuration/entityTypes/HCP/attributes')).toEqual({
      entityType: 'HCP',
      names: [],
      needsBoth: true,
    });
  });

  it('reads the forms without a type, which mean any', () => {
    expect(attributeOf('attributes.Address.City')).toEqual({
      entityType: undefined,
      names: ['Address', 'City'],
      needsBoth: false,
    });
    expect(attributeOf('attributes')).toMatchObject({ names: [], needsBoth: true });
    expect(attributeOf('delta.attributes.Name')).toMatchObject({ names: ['Name'], needsBoth: true });
    expect(attributeOf('delta.attributes')).toMatchObject({ names: [], needsBoth: true });
  });

  it.each([
    'FirstName',
    'attributes.',
    'attributes..City',
    'attributesName',
    'configuration/entityTypes/HCP',
    'configuration/entityTypes//attributes/Name',
    'configuration/entityTypes/HCP/attributes/',
    'configuration/entityTypes/HCP/attributes/Address/City',
    'configuration/relationTypes/HCP/attributes/Name',
    '',
  ])('knows no attribute %j', (text) => {
    expect(attributeOf(text)).toBeUndefined();
  });
});

describe('what a change touched', () => {
  const name = attribute('attributes.Name');
  const city = attribute('attributes.Address.City');

  it('is an attribute under `attributes`, or a member of the state', () => {
    expect(differs(name, { attributes: { Name: 'a' } }, { attributes: { Name: 'b' } })).toBe(true);
    expect(differs(name, { Name: 'a' }, { Name: 'b' })).toBe(true);
    expect(differs(name, { Name: 'a' }, { Name: 'a', Other: 1 })).toBe(false);
    expect(differs(name, { attributes: { Name: 'a' } }, { attributes: { Name: 'a', Other: 1 } })).toBe(false);
  });

  it('is one that came, went or became null', () => {
    expect(differs(name, null, { Name: 'a' })).toBe(true);
    expect(differs(name, { Name: 'a' }, null)).toBe(true);
    expect(differs(name, {}, { Name: null })).toBe(true);
    expect(differs(name, null, { Other: 'a' })).toBe(false);
    expect(differs(name, null, null)).toBe(false);
  });

  it('is nested in arrays and `value` members, or in neither', () => {
    const deep = (value: string): State => ({ attributes: { Address: [{ value: { City: [{ value }] } }] } });
    expect(differs(city, deep('Bern'), deep('Basel'))).toBe(true);
    expect(differs(city, deep('Bern'), deep('Bern'))).toBe(false);
    expect(differs(city, { Address: { City: 'Bern' } }, { Address: { City: 'Basel' } })).toBe(true);
    const zip = { attributes: { Address: [{ value: { City: [{ value: 'Bern' }], Zip: '3000' } }] } };
    expect(differs(city, deep('Bern'), zip)).toBe(false);
    expect(differs(city, deep('Bern'), { attributes: {} })).toBe(true);
  });

  it('sees a nested attribute in every item, in their order', () => {
    const cities = (...names: string[]): State => ({ Address: names.map((City) => ({ value: { City } })) });
    expect(differs(city, cities('Bern'), cities('Bern', 'Basel'))).toBe(true);
    expect(differs(city, cities('Bern', 'Basel'), cities('Basel', 'Bern'))).toBe(true);
    expect(differs(city, cities('Bern', 'Basel'), cities('Bern', 'Basel'))).toBe(false);
  });

  it('does not look for the attribute itself in arrays or `value` members', () => {
    expect(differs(name, { value: { Name: 'a' } }, { value: { Name: 'b' } })).toBe(false);
  });

  it('is any attribute where none is named', () => {
    const any = attribute('attributes');
    expect(differs(any, { attributes: { Name: 'a' } }, { attributes: { Name: 'b' } })).toBe(true);
    expect(differs(any, { attributes: { Name: 'a' } }, { attributes: { Name: 'a' }, tags: [] })).toBe(false);
    expect(differs(any, { Name: 'a' }, { Name: 'b' })).toBe(true);
  });

  it('leaves out creations and removals in the forms that need both states', () => {
    for (const form of ['attributes', 'delta.attributes.Name', 'configuration/entityTypes/HCP/attributes']) {
      expect(differs(attribute(form), null, { Name: 'a' })).toBe(false);
      expect(differs(attribute(form), { Name: 'a' }, null)).toBe(false);
      expect(differs(attribute(form), { Name: 'a' }, { Name: 'b' })).toBe(true);
    }
  });

  it('knows no inherited members', () => {
    for (const inherited of ['constructor', '__proto__', 'toString']) {
      expect(differs(attribute(`attributes.${inherited}`), {}, { Name: 'a' })).toBe(false);
    }
  });
});

describe('the attributes of a state', () => {
  it("are its own `attributes` where that is an object, else the state's members", () => {
    expect(attributesOf({ attributes: { Name: 'a' }, tags: [] })).toEqual({ Name: 'a' });
    for (const state of [
      { Name: 'a' },
      { attributes: 'text' },
      { attributes: ['a'] },
      { attributes: null },
    ]) {
      expect(attributesOf(state)).toEqual(state);
    }
  });
});

function attribute(text: string): Attribute {
  return attributeOf(text) as Attribute;
}
