import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalize, type Json } from './json.ts';
import { leafHash } from './merkle.ts';
import {
  leafBytes,
  SECTION_NAMES,
  type SectionName,
  sectionDigest,
  subjectText,
  toBase64,
} from './section.ts';

interface Vectors {
  log: string;
  entries: {
    name: string;
    sections: Partial<Record<SectionName, { text: string; utf8: string; salt: string; digest: string }>>;
    leaf: string;
    leafUtf8: string;
    leafHash: string;
  }[];
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../testdata/hashing.json', import.meta.url), 'utf8'),
);

const sha256 = (data: Uint8Array): Uint8Array => createHash('sha256').update(data).digest();
const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');
const parse = (text: string): Json => JSON.parse(text);

describe('the golden vectors of hashing', () => {
  it.each(vectors.entries)('digests every section of $name', ({ sections }) => {
    for (const [name, { text, utf8, salt, digest }] of Object.entries(sections)) {
      expect(Buffer.from(text).toString('hex'), name).toBe(utf8);
      expect(canonicalize(parse(text)), name).toBe(text);
      expect(toBase64(sectionDigest(sha256, Buffer.from(salt, 'hex'), text)), name).toBe(digest);
    }
  });

  it.each(vectors.entries)(
    'writes and hashes the leaf of $name',
    ({ sections, leaf, leafUtf8, ...golden }) => {
      const { position, recordedAt } = JSON.parse(leaf);
      const digests = Object.fromEntries(
        Object.entries(sections).map(([name, { digest }]) => [name, fromBase64(digest)]),
      );
      const micros = Date.parse(recordedAt) * 1000 + Number(/\.\d{3}(\d{3})Z/.exec(recordedAt)?.[1] ?? 0);
      const bytes = leafBytes({ log: vectors.log, position, recordedAt: micros, digests });
      expect(Buffer.from(bytes).toString()).toBe(leaf);
      expect(Buffer.from(bytes).toString('hex')).toBe(leafUtf8);
      expect(toBase64(leafHash(sha256, bytes))).toBe(golden.leafHash);
    },
  );
});

describe('the subject', () => {
  const subject = {
    id: '018f0000-0000-7000-8000-000000000001',
    occurredAt: 1_000_001,
    resource: { type: 'countries', id: 'CHE' },
    action: 'update',
    related: [],
    version: 3,
    continuity: 'gap',
  } as const;

  it('leaves out an absent event, an absent name and an empty list of related resources', () => {
    expect(subjectText(subject)).toBe(
      '{"action":"update","continuity":"gap","id":"018f0000-0000-7000-8000-000000000001",' +
        '"occurredAt":"1970-01-01T00:00:01.000001Z","resource":{"id":"CHE","type":"countries"},"version":3}',
    );
  });

  it('has event, name and related resources where they are present, the latter in their order', () => {
    const related = [
      { type: 'z', id: '1' },
      { type: 'a', id: '2' },
    ];
    const whole = { ...subject, event: 'e', resource: { ...subject.resource, name: 'Schweiz' }, related };
    expect(JSON.parse(subjectText(whole))).toMatchObject({
      event: 'e',
      resource: { name: 'Schweiz' },
      related,
    });
  });

  it('keeps of a related resource its type and id alone', () => {
    const related = [{ type: 'a', id: '1', name: 'not hashed' }];
    expect(JSON.parse(subjectText({ ...subject, related })).related).toEqual([{ type: 'a', id: '1' }]);
  });
});

describe('section digests', () => {
  const salt = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

  it('hashes the salt and the UTF-8 of texts of any length and script, in any order', () => {
    const texts = [
      '',
      '"a"',
      `"${'x'.repeat(100_000)}"`,
      '"狐🦊ß"',
      '狐'.repeat(70_000),
      '""',
      'y'.repeat(2_000_000),
    ];
    for (const text of [...texts, ...texts.toReversed()]) {
      const expected = createHash('sha256').update(salt).update(text, 'utf8').digest('hex');
      expect(Buffer.from(sectionDigest(sha256, salt, text)).toString('hex')).toBe(expected);
    }
  });

  it('differs with the salt', () => {
    const other = Buffer.alloc(16, 9);
    expect(toBase64(sectionDigest(sha256, salt, '{}'))).not.toBe(
      toBase64(sectionDigest(sha256, other, '{}')),
    );
  });
});

describe('the leaf', () => {
  const log = '0b4e1f7c-2f0d-4c53-9a3e-6d1f6a1c2b3d';

  it('is canonical JSON whatever sections a record has', () => {
    for (let mask = 1; mask < 2 ** SECTION_NAMES.length; mask++) {
      const present = SECTION_NAMES.filter((_, bit) => (mask & (1 << bit)) !== 0);
      const digests = Object.fromEntries(
        present.map((name, index) => [name, Buffer.alloc(32, index * 40 + 7)]),
      );
      const leaf = Buffer.from(
        leafBytes({ log, position: 2 ** 40 + mask, recordedAt: mask, digests }),
      ).toString();
      expect(leaf).toBe(canonicalize(parse(leaf)));
      expect(JSON.parse(leaf)).toMatchObject({ v: 1, log, position: 2 ** 40 + mask });
      expect(Object.keys(JSON.parse(leaf).sections)).toEqual(present.toSorted());
    }
  });

  it('is canonical JSON whatever the name of the log', () => {
    const leaf = Buffer.from(
      leafBytes({ log: '"狐\\\n', position: 0, recordedAt: 0, digests: {} }),
    ).toString();
    expect(leaf).toBe(canonicalize(parse(leaf)));
    expect(JSON.parse(leaf).log).toBe('"狐\\\n');
  });
});

describe('base64', () => {
  it('is that of RFC 4648 with padding, for bytes of any number and value', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length * 11) % 256);
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    }
    const all = Uint8Array.from({ length: 65_536 }, (_, index) =>
      index % 2 === 0 ? index >> 8 : index % 256,
    );
    expect(toBase64(all)).toBe(Buffer.from(all).toString('base64'));
  });
});
