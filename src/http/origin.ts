// Where a client reached us, as it sees it: what absolute links and the issuer of tokens are built from.

import type { FastifyRequest } from 'fastify';

/** A host name or address, with or without a port. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** The request's own origin, such as `https://annals.example`; the local address where it names no host. */
export function originOf(request: FastifyRequest): string {
  const { host, protocol, socket } = request;
  if (HOST.test(host)) return `${protocol}://${host}`;
  const address = socket.localAddress ?? '127.0.0.1';
  return `${protocol}://${address.includes(':') ? `[${address}]` : address}:${socket.localPort ?? 80}`;
}
