// The documents tell the truth where a machine can see it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERROR_STATUS } from '../src/core/errors.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function markdownFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

const DOCUMENTS = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'bench', 'testdata', 'src'].flatMap(markdownFiles),
];

describe('the documents', () => {
  it('name every error code with its status', () => {
    const text = read('docs/reference/errors.md');
    for (const [code, status] of Object.entries(ERROR_STATUS))
      expect(text).toContain(`| \`${code}\` | ${status} |`);
  });

  it('name every setting that the configuration reads', () => {
    const settings = new Set(read('src/config.ts').match(/ANNALS_[A-Z_]+/g));
    const text = read('docs/reference/configuration.md');
    expect(settings.size).toBeGreaterThan(5);
    for (const setting of settings) expect(text).toContain(`\`${setting}\``);
  });

  it.each(DOCUMENTS)('%s links to files that exist', (document) => {
    const links = [...read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)].map(
      ([, link]) => link as string,
    );
    for (const link of links) expect(existsSync(join(root, dirname(document), link)), link).toBe(true);
  });

  it('keep the environment in config.ts alone', () => {
    const readers = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes('contract'))
      .filter((name) => read(join('src', name)).includes('process.env'));
    expect(readers).toEqual(['config.ts']);
  });
});
