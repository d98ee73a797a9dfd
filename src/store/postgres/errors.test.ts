import { describe, expect, it } from 'vitest';
import { isWithoutPartition } from './errors.ts';

describe('a missing partition', () => {
  it('is recognised in whatever language the server speaks', () => {
    const noPartition = { severity: 'FEHLER', code: '23514', routine: 'ExecFindPartition' };
    const message = 'keine Partition von Relation »entries« für die Zeile gefunden';
    expect(isWithoutPartition({ ...noPartition, message, constraint: undefined })).toBe(true);
  });

  it('is no violated constraint, and no other failure', () => {
    const message = 'new row for relation "entries_2026" violates check constraint "entries_action_check"';
    const violated = { severity: 'ERROR', code: '23514', message, constraint: 'entries_action_check' };
    expect(isWithoutPartition(violated)).toBe(false);
    expect(isWithoutPartition({ severity: 'ERROR', code: '40001' })).toBe(false);
    expect(isWithoutPartition(new Error('Connection terminated unexpectedly'))).toBe(false);
  });
});
