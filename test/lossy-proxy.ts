// A TCP proxy in front of a database, or of a server, that can lose replies: the request is heard and done,
// and the client's connection ends before the answer.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface LossyProxy {
  /** The URL, by way of the proxy. */
  url: string;
  /** From now on requests with this text in them get no answer: their connection ends instead. */
  loseRepliesTo(text: string): void;
  /** Replies pass again. */
  heal(): void;
  /** How many replies were lost. */
  lost(): number;
  close(): void;
}

export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let doomed: string | undefined;
  let lost = 0;

  const server = createServer({ noDelay: true }, (client) => {
    const database = connect({ host: hostname, port: Number(port), noDelay: true });
    let isDoomed = false;
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk: Buffer) => {
      if (doomed !== undefined && chunk.includes(doomed)) isDoomed = true;
      database.write(chunk);
    });
    database.on('data', (chunk: Buffer) => {
      if (!isDoomed) return void client.write(chunk);
      lost += 1;
      client.destroy();
      database.destroy();
    });
    client.on('close', () => database.destroy());
    database.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.toString(),
    loseRepliesTo(text) {
      doomed = text;
    },
    heal() {
      doomed = undefined;
    },
    lost: () => lost,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
