// To-many relationships that are set from this side: the others name this resource from then on, and those
// that are not in the list any more name nothing.

import type { JsonObject } from '../../core/json.ts';
import { declarationOf } from '../declarations.ts';
import { rightsOfPermissions } from '../rights.ts';
import type { Input } from '../validate.ts';
import { refuseGrants, type Scene, type Step } from './rules.ts';

export function pointHere(
  scene: Scene,
  type: string,
  inverse: string,
  id: string,
  { relationships }: Input,
): Step[] {
  const { view } = scene;
  const wanted = relationships[type];
  if (!Array.isArray(wanted)) return [];
  // It is they who change.
  refuseGrants(scene, rightsOfPermissions([{ subject: type, verbs: ['update'] }]));
  const key = declarationOf(type).relationships[inverse]?.key as string;
  const pointing = view.pointing(type, inverse, id).map((resource) => resource.id);
  const without = pointing.filter((pointer) => !wanted.includes(pointer));
  return [
    ...(wanted as string[]).map((pointer) => stepOf(pointer, (state) => ({ ...state, [key]: id }))),
    ...without.map((pointer) =>
      stepOf(pointer, ({ [key]: before, ...rest }) =>
        before === id ? rest : { ...rest, [key]: before ?? null },
      ),
    ),
  ];

  function stepOf(pointer: string, change: (state: JsonObject) => JsonObject): Step {
    return { type, id: pointer, change: (state) => (state === null ? null : change(state)) };
  }
}
