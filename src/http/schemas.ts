// What Fastify does with the schemas of routes. Parameters are checked by them; a schema is compiled with the first
// request that it checks, and the compiler is loaded with the first schema: the server starts without either.

import { createRequire } from 'node:module';
import type { FastifySchemaCompiler } from 'fastify';
import type { FastifySchemaControllerOptions } from 'fastify/types/schema.js';

type ValidatorFactory = NonNullable<
  NonNullable<FastifySchemaControllerOptions['compilersFactory']>['buildValidator']
>;
type Compiler = FastifySchemaCompiler<unknown>;
type Checker = ReturnType<Compiler>;

/** Instead of Fastify's own compilers, which it loads unless others are named here. */
export const SCHEMA_CONTROLLER: FastifySchemaControllerOptions = {
  compilersFactory: {
    buildValidator: (() => checkerOf) as unknown as ValidatorFactory,
    // Answers are written as they are: a schema that forgot a member must not drop it.
    buildSerializer: () => () => (value) => JSON.stringify(value),
  },
};

/** Bodies and headers are checked once, by who reads them and names what was wrong; their schemas are for the OpenAPI document. */
const checkerOf: Compiler = (route) =>
  route.httpPart === 'body' || route.httpPart === 'headers' ? () => true : compiledLate(route);

function compiledLate(route: Parameters<Compiler>[0]): Checker {
  let compiled: Checker | undefined;
  const check: Checker = (value) => {
    compiled ??= compiler()(route);
    const isValid = compiled(value);
    check.errors = compiled.errors ?? null;
    return isValid;
  };
  return check;
}

let loaded: Compiler | undefined;

/** Loaded at once, not awaited: a check is no promise. */
function compiler(): Compiler {
  if (loaded !== undefined) return loaded;
  const { AjvCompiler } = createRequire(import.meta.url)(
    '@fastify/ajv-compiler',
  ) as typeof import('@fastify/ajv-compiler');
  // `verbose`: errors say what was got.
  const options = { removeAdditional: false, coerceTypes: true, useDefaults: true, verbose: true } as const;
  loaded = AjvCompiler()({}, { customOptions: options }) as Compiler;
  return loaded;
}
