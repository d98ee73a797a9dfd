// Fields of a message in a URL's query: `query.limit=2`, by proto or JSON names, as grpc-gateway reads them.

import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { refusals } from './errors.ts';

/**
 * Sets the fields that the query names; keys that name no field are left alone. Answers whether any did.
 * @param below the field in which bare names are looked for; undefined: the message itself
 * @throws ConnectError `InvalidArgument`
 */
export function readQuery(
  desc: DescMessage,
  message: Message,
  query: URLSearchParams,
  below?: DescField,
): boolean {
  let isAnySet = false;
  for (const key of new Set(query.keys())) {
    const path = below === undefined ? key.split('.') : [below.name, key];
    if (set(reflect(desc, message), path, key, query.getAll(key))) isAnySet = true;
  }
  return isAnySet;
}

function set(target: ReflectMessage, path: readonly string[], key: string, values: string[]): boolean {
  const [name, ...rest] = path;
  const field = target.fields.find((candidate) => candidate.name === name || candidate.jsonName === name);
  if (field?.fieldKind === 'message' && rest.length > 0) {
    const inner = target.isSet(field) ? target.get(field) : reflect(field.message, create(field.message));
    if (!set(inner, rest, key, values)) return false;
    target.set(field, inner);
    return true;
  }
  if (field?.fieldKind !== 'scalar' || rest.length > 0) return false;
  if (values.length > 1) throw refusals.invalid(`too many values for field "${key}": ${values.length}`);
  target.set(field, fieldValue(field.scalar, key, values[0] as string));
  return true;
}

const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_UINT32 = 2 ** 32 - 1;
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** Of the kinds that the answered messages have. */
function fieldValue(scalar: ScalarType, key: string, text: string): string | boolean | number | bigint {
  if (scalar === ScalarType.STRING) return text;
  if (scalar === ScalarType.BOOL) {
    if (TRUE.includes(text)) return true;
    if (FALSE.includes(text)) return false;
  } else if (/^\d{1,20}$/.test(text)) {
    if (scalar === ScalarType.UINT64 && BigInt(text) <= MAX_UINT64) return BigInt(text);
    if (scalar === ScalarType.UINT32 && Number(text) <= MAX_UINT32) return Number(text);
  }
  const wanted = scalar === ScalarType.BOOL ? 'a boolean' : 'a whole number that is not negative';
  throw refusals.invalid(`the parameter "${key}" must be ${wanted}, got "${text.slice(0, 80)}"`);
}
