// Load on a gRPC server over cleartext HTTP/2, and its rate. The client writes the same bytes again and again and
// reads frames without decoding them, so that what is measured is the server.

import http2, { type ClientHttp2Session } from 'node:http2';

export interface GrpcLoad {
  url: string;
  /** `/package.Service/Method` */
  path: string;
  headers: Record<string, string>;
  /** The request message, encoded. */
  message: Uint8Array;
  connections: number;
  /** Calls under way on each connection. */
  streams: number;
  seconds: number;
}

/** Calls answered per second; throws where one has another status than 0. */
export async function grpcRateOf(load: GrpcLoad): Promise<number> {
  const started = performance.now();
  const until = started + load.seconds * 1000;
  const rates = Array.from({ length: load.connections }, () => callsOver(load, until));
  const calls = (await Promise.all(rates)).reduce((sum, each) => sum + each, 0);
  return calls / ((performance.now() - started) / 1000);
}

async function callsOver(load: GrpcLoad, until: number): Promise<number> {
  const session = http2.connect(load.url);
  try {
    let calls = 0;
    const loop = async (): Promise<void> => {
      while (performance.now() < until) {
        await callOnce(session, load);
        calls += 1;
      }
    };
    await Promise.all(Array.from({ length: load.streams }, loop));
    return calls;
  } finally {
    session.close();
  }
}

function callOnce(session: ClientHttp2Session, { path, headers, message }: GrpcLoad): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      ...headers,
    });
    let status: unknown;
    stream.on('response', (answer) => {
      status = answer['grpc-status'];
    });
    stream.on('trailers', (trailers) => {
      status = trailers['grpc-status'];
    });
    stream.once('error', reject);
    stream.once('close', () => {
      if (status === '0') resolve();
      else reject(new Error(`${path} was answered with the status ${status}`));
    });
    stream.resume();
    stream.end(framed(message));
  });
}

/** A message as it stands in a body: not compressed, its length, its bytes. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
