import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommitWatch } from './commit-watch.ts';

describe('a watch for commits', () => {
  let folder = '';
  let path = '';
  let writer: DatabaseSync;
  let watch: CommitWatch;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'annals-'));
    path = join(folder, 'a.db');
    writer = new DatabaseSync(path);
    writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)');
    watch = new CommitWatch(path);
  });

  afterEach(() => {
    watch.close();
    writer.close();
    rmSync(folder, { recursive: true });
  });

  it('says the same as long as nothing is committed', () => {
    const before = watch.look();
    expect(before).toBeTypeOf('number');
    writer.exec('SELECT count(*) FROM t');
    expect(watch.look()).toBe(before);
  });

  it('says something else after every commit', () => {
    const seen = new Set([watch.look()]);
    for (let commit = 0; commit < 50; commit++) {
      writer.exec('INSERT INTO t VALUES (1)');
      seen.add(watch.look());
    }
    expect(seen.size).toBe(51);
  });

  it('does not take what was rolled back for a commit, nor what is not committed yet', () => {
    const before = watch.look();
    writer.exec('BEGIN; INSERT INTO t VALUES (1)');
    expect(watch.look()).toBe(before);
    writer.exec('ROLLBACK');
    expect(watch.look()).toBe(before);
  });

  it('sees a commit when the write-ahead log has begun anew since', () => {
    writer.exec('INSERT INTO t VALUES (1)');
    const before = watch.look();
    writer.exec('PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (1)');
    expect(watch.look()).not.toBe(before);
  });

  it('sees the commits of another process', () => {
    const before = watch.look();
    inAnotherProcess('BEGIN; INSERT INTO t VALUES (2); ROLLBACK');
    expect(watch.look()).toBe(before);
    inAnotherProcess('INSERT INTO t VALUES (2)');
    expect(watch.look()).not.toBe(before);
  });

  it('holds up no checkpoint', () => {
    writer.exec('INSERT INTO t VALUES (1)');
    watch.look();
    const { busy } = writer.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
    expect(busy).toBe(0);
  });

  it('does not say where there is no database, and does once there is one', () => {
    const later = join(folder, 'later.db');
    const early = new CommitWatch(later);
    expect(early.look()).toBeUndefined();
    const made = new DatabaseSync(later);
    made.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)');
    expect(early.look()).toBeTypeOf('number');
    early.close();
    made.close();
  });

  it('says nothing after it was closed, however often', () => {
    watch.close();
    watch.close();
    expect(watch.look()).toBeUndefined();
  });

  function inAnotherProcess(sql: string): void {
    const script = `new (require('node:sqlite').DatabaseSync)(process.argv[1]).exec(process.argv[2])`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', script, path, sql], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  }
});
