// What a connection or a body may take.

/** Bytes of a JSON body. */
export const JSON_BODY_LIMIT = 10 * 1024 * 1024;

/** What one connection may take, whatever is asked over it. */
export interface ConnectionLimits {
  /** How long the headers of a request, the preface of HTTP/2 or a TLS handshake may take to arrive. */
  headersMs: number;
  /** How often connections are looked through for slow headers. */
  checkMs: number;
  /** How long a body, or one line of a stream, may take to arrive, and a client to read a mebibyte of answers. */
  bodyMs: number;
  /** How long a connection may idle between two requests. */
  keepAliveMs: number;
  headerBytes: number;
  /** HTTP/2: requests at one time over one connection. */
  streams: number;
  /** HTTP/2: bytes of a body that a client may send ahead. */
  windowBytes: number;
  /** How long an HTTP/2 session without requests, or a request that is answered before its body has ended, may take to end. */
  lingerMs: number;
  /** How long connections may take to end once the server stops. */
  stopMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  headersMs: 20_000,
  checkMs: 5_000,
  bodyMs: 60_000,
  keepAliveMs: 72_000,
  headerBytes: 16_384,
  streams: 1_000,
  windowBytes: 256 * 1024,
  lingerMs: 500,
  stopMs: 8_000,
};
