// Whether a store may become a copy of another: it has nothing that the other has not.

import { edgeOf } from '../core/merkle.ts';
import type { Tip } from '../core/seal.ts';
import type { Audit } from '../store/audit.ts';
import { isSame } from './reseal.ts';

/** The target has what the source has not: it is no copy of it. */
export class OtherContent extends Error {
  override name = 'OtherContent';

  /** @param what such as `an organization "acme"` */
  constructor(what: string) {
    super(
      `the target has ${what}, which is not in the source; copy into an empty database, or an older copy`,
    );
  }
}

/** Before anything is written. @throws OtherContent */
export async function mustBeCopyOf(source: Audit, target: Audit): Promise<void> {
  const organizations = await source.organizations();
  for (const { id, slug } of await target.organizations()) {
    const isKnown = organizations.some((known) => known.id === id && known.slug === slug);
    if (!isKnown) throw new OtherContent(`an organization "${slug}" (${id})`);
  }
  const secrets = await source.secrets();
  for (const { name, value, until } of await target.secrets()) {
    const known = secrets.find((secret) => secret.name === name);
    // What expires may have expired in the source since an earlier copy.
    if (known === undefined && until !== undefined) continue;
    if (!isSame(known?.value, value)) throw new OtherContent(`a secret "${name}" of its own`);
  }
  for (const log of await target.logs()) await mustBeginAlike(source, await target.tip(log));
}

/** The target's tree must be the source's of the same size. @throws OtherContent */
export async function mustBeginAlike(source: Audit, { log, tree }: Tip): Promise<void> {
  const { size } = (await source.tip(log)).tree;
  if (tree.size > size) {
    throw new OtherContent(`${tree.size} entries in the log ${log}, where the source has ${size}`);
  }
  const edge = await source.nodes(log, edgeOf(tree.size));
  if (edge.some((hash, index) => !isSame(hash, tree.edge[index]))) {
    throw new OtherContent(`other entries in the log ${log}`);
  }
}
