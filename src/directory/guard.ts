// What the directory keeps, nobody else writes: whoever records changes could otherwise make themselves a role.

import { AnnalsError } from '../core/errors.ts';
import type { RecordEach, Record as Recorder } from '../ingest/record.ts';
import { ID_PREFIX, isKeptByDirectory } from './ids.ts';

/** The way into the log for everyone but the directory. It refuses the directory's resources: `reserved`. */
export function outsideDirectory(record: Recorder): Recorder {
  return (log, proposals, requestKey) => {
    for (const [index, { resource }] of proposals.entries()) {
      if (isKeptByDirectory(resource)) return Promise.reject(reserved(resource, index));
    }
    return record(log, proposals, requestKey);
  };
}

/** The same for changes that are recorded each for itself. */
export function eachOutsideDirectory(recordEach: RecordEach): RecordEach {
  return (log, proposals) =>
    recordEach(log, proposals, (resource) => {
      if (isKeptByDirectory(resource)) throw reserved(resource, 0);
    });
}

function reserved({ type, id }: { type: string; id: string }, index: number): AnnalsError {
  const why = `ids of ${type} that begin with "${ID_PREFIX}" are the directory's, which is changed through /api`;
  return new AnnalsError('reserved', `${why}; got ${id}`, {
    field: '/resource/id',
    limit: ID_PREFIX,
    got: id,
    index,
  });
}
