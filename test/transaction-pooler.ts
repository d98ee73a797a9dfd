// A connection pooler in transaction mode, as PgBouncer is, and stricter: whatever a client sends up to
// a Sync goes to any connection that is free, another one each time, unless a transaction is open. What
// needs a session, such as a named statement or SET, does not survive here.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';

export interface Pooler {
  /** The database's URL, by way of the pooler. */
  url: string;
  close(): Promise<void>;
}

/** Message types of the protocol, version 3. */
const SYNC = 0x53; // S
const SIMPLE_QUERY = 0x51; // Q
const TERMINATE = 0x58; // X
const READY = 0x5a; // Z
const IDLE = 0x49; // I

const BACKENDS = 4;

/** A message with its type and length, as it came. */
function* messagesOf(buffer: Buffer): Generator<Buffer> {
  for (let at = 0; at + 5 <= buffer.length; ) {
    const end = at + 1 + buffer.readInt32BE(at + 1);
    if (end > buffer.length) return;
    yield buffer.subarray(at, end);
    at = end;
  }
}

/** Cuts a stream of bytes into messages. */
class Messages {
  #rest = Buffer.alloc(0);

  take(chunk: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const messages = [...messagesOf(this.#rest)];
    this.#rest = this.#rest.subarray(messages.reduce((sum, { length }) => sum + length, 0));
    return messages;
  }
}

interface Backend {
  socket: Socket;
  client: Client | undefined;
}

interface Client {
  socket: Socket;
  /** Messages up to a Sync, complete ones first. */
  units: Buffer[][];
  backend: Backend | undefined;
  isInTransaction: boolean;
  isWaiting: boolean;
}

export async function startPooler(databaseUrl: string): Promise<Pooler> {
  const { hostname, port, username, pathname } = new URL(databaseUrl);
  const backends: Backend[] = [];
  const waiting: Client[] = [];
  const greeting: Buffer[] = [];
  for (let index = 0; index < BACKENDS; index++) {
    const socket = connectTo({ port: Number(port), host: hostname, noDelay: true });
    const messages = new Messages();
    const backend: Backend = { socket, client: undefined };
    socket.write(startup({ user: username, database: pathname.slice(1) }));
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        // One write for what came together.
        const receiver = backend.client?.socket;
        receiver?.cork();
        process.nextTick(() => receiver?.uncork());
        for (const message of messages.take(chunk)) {
          if (backends.includes(backend)) fromBackend(backend, message);
          else {
            if (index === 0) greeting.push(message);
            if (message[0] === READY) backends.push(backend);
          }
        }
        if (backends.includes(backend)) resolve();
      });
    });
  }

  function fromBackend(backend: Backend, message: Buffer): void {
    const { client } = backend;
    client?.socket.write(message);
    if (message[0] !== READY || client === undefined) return;
    client.isInTransaction = message[5] !== IDLE;
    client.isWaiting = false;
    if (!client.isInTransaction) {
      client.backend = undefined;
      backend.client = undefined;
      // To the end of the line: the next one to use is another.
      backends.push(...backends.splice(backends.indexOf(backend), 1));
    }
    forward(client);
    const next = waiting.shift();
    if (next !== undefined) forward(next);
  }

  function forward(client: Client): void {
    if (client.isWaiting) return;
    const [unit] = client.units;
    const last = unit?.at(-1)?.[0];
    if (unit === undefined || (last !== SYNC && last !== SIMPLE_QUERY)) return;
    const backend = client.backend ?? backends.find((candidate) => candidate.client === undefined);
    if (backend === undefined) {
      if (!waiting.includes(client)) waiting.push(client);
      return;
    }
    client.units.shift();
    client.isWaiting = true;
    client.backend = backend;
    backend.client = client;
    backend.socket.write(Buffer.concat(unit));
  }

  const server: Server = createServer({ noDelay: true }, (socket) => {
    const client: Client = {
      socket,
      units: [],
      backend: undefined,
      isInTransaction: false,
      isWaiting: false,
    };
    const messages = new Messages();
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(Buffer.concat(greeting));
      socket.on('data', (chunk: Buffer) => {
        for (const message of messages.take(chunk)) {
          if (message[0] === TERMINATE) return void socket.end();
          const open = client.units.at(-1);
          const lastType = open?.at(-1)?.[0];
          if (open === undefined || lastType === SYNC || lastType === SIMPLE_QUERY)
            client.units.push([message]);
          else open.push(message);
          forward(client);
        }
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.toString(),
    async close() {
      for (const { socket } of backends) socket.destroy();
      server.close();
    },
  };
}

function startup(parameters: Record<string, string>): Buffer {
  const text = `${Object.entries(parameters).flat().join('\0')}\0\0`;
  const buffer = Buffer.alloc(8 + Buffer.byteLength(text));
  buffer.writeInt32BE(buffer.length, 0);
  buffer.writeInt32BE(196_608, 4);
  buffer.write(text, 8);
  return buffer;
}
