import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../store/contract-batches.ts';
import { logOfSecret, makeSecret, saltedHash, secretHash } from './secrets.ts';

const LOG = '0192f3a4-5b6c-7d8e-9f00-112233445566';
const zeros = (length: number): Uint8Array => new Uint8Array(length);

describe('a secret', () => {
  it('says which log it belongs to', () => {
    for (let number = 0; number < 100; number++) {
      const log = randomUUID();
      expect(logOfSecret(makeSecret(log, randomBytes))).toBe(log);
    }
    // Its holders keep it for years.
    expect(makeSecret(LOG, zeros)).toBe(`annals_AZLzpFtsfY6fABEiM0RVZg${'A'.repeat(42)}`);
    expect(logOfSecret(`annals_AZLzpFtsfY6fABEiM0RVZg${'A'.repeat(42)}`)).toBe(LOG);
  });

  it('has 256 random bits, and is another one each time', () => {
    const asked: number[] = [];
    makeSecret(LOG, (length) => {
      asked.push(length);
      return zeros(length);
    });
    expect(asked).toEqual([32]);
    const made = Array.from({ length: 100 }, () => makeSecret(LOG, randomBytes));
    expect(new Set(made).size).toBe(100);
  });

  it.each([
    '',
    'annals_',
    'annals_unknown',
    `annals_${'A'.repeat(63)}`,
    `annals_${'A'.repeat(65)}`,
    `annals_${'A'.repeat(63)}=`,
    `Annals_${'A'.repeat(64)}`,
    ` annals_${'A'.repeat(64)}`,
    `annals_${'A'.repeat(64)}\n`,
    `root_${'A'.repeat(66)}`,
  ])('is not %j', (text) => {
    expect(logOfSecret(text)).toBeUndefined();
  });

  it('is kept as its SHA-256', () => {
    expect(secretHash(sha256, 'abc')).toBe('ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=');
  });
});

describe('a secret that others chose', () => {
  it('looks different each time, and can be checked with its salt', () => {
    const [first, second] = [1, 2].map(() => saltedHash(sha256, 'chosen', randomBytes)) as [string, string];
    expect(first).not.toBe(second);
    const [salt, kept] = first.split(':') as [string, string];
    expect(Buffer.from(salt, 'base64')).toHaveLength(16);
    expect(kept).toBe(secretHash(sha256, `${salt}chosen`));
    expect(first).not.toContain('chosen');
  });
});
