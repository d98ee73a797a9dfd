// Differences of two states: pairs by path for readers, a JSON Patch (RFC 6902) for programs, and the
// attributes under which an entry is filed. Pairs and patch are two readings of one edit script.

import { diffArrays } from 'diff';
import type { Changes, State } from './entry.ts';
import { canonicalize, isEqual, type Json, type JsonObject } from './json.ts';
import type { PatchOperation } from './patch.ts';
import { joinPointer } from './pointer.ts';

/**
 * What differs, as `{path: [before, after]}`; null stands for absent as well, and a null state reads
 * like `{}`. Objects are walked; a value that is wholly added or removed, a scalar, and a value that
 * became another kind are one pair at their own path. Members come in the order of their sorted keys,
 * array items from left to right.
 *
 * An array reads as an edit script: an item inserted in the middle is one insertion, an item changed
 * inside is a difference within it. Every index in a path counts in the array after the change; only
 * the last index of a removed item counts in the array before it. A removal and an insertion of the
 * same path are one pair, `[removed, inserted]`; where it is a replaced item that has the path of a
 * removal, its former value is given as removed from the index at which it stood.
 */
export function changesBetween(before: State, after: State): Changes {
  const changes: Changes = {};
  const origins: Origins = new Map();
  for (const edit of editsBetween(before ?? {}, after ?? {})) {
    if (edit.after === undefined) {
      listRemoval(changes, origins, edit.beforePath, edit.before as Json);
      continue;
    }
    const removal = changes[edit.path];
    if (removal === undefined) {
      changes[edit.path] = [edit.before ?? null, edit.after];
      if (edit.before !== undefined && edit.beforePath !== edit.path) origins.set(edit.path, edit.beforePath);
    } else {
      removal[1] = edit.after;
      if (edit.before !== undefined) listRemoval(changes, origins, edit.beforePath, edit.before);
    }
  }
  return changes;
}

/** The JSON Patch (RFC 6902) that makes `after` of `before`: `add`, `remove` and `replace` only. */
export function patchBetween(before: State, after: State): PatchOperation[] {
  if (before === null || after === null) {
    return before === after ? [] : [{ op: 'replace', path: '', value: after }];
  }
  return editsBetween(before, after).map((edit) => {
    if (edit.after === undefined) return { op: 'remove', path: edit.path };
    return { op: edit.before === undefined ? 'add' : 'replace', path: edit.path, value: edit.after };
  });
}

/** The top-level attributes that were added, removed or changed, sorted by UTF-16 code units. */
export function changedAttributes(before: State, after: State): string[] {
  return differingKeys(before ?? {}, after ?? {});
}

/** One step of an edit script. */
interface Edit {
  /** Where the value stands once all steps before this one are done: indexes count in arrays after the change. */
  path: string;
  /** The same with its last index, where it is one, counted in the array before the change. */
  beforePath: string;
  /** undefined: an insertion. */
  before: Json | undefined;
  /** undefined: a removal. */
  after: Json | undefined;
}

interface Script {
  edits: Edit[];
  /** Characters of canonical text written so far to compare array items. */
  compared: number;
}

/** Past this, arrays are paired index by index: nested arrays would be written out again at every level. */
const MAX_COMPARED = 8 * 1024 * 1024;

function editsBetween(before: JsonObject, after: JsonObject): Edit[] {
  const script: Script = { edits: [], compared: 0 };
  walkObjects(script, '', before, after);
  return script.edits;
}

function walk(
  script: Script,
  path: string,
  beforePath: string,
  before: Json | undefined,
  after: Json | undefined,
): void {
  if (before === after) return;
  if (isObject(before) && isObject(after)) walkObjects(script, path, before, after);
  else if (Array.isArray(before) && Array.isArray(after)) walkArrays(script, path, before, after);
  else script.edits.push({ path, beforePath, before, after });
}

function walkObjects(script: Script, path: string, before: JsonObject, after: JsonObject): void {
  for (const key of differingKeys(before, after)) {
    const place = joinPointer(path, key);
    walk(script, place, place, memberOf(before, key), memberOf(after, key));
  }
}

function walkArrays(script: Script, path: string, before: Json[], after: Json[]): void {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && isEqual(before[head] as Json, after[head] as Json)) head++;
  let tail = 0;
  while (tail < shorter - head && isEqual(before.at(-1 - tail) as Json, after.at(-1 - tail) as Json)) tail++;

  // The next item of either array. What stands left of them is done, so `to` is where an edit takes place.
  let from = head;
  let to = head;
  const runs = runsBetween(
    script,
    before.slice(head, before.length - tail),
    after.slice(head, after.length - tail),
  );
  for (const { removed, added, kept } of runs) {
    for (let step = 0; step < Math.max(removed, added); step++) {
      const place = joinPointer(path, to);
      const beforePlace = from === to || step >= removed ? place : joinPointer(path, from);
      const was = step < removed ? before[from++] : undefined;
      const is = step < added ? after[to++] : undefined;
      walk(script, place, beforePlace, was, is);
    }
    from += kept;
    to += kept;
  }
}

/** Items removed, then items added in their place, then items that both arrays have. */
interface Run {
  removed: number;
  added: number;
  kept: number;
}

/**
 * How one array became the other, in as few edits as possible. The cost of that search grows with the
 * square of the edits; so it ends at a number that grows with the root of the items, and arrays that
 * differ more are one run, which reads as pairs index by index. Any array costs linear time.
 */
function runsBetween(script: Script, before: Json[], after: Json[]): Run[] {
  const whole = { removed: before.length, added: after.length, kept: 0 };
  const isPair = before.length === 1 && after.length === 1;
  if (isPair || before.length === 0 || after.length === 0) return [whole];
  if (script.compared > MAX_COMPARED) return [whole];

  const ids = new Map<string, number>();
  const idOf = (item: Json): number => {
    const text = canonicalize(item);
    script.compared += text.length;
    const id = ids.get(text) ?? ids.size;
    if (id === ids.size) ids.set(text, id);
    return id;
  };
  const left = before.map(idOf);
  const known = ids.size;
  const right = after.map(idOf);
  if (right.every((id) => id >= known)) return [whole];
  const maxEditLength = 32 + Math.floor(2 * Math.sqrt(left.length + right.length));
  const parts = diffArrays(left, right, { maxEditLength });
  return parts === undefined ? [whole] : runsOf(parts);
}

function runsOf(parts: { added: boolean; removed: boolean; count: number }[]): Run[] {
  const runs: Run[] = [];
  let run: Run = { removed: 0, added: 0, kept: 0 };
  for (const { added, removed, count } of parts) {
    if (run.kept > 0 && (added || removed)) {
      runs.push(run);
      run = { removed: 0, added: 0, kept: 0 };
    }
    if (added) run.added += count;
    else if (removed) run.removed += count;
    else run.kept += count;
  }
  return [...runs, run];
}

/** The path of a replaced item -> the path at which it stood before, where that is another one. */
type Origins = Map<string, string>;

/** A removal takes the former value's side of its path; a replaced item found there is removed from its origin. */
function listRemoval(changes: Changes, origins: Origins, path: string, removed: Json): void {
  const held = changes[path];
  if (held === undefined) {
    changes[path] = [removed, null];
    return;
  }
  const [displaced] = held;
  held[0] = removed;
  const origin = origins.get(path);
  if (origin !== undefined) listRemoval(changes, origins, origin, displaced);
}

/** The keys of members that differ, sorted. Comparing first keeps paths and edits from being made of what is equal. */
function differingKeys(before: JsonObject, after: JsonObject): string[] {
  const keys: string[] = [];
  for (const key of Object.keys(before)) {
    const [was, is] = [before[key] as Json, memberOf(after, key)];
    if (is === undefined || !isEqual(was, is)) keys.push(key);
  }
  for (const key of Object.keys(after)) {
    if (!Object.hasOwn(before, key)) keys.push(key);
  }
  return keys.length > 1 ? keys.sort() : keys;
}

/** undefined where the object has no such member of its own, whatever its prototype has (`__proto__`, `constructor`). */
function memberOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
