import { beforeEach, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import type { Claims } from './claims.ts';
import { type Issuers, makeIssuers } from './issuers.ts';

const CLAIMS: Claims = {
  issuer: 'https://login.example',
  audiences: ['annals'],
  email: 'ada@acme.example',
  expiresAtSeconds: 0,
};

let states: JsonObject[];
let reads: number;
let takesMs: number;
let nowMs: number;
let issuers: Issuers;

beforeEach(() => {
  states = [{ issuer: CLAIMS.issuer, client_id: 'annals', domains: 'acme.example' }];
  [reads, takesMs, nowMs] = [0, 0, 0];
  const identityProviders = async () => {
    reads += 1;
    nowMs += takesMs;
    return states.map((state, index) => ({
      organization: { id: `organization-${index}`, slug: `${index}`, name: '', createdAt: 0 },
      id: `provider-${index}`,
      state,
    }));
  };
  issuers = makeIssuers({ identityProviders }, () => nowMs);
});

const ids = (): string[] => issuers.vouchingFor(CLAIMS).map(({ id }) => id);

it('knows nobody before it has read, and reads when it is told to', async () => {
  expect(ids()).toEqual([]);
  expect(await issuers.renew()).toBe(true);
  expect(ids()).toEqual(['provider-0']);
});

it('reads once a second at most, however many ask', async () => {
  const together = await Promise.all(Array.from({ length: 50 }, () => issuers.renew()));
  expect(together).toEqual(Array(50).fill(true));
  nowMs += 999;
  expect(await issuers.renew()).toBe(false);
  nowMs += 1;
  expect(await issuers.renew()).toBe(true);
  expect(reads).toBe(2);
});

it('spends no more than a tenth of the time on it', async () => {
  takesMs = 400;
  await issuers.renew();
  nowMs = 3_999;
  expect(await issuers.renew()).toBe(false);
  nowMs = 4_000;
  expect(await issuers.renew()).toBe(true);
});

it('names all that may vouch: by issuer, client and domain, and not disabled', async () => {
  const [right] = states as [JsonObject];
  states = [
    right,
    { ...right, issuer: `${CLAIMS.issuer}/` },
    { ...right, client_id: 'another' },
    { ...right, domains: 'elsewhere.example' },
    { ...right, disabled_at: '2026-01-01T00:00:00.000Z' },
    { ...right, domains: 'elsewhere.example,acme.example' },
  ];
  await issuers.renew();
  expect(ids()).toEqual(['provider-0', 'provider-5']);
});
