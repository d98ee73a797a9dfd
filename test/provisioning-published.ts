// What the published types of the vendor's client say of every resource: which attributes and relationships
// it has, which of them may be given, and what lists are sorted by.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What the client's types say of a resource. */
export interface Described {
  attributes: string[];
  relationships: Record<string, 'one' | 'many'>;
  /** What a list may be sorted by. */
  sortable: string[];
  /** Attributes and relationships that may be given; undefined where there is no such operation. */
  creatable: string[] | undefined;
  updatable: string[] | undefined;
}

const NAMES: Record<string, string> = {
  api_credentials: 'ApiCredential',
  application_memberships: 'ApplicationMembership',
  identity_providers: 'IdentityProvider',
  memberships: 'Membership',
  membership_profiles: 'MembershipProfile',
  organizations: 'Organization',
  permissions: 'Permission',
  roles: 'Role',
  users: 'User',
  versions: 'Version',
};

export const TYPES = Object.keys(NAMES);

const GIVEN = ['reference', 'reference_origin', 'metadata'];
const COMMON = ['created_at', 'updated_at', ...GIVEN];

/** Reads the interfaces of a resource in the client's published types. */
export function describedBy(type: string): Described {
  const text = publishedTypes();
  const name = NAMES[type] as string;
  const described: Described = {
    attributes: [...COMMON],
    relationships: {},
    sortable: ['id', 'created_at', 'updated_at', 'reference', 'reference_origin'],
    creatable: given('Create'),
    updatable: given('Update'),
  };
  for (const [member, kind] of membersOf(`${name} extends Resource`) ?? []) {
    const [, to = '', many] = /^Nullable<(\w+)(\[\])?>$/.exec(kind) ?? [];
    if (Object.values(NAMES).includes(to)) described.relationships[member] = many ? 'many' : 'one';
    else if (member !== 'type') described.attributes.push(member);
  }
  const [, sorted = ''] = new RegExp(`type ${name}Sort = Pick<${name}, ([^>]*)>`).exec(text) ?? [];
  described.sortable.push(...sorted.split(' | ').map((quoted) => quoted.replaceAll("'", '')));
  described.sortable = [...new Set(described.sortable)];
  return described;

  function given(use: 'Create' | 'Update'): string[] | undefined {
    const members =
      membersOf(`${name}${use} extends Resource${use}`) ?? membersOf(`${name}${use} extends Singleton${use}`);
    return members && [...GIVEN, ...members.map(([member]) => member)];
  }

  function membersOf(head: string): [name: string, kind: string][] | undefined {
    const body = new RegExp(`interface ${head} \\{([^}]*)\\}`).exec(text)?.[1];
    if (body === undefined) return undefined;
    return Array.from(body.matchAll(/^ *(?:readonly )?(\w+)\??: (.*);$/gm), ([, member = '', kind = '']) => [
      member,
      kind,
    ]);
  }
}

function publishedTypes(): string {
  const file = createRequire(import.meta.url)
    .resolve('@commercelayer/provisioning-sdk')
    .replace(/\.js$/, '.d.ts');
  return readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
}
