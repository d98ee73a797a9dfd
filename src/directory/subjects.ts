// What a permission is about, and what it allows: the subjects are Annals' own resources.

export const SUBJECTS = [
  'changes',
  'resources',
  'versions',
  'organizations',
  'memberships',
  'membership_profiles',
  'roles',
  'permissions',
  'api_credentials',
  'application_memberships',
  'identity_providers',
] as const;
export type Subject = (typeof SUBJECTS)[number];

export const VERBS = ['create', 'read', 'update', 'destroy'] as const;
export type Verb = (typeof VERBS)[number];

function isSubject(text: string): text is Subject {
  return (SUBJECTS as readonly string[]).includes(text);
}

/** What a permission calls a type of the directory: whoever may see members may see who they are. */
export function subjectOf(type: string): Subject | undefined {
  if (type === 'users') return 'memberships';
  if (type === 'personal_access_tokens') return 'api_credentials';
  return isSubject(type) ? type : undefined;
}
