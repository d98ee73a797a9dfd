import { describe, expect, test } from 'vitest';
import { ActorWire, ChangeWire, ContextWire, ResourceRefWire, StateWire } from './change-schema.ts';

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  additionalProperties?: boolean;
}

/** Every schema within a schema, by its path; those of `context`, `before` and `after` are open. */
function schemasOf(path: string, schema: Schema): [path: string, schema: Schema][] {
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
    schemasOf(`${path}/${name}`, member),
  );
  const items = schema.items === undefined ? [] : schemasOf(`${path}/0`, schema.items);
  return [[path, schema], ...members, ...items];
}

describe('the schema of a change', () => {
  test.each(schemasOf('', ChangeWire as Schema))('describes %s/', (_, schema) => {
    expect(schema.description).toMatch(/\w/);
  });

  test('is closed everywhere but in the context, the states and the metadata', () => {
    const open = schemasOf('', ChangeWire as Schema)
      .filter(
        ([, schema]) => schema.type !== 'string' && schema.type !== 'boolean' && schema.type !== 'array',
      )
      .filter(([, schema]) => schema.type === 'object' && schema.additionalProperties !== false)
      .map(([path]) => path);
    expect(open).toEqual(['/context']);
    const { before, after, metadata } = (ChangeWire as Schema).properties ?? {};
    for (const state of [before, after]) expect(state?.anyOf).toEqual([{ type: 'object' }, { type: 'null' }]);
    expect(Object.keys(metadata ?? {})).toEqual(['description']);
  });

  test('is plain JSON Schema: nothing of it is lost as JSON', () => {
    for (const schema of [ChangeWire, ActorWire, ContextWire, ResourceRefWire, StateWire]) {
      expect(JSON.parse(JSON.stringify(schema))).toEqual({ ...schema });
    }
  });
});
