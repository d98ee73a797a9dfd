// What a type of the directory has beside its declaration: what Annals fills in, what goes along with a
// change, what stands in its way. A rule looks at the view and answers; it writes nothing.

import type { Actor } from '../../core/entry.ts';
import { AnnalsError, type Fault } from '../../core/errors.ts';
import type { Instant } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Sha256 } from '../../core/merkle.ts';
import type { LogId } from '../../store/store.ts';
import { hasAll, type Rights } from '../rights.ts';
import type { Input } from '../validate.ts';
import type { DirectoryResource, DirectoryView } from '../view.ts';

/** In whose name something is written. */
export interface Author {
  actor: Actor;
  context: JsonObject;
  /** Nobody can give what they do not have. */
  rights: Rights;
  /** Does it write with the root token? */
  isRoot?: boolean;
  /** The member that it is, and the user. */
  membership?: string | undefined;
  user?: string | undefined;
}

/** What a rule may look at. */
export interface Scene {
  view: DirectoryView;
  by: Author;
  sha256: Sha256;
  randomBytes(length: number): Uint8Array;
  uuid(): string;
  now(): Instant;
}

/** One resource that changes: what its latest state becomes. It is asked again where another writer came first. */
export interface Step {
  type: string;
  id: string;
  /** @throws AnnalsError where the latest state forbids it */
  change(state: JsonObject | null): JsonObject | null;
  /** Where not its declaration's; with it, an `access` leaves the state alone. */
  event?: string | undefined;
  isAccess?: boolean;
}

export interface Rules {
  /** The rights that whoever creates or updates one must have, asked before anything is said of the input. */
  needs?(scene: Scene, input: Input): Rights | undefined;
  /** Where an id follows from what the resource is, it can be there only once. */
  id?(scene: Scene, state: JsonObject): string;
  /** What is wrong beyond the declaration. */
  faults?(scene: Scene, input: Input, before: DirectoryResource | undefined): Fault[];
  /** What Annals puts into a state itself. */
  complete?(scene: Scene, state: JsonObject, input: Input, before: JsonObject | undefined): JsonObject;
  /** The rights that someone has through this resource. */
  grants?(scene: Scene, state: JsonObject): Rights;
  /** Other resources that change along with it. */
  along?(scene: Scene, id: string, state: JsonObject, input: Input): Step[];
  /** Other resources that go with it. @throws AnnalsError `locked` */
  removal?(scene: Scene, resource: DirectoryResource): Step[];
}

/** @throws AnnalsError `forbidden` where rights are given, taken or needed that the author has not */
export function refuseGrants({ by }: Scene, wanted: Rights | undefined): void {
  if (wanted === undefined || hasAll(by.rights, wanted)) return;
  throw new AnnalsError('forbidden', 'nobody can give or take rights that they do not have');
}

export function removalOf({ type, id }: { type: string; id: string }): Step {
  return { type, id, change: () => null };
}

export function locked(why: string): AnnalsError {
  return new AnnalsError('locked', why);
}

/** @throws AnnalsError `not_found` */
export function mustBeThere(state: JsonObject | null, type: string, id: string, log: LogId): JsonObject {
  if (state !== null) return state;
  throw new AnnalsError('not_found', `there is no ${type}/${id} in the organization ${log}`, { got: id });
}
