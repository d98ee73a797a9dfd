// The Merkle tree that a store keeps, against RFC 6962 (section 2.1) written down as it stands there.

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { type Hash, nodeHash, rootHash } from '../../core/merkle.ts';
import { appendAll, LogSealer, sha256 } from '../contract-batches.ts';
import { randomChanges } from '../contract-changes.ts';
import { hexOf } from '../contract-model.ts';
import type { Subject } from './subject.ts';

export function nodeSentences(subject: Subject): void {
  const { store, random, hint } = subject;

  it('keeps a tip whose root is that of RFC 6962 over all leaves, at every size', async () => {
    const sealer = new LogSealer(randomUUID(), random());
    for (const change of randomChanges(sealer.random, 70)) {
      await appendAll(store(), sealer, [change]);
      const { tree } = await store().tip(sealer.log);
      const leaves = await leavesOf(sealer.log, tree.size);
      expect(hexOf(rootHash(sha256, tree)), `size ${tree.size}, ${hint}`).toBe(hexOf(treeHash(leaves)));
    }
  });

  it('keeps every complete node, and none that is not complete', async () => {
    const size = 300;
    const sealer = new LogSealer(randomUUID(), random());
    await appendAll(store(), sealer, randomChanges(sealer.random, size), 23);
    const leaves = await leavesOf(sealer.log, size);
    for (let width = 1, level = 0; width <= 512; width *= 2, level++) {
      const count = Math.floor(size / width);
      const names = Array.from({ length: count + 2 }, (_, index) => ({ level, index }));
      const nodes = await store().nodes(sealer.log, names);
      const expected = names.map(({ index }) =>
        index < count ? hexOf(treeHash(leaves.slice(index * width, (index + 1) * width))) : undefined,
      );
      expect(
        nodes.map((hash) => hash && hexOf(hash)),
        `level ${level}, ${hint}`,
      ).toEqual(expected);
    }
  });

  it('gives nodes in the order asked for, undefined where there is none', async () => {
    const sealer = new LogSealer(randomUUID(), random());
    await appendAll(store(), sealer, randomChanges(sealer.random, 4));
    const leaves = await leavesOf(sealer.log, 4);
    const names = [
      [2, 0],
      [0, 3],
      [9, 9],
      [1, 1],
      [0, 3],
    ].map(([level, index]) => ({ level: level!, index: index! }));
    const nodes = await store().nodes(sealer.log, names);
    const expected = [treeHash(leaves), leaves[3]!, undefined, treeHash(leaves.slice(2)), leaves[3]!];
    expect(
      nodes.map((hash) => hash && hexOf(hash)),
      hint,
    ).toEqual(expected.map((hash) => hash && hexOf(hash)));
    expect(await store().nodes(sealer.log, [])).toEqual([]);
  });

  async function leavesOf(log: string, size: number): Promise<Hash[]> {
    const leaves = await store().nodes(
      log,
      Array.from({ length: size }, (_, index) => ({ level: 0, index })),
    );
    return leaves as Hash[];
  }
}

/** MTH of RFC 6962, over leaf hashes. */
function treeHash(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(sha256, treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}
