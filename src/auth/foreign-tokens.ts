// Tokens that an organization's identity provider issued (OpenID Connect Core 1.0): who they stand for here.

import type { Principal } from './access.ts';

export interface ForeignTokens {
  /** The member for whom a token stands, and for how long that may be remembered; undefined: nobody. */
  identify(jwt: string): Promise<{ principal: Principal; forMs: number } | undefined>;
}
