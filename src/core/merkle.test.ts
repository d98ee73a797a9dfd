import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  appendLeaf,
  EMPTY_TREE,
  edgeOf,
  type Hash,
  leafHash,
  nodeHash,
  rootHash,
  type Tree,
} from './merkle.ts';

interface Vectors {
  leaves: string[];
  roots: string[];
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../testdata/rfc6962.json', import.meta.url), 'utf8'),
);

const sha256 = (data: Uint8Array): Uint8Array => createHash('sha256').update(data).digest();
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** MTH, as RFC 6962 (section 2.1) defines it: over the data, from the top down, without this module. */
function treeHash(data: readonly Buffer[]): Buffer {
  if (data.length === 0) return createHash('sha256').digest();
  if (data.length === 1) return createHash('sha256').update('\x00').update(data[0]!).digest();
  const split = 2 ** Math.floor(Math.log2(data.length - 1));
  const [left, right] = [treeHash(data.slice(0, split)), treeHash(data.slice(split))];
  return createHash('sha256').update('\x01').update(left).update(right).digest();
}

/** The tree over the data, grown leaf by leaf, and the hash of every complete node by its name. */
function grown(data: readonly Uint8Array[]): { tree: Tree; nodes: Map<string, Hash> } {
  let tree = EMPTY_TREE;
  const nodes = new Map<string, Hash>();
  data.forEach((leaf, index) => {
    const hash = leafHash(sha256, leaf);
    const step = appendLeaf(sha256, tree, hash);
    nodes.set(`0/${index}`, hash);
    for (const node of step.nodes) nodes.set(`${node.level}/${node.index}`, node.hash);
    tree = step.tree;
  });
  return { tree, nodes };
}

function someData(size: number): Buffer[] {
  return Array.from({ length: size }, (_, index) => Buffer.from(`leaf ${index}`));
}

describe('the vectors of Certificate Transparency', () => {
  const data = vectors.leaves.map((leaf) => Buffer.from(leaf, 'hex'));

  it.each(vectors.roots.map((root, size) => ({ size, root })))(
    'has the root of size $size',
    ({ size, root }) => {
      expect(hexOf(treeHash(data.slice(0, size)))).toBe(root);
      expect(hexOf(rootHash(sha256, grown(data.slice(0, size)).tree))).toBe(root);
    },
  );
});

describe('hashes', () => {
  it('sets leaves apart from nodes, and left from right', () => {
    const [left, right] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const asLeaf = leafHash(sha256, Buffer.concat([left, right]));
    const hashes = [asLeaf, nodeHash(sha256, left, right), nodeHash(sha256, right, left)].map(hexOf);
    expect(new Set(hashes).size).toBe(3);
  });

  it('takes leaves of any length', () => {
    for (const length of [0, 1, 63, 64, 65, 100_000]) {
      const data = Buffer.alloc(length, 7);
      expect(hexOf(leafHash(sha256, data))).toBe(hexOf(treeHash([data])));
    }
  });
});

describe('appending leaves', () => {
  it('has the root of RFC 6962 at every size', () => {
    const data = someData(130);
    for (let size = 0; size <= data.length; size++) {
      const { tree } = grown(data.slice(0, size));
      expect(tree.size).toBe(size);
      expect(hexOf(rootHash(sha256, tree)), `size ${size}`).toBe(hexOf(treeHash(data.slice(0, size))));
    }
  });

  it('completes every node once, lowest first', () => {
    const data = someData(75);
    const { nodes } = grown(data);
    const expected = new Map<string, string>();
    for (let level = 0, width = 1; width <= data.length; level++, width *= 2) {
      for (let index = 0; (index + 1) * width <= data.length; index++) {
        expected.set(`${level}/${index}`, hexOf(treeHash(data.slice(index * width, (index + 1) * width))));
      }
    }
    const hexes = [...nodes].map(([name, hash]) => [name, hexOf(hash)]);
    expect(Object.fromEntries(hexes)).toEqual(Object.fromEntries(expected));
    const last = appendLeaf(sha256, grown(someData(7)).tree, leafHash(sha256, Buffer.from('leaf 7')));
    expect(last.nodes.map(({ level, index }) => ({ level, index }))).toEqual([
      { level: 1, index: 3 },
      { level: 2, index: 1 },
      { level: 3, index: 0 },
    ]);
  });

  it('leaves the tree that it was given as it was', () => {
    const { tree } = grown(someData(7));
    const before = { size: tree.size, edge: tree.edge.map(hexOf) };
    appendLeaf(sha256, tree, leafHash(sha256, Buffer.from('more')));
    expect({ size: tree.size, edge: tree.edge.map(hexOf) }).toEqual(before);
  });

  it('grows a tree whose size is beyond 32 bits', () => {
    const size = 2 ** 40 - 1;
    const edge = edgeOf(size).map(({ level }) => Buffer.alloc(32, level));
    const { tree, nodes } = appendLeaf(sha256, { size, edge }, Buffer.alloc(32, 99));
    expect(tree).toMatchObject({ size: 2 ** 40, edge: [nodes.at(-1)!.hash] });
    expect(nodes).toHaveLength(40);
    expect(nodes[0]).toMatchObject({ level: 1, index: 2 ** 39 - 1 });
    expect(nodes.at(-1)).toMatchObject({ level: 40, index: 0 });
  });
});

describe('the names of an edge', () => {
  it('names the complete nodes whose hashes the edge has, at every size', () => {
    const data = someData(130);
    const { nodes } = grown(data);
    for (let size = 0; size <= data.length; size++) {
      const { edge } = grown(data.slice(0, size)).tree;
      const named = edgeOf(size).map(({ level, index }) => hexOf(nodes.get(`${level}/${index}`)!));
      expect(named, `size ${size}`).toEqual(edge.map(hexOf));
    }
  });

  it('covers sizes up to 2^53 - 1, from left to right without a gap', () => {
    const sizes = Array.from({ length: 53 }, (_, power) => 2 ** power);
    for (const size of [...sizes, ...sizes.map((power) => power - 1), 2 ** 53 - 1, 1e15 + 12345]) {
      const names = edgeOf(size);
      let covered = 0;
      for (const { level, index } of names) {
        expect(index * 2 ** level, `size ${size}`).toBe(covered);
        covered += 2 ** level;
      }
      expect(covered).toBe(size);
      expect(names.length, `size ${size}`).toBe([...size.toString(2)].filter((bit) => bit === '1').length);
    }
  });
});
