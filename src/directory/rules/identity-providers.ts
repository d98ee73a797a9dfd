// An identity provider is trusted with the addresses of its domains, and only through HTTPS: what it says
// opens the organization. On this machine itself, HTTP will do.

import type { Fault } from '../../core/errors.ts';
import { formatInstant, type Instant } from '../../core/instant.ts';
import type { JsonObject } from '../../core/json.ts';
import { ALL_RIGHTS } from '../rights.ts';
import { saltedHash } from '../secrets.ts';
import type { Rules, Step } from './rules.ts';

const URLS = ['issuer', 'token_url', 'authorize_url', 'jwks_url'];
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/;
/** What is verified anew where it changes. */
const IDENTITY = ['issuer', 'jwks_url', 'client_id', 'domains'];

export const identityProviders: Rules = {
  // It can vouch for the address of any member, and so give whatever anyone here may do.
  needs: () => ALL_RIGHTS,
  faults(_scene, { attributes }) {
    const faults: Fault[] = [];
    const add = (name: string, message: string): void => {
      faults.push({ at: 'attributes', name, error: 'invalid', message });
    };
    for (const name of URLS) {
      const url = attributes[name];
      if (typeof url === 'string' && url.trim() !== '' && !isSafeUrl(url)) {
        add(name, 'must be an https URL without credentials and fragment');
      }
    }
    const { domains } = attributes;
    if (
      typeof domains === 'string' &&
      domains.trim() !== '' &&
      !domainsOf(domains).every((one) => DOMAIN.test(one))
    )
      add('domains', 'must be domains separated by commas, such as example.com,example.org');
    return faults;
  },
  complete({ by, sha256, randomBytes, now }, state, { attributes }, before) {
    const { client_secret, ...rest } = state;
    const next: JsonObject = { ...rest };
    if (typeof client_secret === 'string')
      next.client_secret_hash = saltedHash(sha256, client_secret, randomBytes);
    if (typeof next.domains === 'string') next.domains = domainsOf(next.domains).join(',');
    if (before === undefined && by.user !== undefined) next.user_id = by.user;
    if (before === undefined || identityOf(before) !== identityOf(next)) {
      next.status = 'pending';
      delete next.verified_at;
    }
    if (attributes._disable === true) next.disabled_at ??= formatInstant(now());
    if (attributes._enable === true) delete next.disabled_at;
    return next;
  },
};

/** Whom it is trusted to be: what it vouched for before one of these changed counts no more. */
export function identityOf(state: JsonObject): string {
  return JSON.stringify(IDENTITY.map((name) => state[name] ?? null));
}

/**
 * It has vouched for a member, as whom it was then. The first time counts: whose provider was the first
 * comes first where several organizations have the same one.
 */
export function verification(provider: string, identity: string, now: Instant): Step {
  return {
    type: 'identity_providers',
    id: provider,
    change(state) {
      if (state === null || state.status === 'verified' || identityOf(state) !== identity) return state;
      return { ...state, status: 'verified', verified_at: formatInstant(now) };
    },
  };
}

/** The domains of a comma-separated list, in lower case. */
export function domainsOf(text: string): string[] {
  return text.split(',').map((domain) => domain.trim().toLowerCase());
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== '' || password !== '' || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}
