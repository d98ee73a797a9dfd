// Which identity providers may vouch for a token, over all organizations, by its issuer.
//
// The table is made of what the logs say and is no truth of its own: who finds a provider here looks at it
// in its organization's view. Making it costs one read of the store for each organization (1,000 of them
// with SQLite: half a second on two busy cores, beside other requests); looking into it costs nothing. So it
// is made anew only where a token found nobody, and so seldom that tokens which nobody issued cannot take
// more than a tenth of the time. It holds providers, not views: those of all organizations would drive out
// of memory the ones that are in use.

import type { Directory, Provider } from '../../directory/directory.ts';
import { type Claims, isVouching } from './claims.ts';

export interface Issuers {
  /** As far as is known. */
  vouchingFor(claims: Claims): Provider[];
  /** Reads all anew; false where that was done a moment ago. */
  renew(): Promise<boolean>;
}

const LEAST_PAUSE_MS = 1_000;
const PAUSES_PER_READ = 10;

export function makeIssuers(directory: Pick<Directory, 'identityProviders'>, nowMs: () => number): Issuers {
  let byIssuer = new Map<string, Provider[]>();
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<boolean> | undefined;

  async function read(): Promise<boolean> {
    const startedAtMs = nowMs();
    const found = new Map<string, Provider[]>();
    for (const provider of await directory.identityProviders()) {
      const issuer = String(provider.state.issuer);
      const others = found.get(issuer);
      if (others === undefined) found.set(issuer, [provider]);
      else others.push(provider);
    }
    byIssuer = found;
    notBeforeMs = startedAtMs + Math.max(LEAST_PAUSE_MS, PAUSES_PER_READ * (nowMs() - startedAtMs));
    return true;
  }

  return {
    vouchingFor: (claims) =>
      (byIssuer.get(claims.issuer) ?? []).filter(({ state }) => isVouching(state, claims)),
    async renew() {
      if (reading === undefined && nowMs() < notBeforeMs) return false;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}
