// One port for HTTP/1.1 and HTTP/2, in cleartext or over TLS.
//
// A real http.Server listens, so that its own limits (slow headers, idle connections) hold; each
// connection is looked at before it is given to HTTP/1.1 or to HTTP/2. In cleartext the first bytes
// tell (RFC 9113, section 3.4: prior knowledge), over TLS the protocol that ALPN agreed on.

import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import http2, { type Http2ServerRequest, type ServerHttp2Session } from 'node:http2';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { CONNECTION_LIMITS, type ConnectionLimits } from './limits.ts';

/** Importing it would load Node's HTTP client and WebSockets as well, by the names that it exports: 13 MiB. */
const { createServer } = process.getBuiltinModule('node:http');

/** PEM texts. */
export interface TlsMaterial {
  cert: string | Buffer;
  key: string | Buffer;
}

export interface ListenerOptions {
  /** Undefined: cleartext. */
  tls?: TlsMaterial | undefined;
  limits?: ConnectionLimits | undefined;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Listener {
  /** Makes a server that is yet to listen; Fastify makes one for each address of `localhost`. */
  serverFactory(handler: Handler): Server;
  /** Ends connections once what is under way in them is answered, and those that have said nothing; in `stopMs` all. */
  stop(): void;
}

export function makeListener({ tls, limits = CONNECTION_LIMITS }: ListenerOptions = {}): Listener {
  /** How many streams each session has open. */
  const sessions = new Map<ServerHttp2Session, number>();
  const undecided = new Set<Socket>();
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let isStopping = false;

  return {
    serverFactory(handler) {
      const server = makeHttp1(handler, tls, limits);
      servers.push(server);
      const overHttp2 = makeHttp2(handler, limits);
      overHttp2.on('session', track);
      const event = tls === undefined ? 'connection' : 'secureConnection';
      const overHttp1 = server.listeners(event) as ((socket: Socket) => void)[];
      const decide = (socket: Socket, isHttp2: boolean): void => {
        if (isHttp2) overHttp2.emit('connection', socket);
        else for (const listener of overHttp1) listener.call(server, socket);
      };
      server.removeAllListeners(event);
      server.on(event, (socket: Socket) => {
        if (tls === undefined) sniff(socket, decide);
        else decide(socket, (socket as TLSSocket).alpnProtocol === 'h2');
      });
      server.on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
      return server;
    },
    stop() {
      isStopping = true;
      for (const socket of undecided) socket.destroy();
      for (const session of sessions.keys()) end(session);
      for (const server of servers) if (server.listening) hurry(server);
    },
  };

  /** A connection that is busy when the server closes is closed once it is idle, not when its client has done with it. */
  function hurry(server: Server): void {
    const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
    const late = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, limits.stopMs);
    server.once('close', () => {
      clearInterval(idle);
      clearTimeout(late);
    });
  }

  function track(session: ServerHttp2Session): void {
    const count = (difference: number): void => {
      const open = sessions.get(session);
      if (open !== undefined) sessions.set(session, open + difference);
    };
    sessions.set(session, 0);
    session.once('close', () => sessions.delete(session));
    session.on('stream', (stream) => {
      count(1);
      stream.once('close', () => count(-1));
    });
    session.setTimeout(limits.keepAliveMs, () => {
      if (sessions.get(session) === 0) end(session);
    });
    if (isStopping) end(session);
  }

  /** No new streams; the open ones are finished. Half a frame would keep a session from ending by itself. */
  function end(session: ServerHttp2Session): void {
    if (session.closed) return;
    session.close();
    const timer = setInterval(() => {
      if (sessions.get(session) === 0) session.destroy();
    }, limits.lingerMs);
    session.once('close', () => clearInterval(timer));
  }

  /** Reads as many bytes as it takes to tell, and puts them back. */
  function sniff(socket: Socket, decide: (socket: Socket, isHttp2: boolean) => void): void {
    if (isStopping) return void socket.destroy();
    let seen = Buffer.alloc(0);
    const drop = (): void => void socket.destroy();
    const timer = setTimeout(drop, limits.headersMs);
    const settle = (): void => {
      clearTimeout(timer);
      undecided.delete(socket);
      socket.off('readable', look).off('end', drop).off('error', drop).off('close', settle);
    };
    const look = (): void => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
        seen = Buffer.concat([seen, chunk]);
      const isHttp2 = startsLike(seen, PREFACE);
      if (seen.length === 0 || (isHttp2 && seen.length < PREFACE.length)) return;
      settle();
      socket.unshift(seen);
      decide(socket, isHttp2);
    };
    undecided.add(socket);
    socket.on('readable', look).on('end', drop).on('error', drop).on('close', settle);
  }
}

const CLOSE_IDLE_MS = 20;

/** What a client that knows beforehand that the server speaks HTTP/2 sends first. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function startsLike(bytes: Buffer, wanted: Buffer): boolean {
  const length = Math.min(bytes.length, wanted.length);
  return bytes.subarray(0, length).equals(wanted.subarray(0, length));
}

function makeHttp1(handler: Handler, tls: TlsMaterial | undefined, limits: ConnectionLimits): Server {
  const options: ServerOptions = {
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: limits.headerBytes,
    keepAliveTimeout: limits.keepAliveMs,
    // Streams of lines have no end in time; each body is timed where it is read, or has lingerMs once it is answered.
    requestTimeout: 0,
    keepAlive: true,
    noDelay: true,
  };
  const answer: Handler = (request, response) => {
    // Node's own listener may close the socket, and comes behind this one.
    response.prependOnceListener('finish', () => {
      if (!request.complete) letGo(request, limits.lingerMs);
    });
    handler(request, response);
  };
  if (tls === undefined) return createServer(options, answer);
  const secure = {
    ...options,
    ...tls,
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: limits.headersMs,
  };
  return https.createServer(secure, answer);
}

/**
 * What is answered before its body has ended is read for a moment, and then cut off. A socket that is closed with
 * bytes to read resets its connection, and the client may lose the answer.
 */
function letGo(request: IncomingMessage, lingerMs: number): void {
  const { socket } = request;
  socket.destroySoon = () => void socket.end();
  request.removeAllListeners('readable').resume();
  setTimeout(() => {
    if (!request.complete || socket.writableEnded) socket.destroy();
  }, lingerMs);
}

/** Never listens: it is handed connections. */
function makeHttp2(handler: Handler, limits: ConnectionLimits): http2.Http2Server {
  const settings = {
    maxConcurrentStreams: limits.streams,
    maxHeaderListSize: limits.headerBytes,
    initialWindowSize: limits.windowBytes,
    enablePush: false,
  };
  return http2.createServer({ settings }, (request, response) => {
    request.stream.once('finish', () => {
      // The trailers come behind this, and would be cut off.
      if (!isWhole(request)) setTimeout(() => declineRest(request), limits.lingerMs);
    });
    handler(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
}

/** What is answered before its body has ended needs no more of it (RFC 9113, section 8.1), and must not stay open. */
function declineRest(request: Http2ServerRequest): void {
  if (!isWhole(request)) request.stream.destroy();
}

function isWhole({ stream, complete }: Http2ServerRequest): boolean {
  return stream.endAfterHeaders || complete;
}
