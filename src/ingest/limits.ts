// Every limit on input, in one place. Characters are Unicode code points everywhere, as in JSON Schema
// and in PostgreSQL: one outside the Basic Multilingual Plane, such as an emoji, counts as one.

/** A JSON body of one request. A stream of lines may be of any length. */
export const BODY_BYTES = 10 * 1024 * 1024;
/** Changes in one array. */
export const MOST_CHANGES = 5_000;
/** One change: its line, its body, or its canonical text where it came in an array. */
export const CHANGE_BYTES = 1024 * 1024;

/** Objects and arrays inside one another in a state; the state itself is level 1. */
export const STATE_LEVELS = 64;
/** The same in any JSON text: a state, and what may be around it. Every recursion over input relies on it. */
export const JSON_LEVELS = STATE_LEVELS + 8;

/** Resource types, ids of resources and actors, and event names: at least one character, at most these. */
export const ID_CHARACTERS = 200;
/** Display names, and the other short texts of an actor. */
export const LABEL_CHARACTERS = 500;
export const URL_CHARACTERS = 2_000;
export const USER_AGENT_CHARACTERS = 2_000;
export const REQUEST_ID_CHARACTERS = 500;
export const TRACEPARENT_CHARACTERS = 200;

/** Related resources of one change, counted before duplicates are dropped. */
export const MOST_RELATED = 100;

/** What an error repeats of the input. */
export const GOT_CHARACTERS = 80;
/** The JSON Pointer by which an error names a field; a longer one is cut to an ancestor. */
export const POINTER_CHARACTERS = 500;

/** The text, cut to what an error may repeat; never in the middle of a surrogate pair. */
export function abbreviate(text: string): string {
  if (text.length <= GOT_CHARACTERS) return text;
  return `${text.slice(0, GOT_CHARACTERS - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The pointer, or where it is too long to be read aloud, that of an ancestor. */
export function shorten(pointer: string, characters: number = POINTER_CHARACTERS): string {
  return pointer.length <= characters ? pointer : pointer.slice(0, pointer.lastIndexOf('/', characters));
}
