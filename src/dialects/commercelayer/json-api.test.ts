import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { AnnalsError } from '../../core/errors.ts';
import { frame, type Limits, refuseOthers } from './json-api.ts';
import { MEDIA_TYPE } from './wire.ts';

const LIMITS: Limits = {
  reads: { average: { requests: 5, seconds: 60 }, burst: { requests: 3, seconds: 10 } },
  writes: { average: { requests: 2, seconds: 60 }, burst: { requests: 2, seconds: 10 } },
};

let app: FastifyInstance;
let nowMs = 0;
let thrown: unknown;

async function framed(limits?: Limits): Promise<FastifyInstance> {
  nowMs = 0;
  app = Fastify();
  await app.register(
    async (api) => {
      frame(api, () => nowMs * 1000, limits);
      api.get('/things', () => ({}));
      api.get('/others', () => ({}));
      api.get('/broken', () => Promise.reject(thrown));
      api.post('/things', (request) => ({ got: request.body ?? null }));
      api.delete('/things', (_request, reply) => reply.code(204).send());
      refuseOthers(api, '/frozen', ['GET']);
    },
    { prefix: '/api' },
  );
  return app;
}

async function ask(options: InjectOptions) {
  const { statusCode, headers, body } = await app.inject(options);
  const [error] = (body === '' ? {} : (JSON.parse(body) as { errors?: object[] })).errors ?? [];
  return { statusCode, headers, error, body };
}

afterEach(() => app.close());

describe('the frame of the API', () => {
  it('takes JSON:API, and no other media type', async () => {
    await framed();
    const taken = await ask({
      method: 'POST',
      url: '/api/things',
      headers: { 'content-type': MEDIA_TYPE },
      payload: '{"data":1}',
    });
    expect(taken.body).toBe('{"got":{"data":1}}');
    for (const type of ['application/json', 'text/plain']) {
      const { statusCode, error } = await ask({
        method: 'POST',
        url: '/api/things',
        headers: { 'content-type': type },
        payload: '{}',
      });
      expect(statusCode).toBe(415);
      expect(error).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE', status: '415' });
    }
    const malformed = await ask({
      method: 'POST',
      url: '/api/things',
      headers: { 'content-type': MEDIA_TYPE },
      payload: '{',
    });
    expect(malformed).toMatchObject({ statusCode: 400, error: { code: 'BAD_REQUEST' } });
  });

  it('takes the media type without a body', async () => {
    await framed();
    const headers = { 'content-type': MEDIA_TYPE };
    expect((await ask({ method: 'DELETE', url: '/api/things', headers })).statusCode).toBe(204);
    expect((await ask({ method: 'POST', url: '/api/things', headers })).body).toBe('{"got":null}');
  });

  it('refuses writes before it looks at them', async () => {
    await framed();
    const { statusCode, headers, error } = await ask({
      method: 'PUT',
      url: '/api/frozen',
      headers: { 'content-type': 'text/plain', accept: 'text/plain' },
      payload: '{',
    });
    expect(statusCode).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
    expect(error).toMatchObject({ code: 'METHOD_NOT_ALLOWED', title: 'Method not allowed' });
  });

  it('says what failed in its own words, and nothing of what is not the caller’s doing', async () => {
    await framed();
    const CASES: [unknown, number, string][] = [
      [new AnnalsError('unauthenticated', 'who?'), 401, 'INVALID_TOKEN'],
      [new AnnalsError('forbidden', 'this needs more'), 401, 'UNAUTHORIZED'],
      [new AnnalsError('invalid_cursor', 'no cursor'), 400, 'BAD_REQUEST'],
      [new AnnalsError('store_unavailable', 'the database is away'), 503, 'SERVICE_UNAVAILABLE'],
      [new Error('secret'), 500, 'INTERNAL_SERVER_ERROR'],
    ];
    for (const [error, status, code] of CASES) {
      thrown = error;
      const answer = await ask({ method: 'GET', url: '/api/broken' });
      expect(answer).toMatchObject({ statusCode: status, error: { code, status: String(status) } });
      expect(answer.headers['content-type']).toBe(MEDIA_TYPE);
      expect(answer.body).not.toContain('secret');
    }
  });

  it('limits an address at each endpoint, and at all of them together', async () => {
    await framed(LIMITS);
    const read = async (url: string) => (await ask({ method: 'GET', url })).statusCode;
    expect([await read('/api/things'), await read('/api/things'), await read('/api/things')]).toEqual([
      200, 200, 200,
    ]);
    const refused = await ask({ method: 'GET', url: '/api/things' });
    expect(refused).toMatchObject({ statusCode: 429, error: { code: 'TOO_MANY_REQUESTS', status: '429' } });
    expect(refused.headers).toMatchObject({
      'x-ratelimit-limit': '3',
      'x-ratelimit-interval': '10',
      'x-ratelimit-remaining': '0',
      'retry-after': '10',
    });
    expect(await read('/api/others')).toBe(200);
    expect(await read('/api/nothing')).toBe(429);
    nowMs = 130_000;
    expect(await read('/api/things')).toBe(200);
  });

  it('announces the limit that is nearer, on every answer', async () => {
    await framed(LIMITS);
    for (const url of ['/api/things', '/api/nothing']) {
      const { headers } = await ask({ method: 'GET', url });
      expect(headers).toMatchObject({
        'x-ratelimit-limit': '3',
        'x-ratelimit-interval': '10',
        'x-ratelimit-remaining': '2',
      });
    }
    await ask({ method: 'GET', url: '/api/others' });
    const { headers } = await ask({ method: 'GET', url: '/api/broken' });
    expect(headers).toMatchObject({
      'x-ratelimit-limit': '5',
      'x-ratelimit-interval': '60',
      'x-ratelimit-remaining': '1',
    });
  });

  it('counts writes apart from reads', async () => {
    await framed(LIMITS);
    const write = async () => (await ask({ method: 'PATCH', url: '/api/frozen' })).statusCode;
    expect([await write(), await write(), await write()]).toEqual([405, 405, 429]);
    expect((await ask({ method: 'GET', url: '/api/things' })).statusCode).toBe(200);
  });
});
