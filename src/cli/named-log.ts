// The logs of a database under the names that people know them by.

import { hash } from 'node:crypto';
import type { Sha256 } from '../core/merkle.ts';
import type { Audit } from '../store/audit.ts';

export interface NamedLog {
  /** The organization's id. */
  id: string;
  /** Its slug; its id where it is not known. */
  slug: string;
}

/** SHA-256 of the runtime: native, synchronous. */
export const sha256: Sha256 = (data) => hash('sha256', data, 'buffer');

export async function namedLogs(audit: Audit): Promise<NamedLog[]> {
  const organizations = await audit.organizations();
  const ids = new Set([...organizations.map(({ id }) => id), ...(await audit.logs())]);
  return [...ids].map((id) => ({
    id,
    slug: organizations.find((known) => known.id === id)?.slug ?? id,
  }));
}
