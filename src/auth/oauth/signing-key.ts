// The key that signs access tokens: one for the installation, made when it is first needed, and kept
// in the database, where every server on it finds the same.

import type { CryptoKey, JWK } from 'jose';
import type { Store } from '../../store/store.ts';

export const ALGORITHM = 'RS512';

export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  /** The public half, as `/.well-known/jwks.json` shows it. */
  jwk: JWK;
}

export interface KeyRing {
  /** The key; made where there is none yet. */
  key(): Promise<SigningKey>;
  /** The key; undefined where none was ever needed, so that nothing can be signed with it. */
  known(): Promise<SigningKey | undefined>;
}

const NAME = 'access-token-key';
const MODULUS_BITS = 2048;

export function makeKeyRing(store: Pick<Store, 'secret' | 'addSecret'>): KeyRing {
  let found: SigningKey | undefined;
  let making: Promise<SigningKey> | undefined;

  async function known(): Promise<SigningKey | undefined> {
    if (found !== undefined) return found;
    const kept = await store.secret(NAME);
    if (kept !== undefined) found ??= await toSigningKey(kept);
    return found;
  }

  async function make(): Promise<SigningKey> {
    const before = await known();
    if (before !== undefined) return before;
    // Where another server was first, its key counts.
    await store.addSecret(NAME, await newKey());
    const kept = await known();
    if (kept === undefined) throw new Error('the key that was kept cannot be found');
    return kept;
  }

  return {
    known,
    key() {
      making ??= make().finally(() => {
        making = undefined;
      });
      return making;
    },
  };
}

async function newKey(): Promise<Uint8Array> {
  const { exportPKCS8, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair(ALGORITHM, { modulusLength: MODULUS_BITS, extractable: true });
  return new TextEncoder().encode(await exportPKCS8(privateKey));
}

async function toSigningKey(kept: Uint8Array): Promise<SigningKey> {
  const { calculateJwkThumbprint, exportJWK, importJWK, importPKCS8 } = await import('jose');
  const privateKey = await importPKCS8(new TextDecoder().decode(kept), ALGORITHM, { extractable: true });
  const { kty, n, e } = (await exportJWK(privateKey)) as { kty: 'RSA'; n: string; e: string };
  const kid = await calculateJwkThumbprint({ kty, n, e });
  const jwk: JWK = { kty, n, e, kid, alg: ALGORITHM, use: 'sig' };
  return { kid, privateKey, publicKey: (await importJWK(jwk, ALGORITHM)) as CryptoKey, jwk };
}
