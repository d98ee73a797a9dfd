import { describe, expect, it } from 'vitest';
import type { Change, Receipt } from '../core/entry.ts';
import type { Proposal } from '../ingest/proposal.ts';
import { outsideDirectory } from './guard.ts';

const LOG = '00000000-0000-7000-8000-000000000001';
const RECEIPTS = [{ position: 7 }] as Receipt[];

function change(type: string, id: string): Change {
  return {
    id: '00000000-0000-7000-8000-000000000002',
    resource: { type, id },
    action: 'create',
    actor: { type: 'user', id: 'ada' },
    after: { kind: 'admin' },
  };
}

/** A way into the log behind the guard, and what came through. */
function guarded() {
  const recorded: unknown[][] = [];
  const record = outsideDirectory(async (...given) => {
    recorded.push(given);
    return RECEIPTS;
  });
  return { record, recorded };
}

describe('the way into the log for all but the directory', () => {
  it('hands on what is not the directory’s, as it is', async () => {
    const { record, recorded } = guarded();
    const proposals = [change('orders', 'dir_abcdefghij'), change('roles', 'editor')];
    const key = { key: 'key', fingerprint: 'print' };
    expect(await record(LOG, proposals, key)).toBe(RECEIPTS);
    expect(recorded).toEqual([[LOG, proposals, key]]);
    expect(await record(LOG, [])).toBe(RECEIPTS);
  });

  it('refuses a change of a resource of the directory, and hands on nothing', async () => {
    const { record, recorded } = guarded();
    await expect(record(LOG, [change('roles', 'dir_abcdefghij')])).rejects.toMatchObject({
      code: 'reserved',
      status: 403,
      facts: { field: '/resource/id', limit: 'dir_', got: 'dir_abcdefghij', index: 0 },
    });
    expect(recorded).toEqual([]);
  });

  it('refuses it wherever it stands among others, and says where', async () => {
    const { record, recorded } = guarded();
    const proposals = [change('orders', '1'), change('orders', '2'), change('users', 'dir_x')];
    await expect(record(LOG, proposals)).rejects.toMatchObject({ code: 'reserved', facts: { index: 2 } });
    expect(recorded).toEqual([]);
  });

  it('refuses a state before the latest one is looked at', async () => {
    const { record } = guarded();
    const proposal: Proposal = {
      resource: { type: 'api_credentials', id: 'dir_x' },
      derive: () => {
        throw new Error('it was asked');
      },
    };
    await expect(record(LOG, [proposal])).rejects.toMatchObject({ code: 'reserved' });
  });
});
