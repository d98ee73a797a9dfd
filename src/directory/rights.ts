// Rights: which verbs are allowed on which subjects. They come from a role, or from a token's scopes.

import { SUBJECTS, type Subject, VERBS, type Verb } from './subjects.ts';

export type Scope = 'read' | 'write';

export interface Rights {
  may(verb: Verb, subject: Subject): boolean;
}

export const ALL_RIGHTS: Rights = { may: () => true };
export const NO_RIGHTS: Rights = { may: () => false };
export const READ_ONLY: Rights = { may: (verb) => verb === 'read' };

/** What writers of changes and states write; the directory is not among it. */
const WRITTEN: readonly Subject[] = ['changes', 'resources'];

/** `read` reads everything; `write` writes changes and states. */
export function rightsOfScopes(scopes: readonly string[]): Rights {
  const [mayRead, mayWrite] = [scopes.includes('read'), scopes.includes('write')];
  return {
    may: (verb, subject) => (verb === 'read' ? mayRead : mayWrite && WRITTEN.includes(subject)),
  };
}

/** A permission's flags by subject. */
export function rightsOfPermissions(
  permissions: readonly { subject: unknown; verbs: readonly Verb[] }[],
): Rights {
  const allowed = new Map<unknown, readonly Verb[]>();
  for (const { subject, verbs } of permissions) allowed.set(subject, verbs);
  return { may: (verb, subject) => allowed.get(subject)?.includes(verb) === true };
}

/** No more than the scopes of an access token leave: `read` what is read, `write` what is written. */
export function narrowed(rights: Rights, scopes: readonly string[]): Rights {
  const [mayRead, mayWrite] = [scopes.includes('read'), scopes.includes('write')];
  return {
    may: (verb, subject) => (verb === 'read' ? mayRead : mayWrite) && rights.may(verb, subject),
  };
}

/** Does `holder` have every right that `wanted` has? Nobody can give what they do not have. */
export function hasAll(holder: Rights, wanted: Rights): boolean {
  return SUBJECTS.every((subject) =>
    VERBS.every((verb) => !wanted.may(verb, subject) || holder.may(verb, subject)),
  );
}
