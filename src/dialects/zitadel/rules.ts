// The length rules that the descriptors carry (protoc-gen-validate), and their messages.

import { type DescField, type DescMessage, getOption, hasOption, type Message } from '@bufbuild/protobuf';
import { rules } from '@zitadel/proto/validate/validate_pb.js';
import { refusals } from './errors.ts';

type Check = (value: unknown) => string | undefined;

const checksOf = new WeakMap<DescMessage, { field: DescField; check: Check }[]>();

/** @throws ConnectError `InvalidArgument` at the first field that breaks its rule */
export function validate(desc: DescMessage, message: Message): void {
  for (const { field, check } of known(desc)) {
    const complaint = check((message as unknown as Record<string, unknown>)[field.localName]);
    if (complaint !== undefined)
      throw refusals.invalid(`invalid ${desc.name}.${goName(field.name)}: ${complaint}`);
  }
}

function known(desc: DescMessage): { field: DescField; check: Check }[] {
  let checks = checksOf.get(desc);
  if (checks === undefined) {
    checks = desc.fields.flatMap((field) => {
      const check = hasOption(field, rules) ? checkOf(field) : undefined;
      return check === undefined ? [] : [{ field, check }];
    });
    checksOf.set(desc, checks);
  }
  return checks;
}

function checkOf(field: DescField): Check | undefined {
  const { type } = getOption(field, rules);
  if (type.case === 'string') return lengthCheck(Number(type.value.minLen), Number(type.value.maxLen));
  if (type.case === 'repeated' && type.value.maxItems > 0n) return itemsCheck(Number(type.value.maxItems));
  return undefined;
}

function lengthCheck(least: number, most: number): Check {
  const wanted =
    least > 0 && most > 0
      ? `between ${least} and ${most} runes, inclusive`
      : most > 0
        ? `at most ${most} runes`
        : `at least ${least} runes`;
  return (value) => {
    const runes = [...(value as string)].length;
    return runes < least || (most > 0 && runes > most) ? `value length must be ${wanted}` : undefined;
  };
}

function itemsCheck(most: number): Check {
  return (value) =>
    (value as unknown[]).length > most ? `value must contain no more than ${most} item(s)` : undefined;
}

/** `project_id` is `ProjectId` in the server that these messages come from. */
function goName(name: string): string {
  return name.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}
