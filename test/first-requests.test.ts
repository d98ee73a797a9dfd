// What is loaded with its first request: many may come first at once, in either protocol, and while the server stops.

import { once } from 'node:events';
import http2 from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT_TOKEN, startServer, type TestServer } from './harness.ts';

const PATHS = [
  '/openapi.json',
  '/docs',
  '/docs/',
  '/docs/json',
  '/docs/yaml',
  '/docs/static/index.html',
  '/docs/static/swagger-initializer.js',
  '/docs/static/swagger-ui.css',
  '/v1/changes?limit=2',
  '/v1/changes?limit=2&order=desc',
];

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const get = (path: string) => server.request('GET', path);

describe('first requests', () => {
  it('are all answered where they come at once', async () => {
    const answers = await Promise.all([...PATHS, ...PATHS].map(get));
    for (const answer of answers) expect(answer).toMatchObject({ status: 200 });
  });

  it('are refused at once where a parameter is wrong, however many come', async () => {
    const wrong = await Promise.all(Array.from({ length: 10 }, () => get('/v1/resources?limit=many')));
    for (const { status, json } of wrong) {
      expect(status).toBe(400);
      expect(json).toMatchObject({ code: 'invalid_parameter' });
    }
    expect((await get('/v1/resources?limit=1')).status).toBe(200);
  });

  it('are let finish by a server that stops', async () => {
    const stopping = await startServer();
    // Connections that have said something: a server that stops hangs up on others.
    await Promise.all(PATHS.map(() => stopping.request('GET', '/healthz')));
    const outcomes = Promise.allSettled(PATHS.map((path) => stopping.request('GET', path)));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await stopping.stop();
    for (const outcome of await outcomes) {
      if (outcome.status === 'fulfilled') expect([200, 503]).toContain(outcome.value.status);
    }
    await expect(stopping.request('GET', '/docs')).rejects.toThrow();
  });
});

describe('the pages of the document', () => {
  it('are served over HTTP/2', async () => {
    const session = http2.connect(server.url);
    for (const path of ['/openapi.json', '/docs/', '/docs/static/swagger-ui.css']) {
      const stream = session.request({ ':path': path });
      const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      expect(headers[':status']).toBe(200);
      expect((await text(stream)).length).toBeGreaterThan(500);
    }
    session.close();
  });

  it('answer HEAD with the headers of GET', async () => {
    for (const path of ['/openapi.json', '/docs', '/docs/static/swagger-ui.css']) {
      const { status, headers, text } = await server.request('HEAD', path);
      expect({ status, text }).toEqual({ status: 200, text: '' });
      expect(Number(headers.get('content-length'))).toBeGreaterThan(500);
    }
  });

  it('refuse other methods, and repeat no secret of a path', async () => {
    expect(await server.request('POST', '/docs/json')).toMatchObject({ status: 405 });
    const { status, text } = await get(`/docs/static/${ROOT_TOKEN}`);
    expect(status).toBe(405);
    expect(text).not.toContain(ROOT_TOKEN);
  });

  it('are counted in the metrics under their routes', async () => {
    const { text } = await get('/metrics');
    expect(text).toMatch(/request_duration_seconds_count\{method="GET",route="\/docs",status="200"\}/);
    expect(text).toMatch(
      /request_duration_seconds_count\{method="GET",route="\/docs\/static\/\*",status="200"\}/,
    );
  });
});
