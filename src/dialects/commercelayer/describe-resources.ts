// `GET /api/public/resources`: what the types are made of, read off their declarations.

import type { Json, JsonObject } from '../../core/json.ts';
import type { Attribute, Declaration, Relationship } from '../../directory/declaration.ts';
import { declarationOf, PROVISIONING } from '../../directory/declarations.ts';
import { filterKind, filterPath } from './wire.ts';

export function describeResources(): { data: JsonObject[] } {
  return { data: PROVISIONING.map(describeResource) };
}

/** By its name, singular; undefined where there is none. */
export function describeNamed(name: string): { data: JsonObject } | undefined {
  const found = PROVISIONING.find(({ singular }) => singular === name);
  return found && { data: describeResource(found) };
}

function describeResource(declaration: Declaration): JsonObject {
  const { singular, isSingleton, operations, actions, attributes, relationships } = declaration;
  return {
    id: singular,
    type: 'resources',
    attributes: {
      singleton: isSingleton,
      deprecated: false,
      actions: [...operations, ...actions.map(({ name }) => name)],
      examples: {},
      filter_scopes: [],
      fields: {
        id: ID,
        ...mapped(attributes, describeAttribute),
      },
      relationships: mapped(relationships, describeRelationship),
      filters: filtersOf(declaration),
    },
  };
}

const ID: JsonObject = {
  type: 'string',
  required: true,
  creatable: false,
  updatable: false,
  fetchable: true,
  filterable: true,
  sortable: true,
};

function describeAttribute(attribute: Attribute): JsonObject {
  const { kind, isRequired, isNullable, isTrigger, values, min, max, about } = attribute;
  return {
    type: kind,
    ...(about === undefined ? {} : { desc: about }),
    required: isRequired,
    nullable: isNullable,
    trigger: isTrigger,
    creatable: attribute.isCreatable,
    updatable: attribute.isUpdatable,
    fetchable: attribute.isFetchable,
    filterable: attribute.isFilterable,
    sortable: attribute.isSortable,
    ...(values === undefined ? {} : { enum: [...values] }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(attribute.default === undefined ? {} : { default: attribute.default }),
  };
}

function describeRelationship(relationship: Relationship): JsonObject {
  return {
    type: relationship.isMany ? 'has_many' : 'has_one',
    class_name: declarationOf(relationship.to).singular,
    required: relationship.isRequired,
    creatable: relationship.isCreatable,
    updatable: relationship.isUpdatable,
    fetchable: relationship.isFetchable,
    filterable: relationship.to !== 'versions',
    sortable: false,
  };
}

/** The names in `filter[…]`: short forms, and `q` for all others. */
function filtersOf(declaration: Declaration): string[] {
  const names = ['id', ...Object.keys(declaration.attributes)].filter(
    (name) => filterKind(declaration, name) !== undefined,
  );
  const related = Object.keys(declaration.relationships).map((name) => `${name}_id`);
  const instants = names.filter((name) => filterKind(declaration, name) === 'instant');
  return [
    ...names,
    'q',
    ...related.filter((name) => filterPath(declaration, name) !== undefined),
    'ids',
    ...instants.flatMap((name) => [`${name}_from`, `${name}_to`]),
  ];
}

function mapped<Value>(
  from: Readonly<Record<string, Value>>,
  describe: (value: Value) => JsonObject,
): Record<string, Json> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, describe(value)]));
}
