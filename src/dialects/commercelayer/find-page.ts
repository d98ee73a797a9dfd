// Finds a page of versions, with the exact number of all that match, in one log or in several. What the
// streams can answer is looked up; only what they cannot is walked, a chunk at a time.

import { MAX_INSTANT, MIN_INSTANT, parseInstant } from '../../core/instant.ts';
import { isVersion, type Stream, streamOf, VERSIONS } from '../../core/streams.ts';
import type { Entry, ResourceRef } from '../../core/entry.ts';
import type { Reader } from '../../query/read.ts';
import type { LogId, Range, Selection } from '../../store/store.ts';
import { compareVersions } from './compare.ts';
