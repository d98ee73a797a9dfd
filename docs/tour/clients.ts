// The clients of the tour: the vendors' own where there are any, else plain HTTP. Each takes the same
// token, and gives what was asked and what was answered as two blocks of Markdown.

import { createRequire } from 'node:module';
import type published from '@commercelayer/provisioning-sdk';
import { createServerTransport } from '@zitadel/client/node';
import { createManagementServiceClient } from '@zitadel/client/v1';
import { pretty } from './pretty.ts';

// The package's types say that it is a function; for Node it is an object that has that function.
const { CommerceLayerProvisioning } = createRequire(import.meta.url)('@commercelayer/provisioning-sdk') as {
  CommerceLayerProvisioning: typeof published;
};

/** The client of Commerce Layer. Its address is fixed, so its requests are turned to the server. */
export function commercelayerClient(url: string, accessToken: string): ReturnType<typeof published> {
  return CommerceLayerProvisioning({
    accessToken,
    fetch(input, init) {
      const { pathname, search } = new URL(input as string | URL);
      return fetch(url + pathname + search, init);
    },
  });
}

/** The client of Zitadel, over gRPC. */
export function zitadelClient(
  baseUrl: string,
  token: string,
): ReturnType<typeof createManagementServiceClient> {
  return createManagementServiceClient(createServerTransport(token, { baseUrl }));
}

export interface Sent {
  headers?: Record<string, string>;
  body?: unknown;
}

export type Http = (method: 'GET' | 'POST', path: string, sent?: Sent) => Promise<string>;

export function httpClient(url: string, token: string): Http {
  return async (method, path, { headers = {}, body } = {}) => {
    const typed = body === undefined ? headers : { ...headers, 'content-type': 'application/json' };
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...typed },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const lines = Object.entries(typed).map(([name, value]) => `${name}: ${value}`);
    const asked = [`${method} ${path} HTTP/1.1`, ...lines].join('\n');
    const answered = `HTTP/1.1 ${response.status} ${response.statusText}`;
    return `${httpBlock(asked, body)}\n\n${httpBlock(answered, await response.json())}`;
  };
}

function httpBlock(head: string, body: unknown): string {
  return block('http', body === undefined ? head : `${head}\n\n${pretty(body)}`);
}

/** Calls a client. The call is shown as it stands in the source, so it cannot differ from what was called. */
export async function called(call: () => Promise<unknown>): Promise<string> {
  const source = String(call).replace(/^\(\) =>\s+/, '');
  return `${block('ts', `${source};`)}\n\n${block('json', pretty(await call()))}`;
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
