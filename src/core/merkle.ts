// The Merkle tree of a log (RFC 6962, section 2.1), grown at its right edge. Hash forms are for ever.
//
// A node is named by its level (0 is the leaves) and its index within the level. Only complete nodes
// are stored: the node (level, index) covers the leaves from index * 2^level on and never changes.

import { scratch } from './scratch.ts';

/** SHA-256, handed in: synchronous, native on a server, anything equal in a browser. It must not keep its input. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

/** A 32-byte hash. */
export type Hash = Uint8Array;

/** Size and root of a log; `edge` holds the roots of the complete subtrees that make it up, largest first. */
export interface Tree {
  size: number;
  edge: Hash[];
}

/** A complete node above the leaves. */
export interface Node {
  level: number;
  index: number;
  hash: Hash;
}

export const EMPTY_TREE: Tree = { size: 0, edge: [] };

/** RFC 6962: SHA-256(0x00 || leaf). */
export function leafHash(sha256: Sha256, leaf: Uint8Array): Hash {
  const data = scratch(leaf.length + 1);
  data[0] = 0;
  data.set(leaf, 1);
  return sha256(data.subarray(0, leaf.length + 1));
}

/** RFC 6962: SHA-256(0x01 || left || right). */
export function nodeHash(sha256: Sha256, left: Hash, right: Hash): Hash {
  const data = scratch(65);
  data[0] = 1;
  data.set(left, 1);
  data.set(right, 33);
  return sha256(data.subarray(0, 65));
}

/** Appends one leaf hash: the grown tree, and the nodes above the leaves that this completed, lowest first. */
export function appendLeaf(sha256: Sha256, tree: Tree, leaf: Hash): { tree: Tree; nodes: Node[] } {
  const edge = tree.edge.slice();
  const nodes: Node[] = [];
  let hash = leaf;
  let level = 0;
  // Each trailing 1 bit of the size is a complete subtree that the new leaf completes to a larger one.
  for (let rest = tree.size; rest % 2 === 1; rest = (rest - 1) / 2) {
    hash = nodeHash(sha256, edge.pop() as Hash, hash);
    level += 1;
    nodes.push({ level, index: (rest - 1) / 2, hash });
  }
  edge.push(hash);
  return { tree: { size: tree.size + 1, edge }, nodes };
}

/** The root: the edge folded from its right end. The root of the empty tree is SHA-256 of nothing. */
export function rootHash(sha256: Sha256, tree: Tree): Hash {
  if (tree.edge.length === 0) return sha256(new Uint8Array(0));
  let hash = tree.edge[tree.edge.length - 1] as Hash;
  for (let index = tree.edge.length - 2; index >= 0; index--) {
    hash = nodeHash(sha256, tree.edge[index] as Hash, hash);
  }
  return hash;
}

/** The names of the complete subtrees that make up a tree of this size, largest first: its edge. */
export function edgeOf(size: number): { level: number; index: number }[] {
  const names: { level: number; index: number }[] = [];
  let covered = 0;
  for (let level = Math.max(0, Math.floor(Math.log2(size))); level >= 0; level--) {
    const width = 2 ** level;
    if (covered + width > size) continue;
    names.push({ level, index: covered / width });
    covered += width;
  }
  return names;
}
