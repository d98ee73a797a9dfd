// What a connection or a body may take.

/** Bytes of a JSON body. */
export const JSON_BODY_LIMIT = 10 * 1024 * 1024;
/** How long a JSON body, or one line of a stream, may take to arrive. */
export const BODY_TIMEOUT_MS = 60_000;
