// The clients of Zitadel over every transport, made alike: each lists changes, and says how it was refused.

import http2 from 'node:http2';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport as createNodeGrpcWebTransport,
} from '@connectrpc/connect-node';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { createServerTransport } from '@zitadel/client/node';
import { createManagementServiceClient } from '@zitadel/client/v1';
import { createClientTransport } from '@zitadel/client/web';
import { createAccessTokenInterceptor, createManagementClient } from '@zitadel/node/dist/api/index.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import { Metadata } from 'nice-grpc-common';

/** A change as a client sees it, in one shape for all of them. */
export interface Seen {
  date: string;
  key: string;
  text: string;
  sequence: string;
  editor: string;
  name: string;
  owner: string;
  loginName: string;
  avatarUrl: string;
}

export interface Query {
  sequence?: number;
  limit?: number;
  asc?: boolean;
}

/** How a client was refused. */
export interface Refusal {
  code: number;
  message: string;
  /** The id of the ErrorDetail, where the client can read it. */
  id?: string;
}

export interface ZitadelClient {
  org(query: Query, headers?: Record<string, string>): Promise<Seen[]>;
  app(project: string, app: string, query: Query): Promise<Seen[]>;
  /** An RPC that Annals does not answer. */
  unanswered(): Promise<unknown>;
}

export const clients: Record<string, (url: string, token: string) => ZitadelClient> = {
  '@zitadel/client, gRPC': (baseUrl, token) => {
    const client = createManagementServiceClient(createServerTransport(token, { baseUrl }));
    return overConnect(client, {});
  },
  '@zitadel/client for browsers, gRPC-web': (baseUrl, token) => {
    return overConnect(createManagementServiceClient(createClientTransport(token, { baseUrl })), {});
  },
  '@zitadel/node, gRPC': overNiceGrpc,
  'connect, gRPC': (baseUrl, token) => over(createGrpcTransport({ baseUrl }), token),
  'connect, gRPC-web over HTTP/1.1': (baseUrl, token) =>
    over(createNodeGrpcWebTransport({ baseUrl, httpVersion: '1.1' }), token),
  'connect, gRPC-web over HTTP/2': (baseUrl, token) =>
    over(createNodeGrpcWebTransport({ baseUrl, httpVersion: '2' }), token),
  'connect-web, gRPC-web by fetch': (baseUrl, token) => over(createGrpcWebTransport({ baseUrl }), token),
  'connect, Connect with JSON': (baseUrl, token) =>
    over(createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }), token),
  'connect, Connect with protobuf over HTTP/2': (baseUrl, token) =>
    over(createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true }), token),
  'REST by fetch': (url, token) => overRest(byFetch(url), token),
  'REST over HTTP/2': (url, token) => overRest(byHttp2(url), token),
};

function over(transport: Transport, token: string): ZitadelClient {
  return overConnect(createClient(ManagementService, transport), { authorization: `Bearer ${token}` });
}

type ConnectClient = ReturnType<typeof createManagementServiceClient>;

function overConnect(client: ConnectClient, sent: Record<string, string>): ZitadelClient {
  return {
    async org({ sequence = 0, ...query }, headers = {}) {
      const input = { query: { ...query, sequence: BigInt(sequence) } };
      return (await client.listOrgChanges(input, { headers: { ...sent, ...headers } })).result.map(ofConnect);
    },
    async app(projectId, appId, { sequence = 0, ...query }) {
      const input = { projectId, appId, query: { ...query, sequence: BigInt(sequence) } };
      return (await client.listAppChanges(input, { headers: sent })).result.map(ofConnect);
    },
    unanswered: () => client.getMyOrg({}, { headers: sent }),
  };
}

type ConnectChange = Awaited<ReturnType<ConnectClient['listOrgChanges']>>['result'][number];

function ofConnect(change: ConnectChange): Seen {
  const { seconds = 0n, nanos = 0 } = change.changeDate ?? {};
  return {
    date: new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString(),
    key: change.eventType?.key ?? '',
    text: change.eventType?.localizedMessage ?? '',
    sequence: String(change.sequence),
    editor: change.editorId,
    name: change.editorDisplayName,
    owner: change.resourceOwnerId,
    loginName: change.editorPreferredLoginName,
    avatarUrl: change.editorAvatarUrl,
  };
}

function overNiceGrpc(url: string, token: string): ZitadelClient {
  const client = createManagementClient(url, createAccessTokenInterceptor(token));
  type NiceChange = Awaited<ReturnType<typeof client.listOrgChanges>>['result'][number];
  const seen = (change: NiceChange): Seen => ({
    date: change.changeDate?.toISOString() ?? '',
    key: change.eventType?.key ?? '',
    text: change.eventType?.localizedMessage ?? '',
    sequence: String(change.sequence),
    editor: change.editorId,
    name: change.editorDisplayName,
    owner: change.resourceOwnerId,
    loginName: change.editorPreferredLoginName,
    avatarUrl: change.editorAvatarUrl,
  });
  return {
    async org(query, headers = {}) {
      const { result } = await client.listOrgChanges({ query }, { metadata: Metadata(headers) });
      return result.map(seen);
    },
    async app(projectId, appId, query) {
      return (await client.listAppChanges({ projectId, appId, query })).result.map(seen);
    },
    unanswered: () => client.getMyOrg({}),
  };
}

type Ask = (
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
) => Promise<{ status: number; text: string }>;

interface RestChange {
  changeDate: string;
  eventType: { key: string; localizedMessage: string };
  sequence: string;
  editorId: string;
  editorDisplayName?: string;
  resourceOwnerId: string;
  editorPreferredLoginName?: string;
  editorAvatarUrl?: string;
}

function overRest(ask: Ask, token: string): ZitadelClient {
  const call = async (method: string, path: string, body?: object, more = {}): Promise<Seen[]> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more };
    const { status, text } = await ask(method, path, headers, body && JSON.stringify(body));
    const json = JSON.parse(text) as { result?: RestChange[] };
    if (status !== 200) throw new RestRefusal(text);
    return (json.result ?? []).map(ofRest);
  };
  return {
    org: (query, headers) => call('POST', '/management/v1/orgs/me/changes/_search', { query }, headers),
    app(project, app, query) {
      const given = Object.entries(query).map(([name, value]) => [`query.${name}`, String(value)]);
      const parameters = new URLSearchParams(given as [string, string][]);
      return call('POST', `/management/v1/projects/${project}/apps/${app}/changes/_search?${parameters}`);
    },
    unanswered: () => call('GET', '/management/v1/orgs/me'),
  };
}

function ofRest(change: RestChange): Seen {
  return {
    date: new Date(change.changeDate).toISOString(),
    key: change.eventType.key,
    text: change.eventType.localizedMessage,
    sequence: change.sequence,
    editor: change.editorId,
    name: change.editorDisplayName ?? '',
    owner: change.resourceOwnerId,
    loginName: change.editorPreferredLoginName ?? '',
    avatarUrl: change.editorAvatarUrl ?? '',
  };
}

class RestRefusal extends Error {}

function byFetch(url: string): Ask {
  return async (method, path, headers, body) => {
    const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, text: await response.text() };
  };
}

/** A session for each request, so that none is left open. */
export function byHttp2(url: string): Ask {
  return (method, path, headers, body) =>
    new Promise((resolve, reject) => {
      const session = http2.connect(url).on('error', reject);
      const stream = session.request({ ':method': method, ':path': path, ...headers });
      let status = 0;
      let text = '';
      stream.setEncoding('utf8');
      stream.on('response', (answered) => {
        status = Number(answered[':status']);
      });
      stream.on('data', (part: string) => {
        text += part;
      });
      stream.on('error', reject).on('close', () => {
        session.close();
        resolve({ status, text });
      });
      stream.end(body);
    });
}

/** What a client threw, in one shape for all of them; undefined where it threw nothing. */
export async function refusalOf(answer: Promise<unknown>): Promise<Refusal | undefined> {
  const error: unknown = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return undefined;
  if (error instanceof RestRefusal) {
    const { code, message, details } = JSON.parse(error.message) as Refusal & { details?: { id: string }[] };
    return { code, message, ...(details?.[0] === undefined ? {} : { id: details[0].id }) };
  }
  if (error instanceof ConnectError) {
    const [detail] = error.findDetails(ErrorDetailSchema);
    return {
      code: error.code,
      message: error.rawMessage,
      ...(detail === undefined ? {} : { id: detail.id }),
    };
  }
  const { code = Code.Unknown, details = String(error) } = error as { code?: number; details?: string };
  return { code, message: details };
}
