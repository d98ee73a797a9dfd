// The wire's own words: what Zitadel calls the things that Annals calls otherwise.

import type { Action } from '../../core/entry.ts';

/** How a resource type begins an event type, and is called as an aggregate; any other type is its own word. */
const WORD_OF_TYPE: ReadonlyMap<string, string> = new Map([
  ['organizations', 'org'],
  ['projects', 'project'],
  ['apps', 'project.application'],
  ['users', 'user'],
]);

const WORD_OF_ACTION: Record<Action, string> = {
  create: 'added',
  update: 'changed',
  delete: 'removed',
  access: 'accessed',
};

/** `Editor.service` of every event: the wire knows no other. */
export const EDITOR_SERVICE = 'zitadel';

export const ORGANIZATION_HEADER = 'x-zitadel-orgid';

/** The most entries of one answer, unless the configuration says otherwise. */
export const MAX_CHANGES = 1_000;
/** Bytes of one gRPC message, and of a REST body. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** The aggregate type of a resource type. */
export function aggregateTypeOf(resourceType: string): string {
  return WORD_OF_TYPE.get(resourceType) ?? resourceType;
}

/** The resource types that have this aggregate type; a recorded type may be called `org` as well. */
export function resourceTypesOf(aggregateType: string): string[] {
  const named = [...WORD_OF_TYPE].filter(([, word]) => word === aggregateType).map(([type]) => type);
  return WORD_OF_TYPE.has(aggregateType) ? named : [...named, aggregateType];
}

/** The recorded event, else the one that resource type and action stand for. */
export function eventTypeOf(entry: {
  event?: string | undefined;
  resource: { type: string };
  action: Action;
}): string {
  return entry.event ?? `${aggregateTypeOf(entry.resource.type)}.${WORD_OF_ACTION[entry.action]}`;
}

/** The resource types and the action for which this event type is derived; undefined where it never is. */
export function derivedFrom(eventType: string): { types: string[]; action: Action } | undefined {
  const dot = eventType.lastIndexOf('.');
  const word = eventType.slice(dot + 1);
  const action = (Object.keys(WORD_OF_ACTION) as Action[]).find((name) => WORD_OF_ACTION[name] === word);
  if (dot < 1 || action === undefined) return undefined;
  return { types: resourceTypesOf(eventType.slice(0, dot)), action };
}

/** The event types that are derived for a resource type. */
export function derivedEventTypes(resourceType: string): string[] {
  return Object.values(WORD_OF_ACTION).map((word) => `${aggregateTypeOf(resourceType)}.${word}`);
}
