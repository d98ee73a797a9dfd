// Requests that no client would send: good ones with something changed, as often as is asked for.

import { Agent, request } from 'node:http';
import type { Random } from './random.ts';

export interface Mutated {
  method: string;
  /** Printable ASCII; what is not, percent-encoded. */
  path: string;
  token: string | undefined;
  body: string | undefined;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const PIECES = [
  '%', '%00', '%ff', '%zz', '%2F', '%F0%9F%A6%8A', '%27', "'", '"', '(', ')', '((((((((', ',', '/', '//', '/..', '?',
  '&', '=', '&=', ';', '#', '+', '%0A', '-1', '0', '1e9', '99999999999999999999', 'NaN', 'null', 'true', '[]', '__proto__',
  'not ', ' and ', ' or ', 'changes(', 'equals(', '\\', '\u0000', '狐', 'x'.repeat(300), '1970-01-01', '9999-12-31T23:59',
]; // biome-ignore format: a list to be read as one
const BODIES = [undefined, undefined, undefined, '', '{', '{"a":1}', 'x'.repeat(2000)];

/**
 * @param prefix the part of every path that stays as it is
 * @param good paths of good requests, from behind the prefix
 */
export function mutate(
  random: Random,
  prefix: string,
  good: readonly string[],
  tokens: Mutated['token'][],
): Mutated {
  let path = random.pick(good);
  for (let changes = random.below(4); changes > 0; changes--) path = changed(path, random, good);
  const method = random.chance(0.7) ? 'GET' : random.pick(METHODS);
  return {
    method,
    path: prefix + path.replace(/[^!-~]/gu, encodeURIComponent).slice(0, 8000),
    token: random.chance(0.7) ? tokens[0] : random.pick(tokens),
    body: method === 'GET' || method === 'HEAD' ? undefined : random.pick(BODIES),
  };
}

function changed(path: string, random: Random, good: readonly string[]): string {
  const at = random.below(path.length + 1);
  const end = Math.min(path.length, at + random.below(8));
  switch (random.below(6)) {
    case 0:
      return path.slice(0, at) + path.slice(end);
    case 1:
      return path.slice(0, end) + path.slice(at);
    case 2:
      return path.slice(0, at) + random.pick(good).slice(random.below(20));
    case 3:
      return path.slice(0, at) + String.fromCharCode(random.below(256)) + path.slice(at + 1);
    default:
      return path.slice(0, at) + random.pick(PIECES) + path.slice(random.chance(0.5) ? at : end);
  }
}

/** Sends requests over a few connections, each path exactly as it stands; answers in their order. */
export async function sendAll(
  url: string,
  requests: readonly Mutated[],
): Promise<{ status: number; text: string }[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const answers: { status: number; text: string }[] = [];
  for (let from = 0; from < requests.length; from += 50) {
    answers.push(...(await Promise.all(requests.slice(from, from + 50).map((one) => send(url, one, agent)))));
  }
  agent.destroy();
  return answers;
}

function send(
  url: string,
  { method, path, token, body }: Mutated,
  agent: Agent,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, method, path, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
