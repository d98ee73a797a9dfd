// Writing to the directory: what was sent is checked against the declaration and the rules, and becomes
// proposals to the log, recorded together or not at all. Nothing else is kept: the log is the directory.

import type { Actor, ResourceRef } from '../core/entry.ts';
import { AnnalsError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { type Draft, isSameState, type Latest } from '../core/seal.ts';
import { StateText } from '../core/state-text.ts';
import type { Proposal } from '../ingest/proposal.ts';
import type { Record as Recorder } from '../ingest/record.ts';
import type { RequestKey } from '../ingest/sealed-batch.ts';
import { declarationOf } from './declarations.ts';
import { foundingOf } from './founding.ts';
import { directoryId } from './ids.ts';
import { hasAll } from './rights.ts';
import { rulesOf } from './rules/all.ts';
import { ownerStays } from './rules/memberships.ts';
import { type Author, mustBeThere, refuseGrants, removalOf, type Scene, type Step } from './rules/rules.ts';
import {
  attributeFaults,
  checkNames,
  type Input,
  refuseFaults,
  relationshipFaults,
  type Use,
  withInput,
} from './validate.ts';
import type { DirectoryResource } from './view.ts';
import { directoryRef } from './views.ts';

/** What a creation puts into the state beside what was sent, such as the hash of a secret. */
export type Extra = JsonObject;

/** Steps of a creation, the resource's own first. @throws AnnalsError */
export function creation(scene: Scene, type: string, input: Input, extra: Extra = {}): Step[] {
  const declaration = declarationOf(type);
  const { view, sha256 } = scene;
  const rules = rulesOf(type);
  check(scene, type, input, 'create', undefined);
  const given = withInput(declaration, {}, input);
  const state = { ...(rules.complete?.(scene, given, input, undefined) ?? given), ...extra };
  refuseGrants(scene, rules.grants?.(scene, state));
  const id = rules.id?.(scene, state) ?? directoryId(sha256, view.organization.id, type, scene.uuid());
  const own: Step = {
    type,
    id,
    change(before) {
      if (before === null) return { ...state, created_at: formatInstant(scene.now()) };
      throw new AnnalsError('not_unique', `${type}: there is one like this already, ${id}`, { got: id });
    },
  };
  return [own, ...targetsOf(type, state), ...(rules.along?.(scene, id, state, input) ?? [])];
}

/** What a new resource names must still be there when it is recorded: others may be removing it. */
function targetsOf(type: string, state: JsonObject): Step[] {
  return Object.entries(declarationOf(type).relationships).flatMap(([name, { to, key }]): Step[] => {
    const id = key === undefined ? undefined : state[key];
    if (typeof id !== 'string') return [];
    const change = (before: JsonObject | null): JsonObject | null => {
      if (before === null)
        refuseFaults(type, [{ at: 'relationships', name, error: 'required', message: 'must exist' }]);
      return before;
    };
    return [{ type: to, id, change }];
  });
}

/** Steps of an update, the resource's own first. @throws AnnalsError */
export function updating(scene: Scene, resource: DirectoryResource, input: Input): Step[] {
  const { type, id } = resource;
  const declaration = declarationOf(type);
  const rules = rulesOf(type);
  check(scene, type, input, 'update', resource);
  const next = (before: JsonObject): JsonObject => {
    const given = withInput(declaration, before, input);
    return rules.complete?.(scene, given, input, before) ?? given;
  };
  const state = next(resource.state);
  refuseMore(scene, resource, state);
  const log = scene.view.organization.id;
  // An organization is there as long as its log is, whatever an application recorded of it.
  const itself = type === 'organizations' ? resource.state : null;
  return [
    { type, id, change: (before) => next(mustBeThere(before ?? itself, type, id, log)) },
    ...(rules.along?.(scene, id, state, input) ?? []),
  ];
}

/** Steps of a deletion, with what goes along. @throws AnnalsError `locked` */
export function removing(scene: Scene, resource: DirectoryResource): Step[] {
  const { type, id } = resource;
  const own: Step = {
    ...removalOf(resource),
    change(before) {
      if (mustBeThere(before, type, id, resource.log).owner === true) throw ownerStays();
      return null;
    },
  };
  return [...(rulesOf(type).removal?.(scene, resource) ?? []), own];
}

function check(
  scene: Scene,
  type: string,
  input: Input,
  use: Use,
  before: DirectoryResource | undefined,
): void {
  const declaration = declarationOf(type);
  refuseGrants(scene, rulesOf(type).needs?.(scene, input));
  checkNames(declaration, input, use);
  refuseFaults(type, [
    ...attributeFaults(declaration, input, use),
    ...relationshipFaults(declaration, scene.view, input, use),
    ...(rulesOf(type).faults?.(scene, input, before) ?? []),
  ]);
}

/** What is given and taken as before, anybody may touch; who has less can neither raise nor lower those who have more. */
function refuseMore(scene: Scene, { type, state: before }: DirectoryResource, state: JsonObject): void {
  const { grants } = rulesOf(type);
  if (grants === undefined) return;
  const [had, has] = [grants(scene, before), grants(scene, state)];
  if (!hasAll(had, has)) refuseGrants(scene, has);
  if (!hasAll(has, had)) refuseGrants(scene, had);
}

/** Annals itself. */
const SYSTEM: Actor = { type: 'system', id: 'annals' };

/**
 * Records steps, all or none, behind the founding of the organization where the log has none yet.
 * @param founder who made the organization, where it is made now
 * @param requestKey with it, what was recorded under it before is not recorded again
 */
export async function recordSteps(
  record: Recorder,
  scene: Scene,
  steps: readonly Step[],
  founder: Author = { ...scene.by, actor: SYSTEM, context: {} },
  requestKey?: RequestKey,
): Promise<void> {
  const { organization, isFounded } = scene.view;
  const founding = isFounded ? [] : foundingOf(organization, scene.sha256);
  const proposals = [
    ...founding.map(({ type, id, state }) =>
      proposalOf({ ...scene, by: founder }, { type, id, change: (before) => before ?? state }),
    ),
    ...steps.map((step) => proposalOf(scene, step)),
  ];
  await record(organization.id, proposals, requestKey);
}

const WORDS = { create: 'added', update: 'changed', delete: 'removed', access: 'accessed' } as const;

function proposalOf(scene: Scene, { type, id, change, event, isAccess }: Step): Proposal {
  const { view, by, uuid } = scene;
  const { actor, context } = by;
  const log = view.organization.id;
  const common = { id: uuid(), actor, ...(Object.keys(context).length === 0 ? {} : { context }) };
  const derive = (latest: Latest | undefined): Draft | undefined => {
    const before = latest?.state?.value ?? null;
    const after = change(before);
    const kept = after && StateText.of(after);
    if (isAccess !== true && isSameState(kept, latest?.state ?? null)) return undefined;
    const action =
      isAccess === true ? 'access' : after === null ? 'delete' : before === null ? 'create' : 'update';
    const named = event ?? eventOf(type, WORDS[action]);
    return {
      ...common,
      resource: { type, id, ...nameOf(after ?? before) },
      action,
      ...(named === undefined ? {} : { event: named }),
      related: relatedTo(log, type, after ?? before),
      after: isAccess === true ? null : kept,
    };
  };
  return { resource: { type, id }, derive };
}

function eventOf(type: string, word: string): string | undefined {
  const { event } = declarationOf(type);
  return event && `${event}.${word}`;
}

function nameOf(state: JsonObject | null): { name?: string } {
  const name = state?.name ?? state?.user_email ?? state?.email;
  // A resource's name has at most 200 characters.
  return typeof name === 'string' && name !== '' ? { name: [...name].slice(0, 200).join('') } : {};
}

/** A change of the directory is one of the organization, and where it is about a user, one of the user. */
function relatedTo(log: string, type: string, state: JsonObject | null): ResourceRef[] {
  const user = type === 'memberships' ? state?.user_id : undefined;
  return [
    directoryRef(log),
    ...(type === 'organizations' ? [] : [{ type: 'organizations', id: log }]),
    ...(typeof user === 'string' ? [{ type: 'users', id: user }] : []),
  ];
}
