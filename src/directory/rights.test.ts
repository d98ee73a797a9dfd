import { describe, expect, it } from 'vitest';
import {
  ALL_RIGHTS,
  hasAll,
  NO_RIGHTS,
  narrowed,
  READ_ONLY,
  type Rights,
  rightsOfPermissions,
  rightsOfScopes,
} from './rights.ts';
import { SUBJECTS, type Subject, VERBS, type Verb } from './subjects.ts';

/** All that is allowed, as `verb subject`. */
function allowed(rights: Rights): string[] {
  return SUBJECTS.flatMap((subject) =>
    VERBS.filter((verb) => rights.may(verb, subject)).map((verb) => `${verb} ${subject}`),
  );
}
const everything = allowed(ALL_RIGHTS);
const reading = everything.filter((right) => right.startsWith('read '));

describe('rights by scopes', () => {
  it('are to read everything, with `read`', () => {
    expect(allowed(rightsOfScopes(['read']))).toEqual(reading);
  });

  it('are to write changes and resources, and nothing of the directory, with `write`', () => {
    expect(allowed(rightsOfScopes(['write']))).toEqual([
      'create changes',
      'update changes',
      'destroy changes',
      'create resources',
      'update resources',
      'destroy resources',
    ]);
  });

  it('are none without scopes, or with scopes that are not known', () => {
    expect(allowed(rightsOfScopes([]))).toEqual([]);
    expect(allowed(rightsOfScopes(['', 'admin', 'READ', 'read write']))).toEqual([]);
  });
});

describe('rights by permissions', () => {
  it('are those of the subject alone', () => {
    const rights = rightsOfPermissions([
      { subject: 'roles', verbs: ['read', 'update'] },
      { subject: 'changes', verbs: [] },
      { subject: 'nothing that is known', verbs: [...VERBS] },
    ]);
    expect(allowed(rights)).toEqual(['read roles', 'update roles']);
  });

  it('are none where there are no permissions', () => {
    expect(allowed(rightsOfPermissions([]))).toEqual(allowed(NO_RIGHTS));
    expect(allowed(NO_RIGHTS)).toEqual([]);
  });
});

describe('rights that scopes narrow', () => {
  it('are never more than they were', () => {
    const held = rightsOfPermissions([
      { subject: 'roles', verbs: ['read', 'create'] },
      { subject: 'changes', verbs: ['create'] },
    ]);
    expect(allowed(narrowed(held, ['read']))).toEqual(['read roles']);
    expect(allowed(narrowed(held, ['write']))).toEqual(['create changes', 'create roles']);
    expect(allowed(narrowed(held, ['read', 'write']))).toEqual(allowed(held));
    expect(allowed(narrowed(held, []))).toEqual([]);
  });

  it('are those of the role, also over the directory', () => {
    expect(allowed(narrowed(ALL_RIGHTS, ['read', 'write']))).toEqual(everything);
    expect(allowed(narrowed(READ_ONLY, ['write']))).toEqual([]);
  });
});

describe('what may be given', () => {
  const one = (verb: Verb, subject: Subject): Rights => rightsOfPermissions([{ subject, verbs: [verb] }]);

  it('is what one has, and less', () => {
    for (const rights of [ALL_RIGHTS, READ_ONLY, NO_RIGHTS, rightsOfScopes(['write'])]) {
      expect(hasAll(rights, rights)).toBe(true);
      expect(hasAll(ALL_RIGHTS, rights)).toBe(true);
      expect(hasAll(rights, NO_RIGHTS)).toBe(true);
    }
  });

  it('is nothing more, by a single right', () => {
    for (const subject of SUBJECTS) {
      for (const verb of VERBS) {
        expect(hasAll(READ_ONLY, one(verb, subject)), `${verb} ${subject}`).toBe(verb === 'read');
        expect(hasAll(NO_RIGHTS, one(verb, subject))).toBe(false);
      }
    }
    expect(hasAll(READ_ONLY, ALL_RIGHTS)).toBe(false);
  });
});
