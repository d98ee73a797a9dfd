// What the Versions API refuses, and how it says so.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './harness.ts';
import { newToken } from './tokens.ts';

interface Problem {
  errors: { title: string; detail: string; code: string; status: string; source?: { parameter: string } }[];
}

const MEDIA_TYPE = 'application/vnd.api+json';
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

describe('bad requests', () => {
  const CASES: [path: string, code: string, parameter: string][] = [
    ['?page[size]=26', 'INVALID_PAGE_VALUE', 'page[size]'],
    ['?page[size]=0', 'INVALID_PAGE_VALUE', 'page[size]'],
    ['?page[size]=ten', 'INVALID_PAGE_VALUE', 'page[size]'],
    ['?page[number]=0', 'INVALID_PAGE_VALUE', 'page[number]'],
    ['?page[number]=-1', 'INVALID_PAGE_VALUE', 'page[number]'],
    ['?page[number]=9007199254740993', 'INVALID_PAGE_VALUE', 'page[number]'],
    ['?page[limit]=3', 'INVALID_PAGE_OBJECT', 'page[limit]'],
    ['?page=3', 'INVALID_PAGE_OBJECT', 'page'],
    ['?sort=event', 'INVALID_SORT_CRITERIA', 'sort'],
    ['?sort=created_at,-who', 'INVALID_SORT_CRITERIA', 'sort'],
    ['?sort=__proto__', 'INVALID_SORT_CRITERIA', 'sort'],
    ['?include=versions', 'INVALID_INCLUDE', 'include'],
    ['?fields[versions]=event,ip_address', 'INVALID_FIELD', 'fields[versions]'],
    ['?fields[things]=event', 'INVALID_RESOURCE', 'fields[things]'],
    ['?filter[q][event_eq]=update', 'FILTER_NOT_ALLOWED', 'filter[q][event_eq]'],
    ['?filter[q][reference_like]=a', 'FILTER_NOT_ALLOWED', 'filter[q][reference_like]'],
    ['?filter[q][reference]=a', 'FILTER_NOT_ALLOWED', 'filter[q][reference]'],
    ['?filter[q][reference_or_who_eq]=a', 'FILTER_NOT_ALLOWED', 'filter[q][reference_or_who_eq]'],
    ['?filter[event]=update', 'FILTER_NOT_ALLOWED', 'filter[event]'],
    ['?filter[q]=a', 'FILTER_NOT_ALLOWED', 'filter[q]'],
    ['?filter=a', 'FILTER_NOT_ALLOWED', 'filter'],
    ['?filter[q][created_at_gt]=yesterday', 'INVALID_FILTER_VALUE', 'filter[q][created_at_gt]'],
    ['?filter[q][created_at_in]=2024-01-01,2024-02-31', 'INVALID_FILTER_VALUE', 'filter[q][created_at_in]'],
    ['?filter[q][reference_null]=maybe', 'INVALID_FILTER_VALUE', 'filter[q][reference_null]'],
    ['?filter[q][metadata_jcont]=%7B', 'INVALID_FILTER_VALUE', 'filter[q][metadata_jcont]'],
    ['?sort=id&sort=-id', 'PARAM_NOT_ALLOWED', 'sort'],
    ['?order=id', 'PARAM_NOT_ALLOWED', 'order'],
    ['/XAyRWNUzyN?page[size]=3', 'PARAM_NOT_ALLOWED', 'page[size]'],
  ];

  it.each(CASES)('/api/versions%s is refused with %s', async (path, code, parameter) => {
    const { status, json, headers } = await server.request('GET', `/api/versions${path}`);
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe(MEDIA_TYPE);
    const [error] = (json as Problem).errors;
    expect(error).toMatchObject({ code, status: '400', source: { parameter } });
    expect(error?.detail).not.toBe('');
  });

  it('refuses what it cannot write in JSON:API', async () => {
    for (const accept of ['text/html', 'application/json', `${MEDIA_TYPE}; ext=bulk`]) {
      const { status, json } = await server.request('GET', '/api/versions', undefined, { accept });
      expect(status).toBe(406);
      expect(json).toMatchObject({ errors: [{ code: 'NOT_ACCEPTABLE', status: '406' }] });
    }
    for (const accept of [MEDIA_TYPE, '*/*', `text/html, ${MEDIA_TYPE};q=0.5`, 'application/*']) {
      expect((await server.request('GET', '/api/versions', undefined, { accept })).status).toBe(200);
    }
  });

  it.each([
    '/versions',
    '/versions/v1',
    '/roles/r1/versions',
    '/permissions/p1/versions',
    '/memberships/m1/versions',
  ])('refuses every write to /api%s, whatever its body is', async (path) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const type of [MEDIA_TYPE, 'application/json', 'text/plain']) {
        const { status, json, headers } = await server.request(method, `/api${path}`, '{', {
          'content-type': type,
        });
        expect(status).toBe(405);
        expect(headers.get('allow')).toBe('GET, HEAD');
        expect(json).toMatchObject({ errors: [{ code: 'METHOD_NOT_ALLOWED', status: '405' }] });
      }
    }
  });

  it('answers unknown paths in its own words', async () => {
    for (const path of [
      '/api',
      '/api/',
      '/api/nothing',
      '/api/versions/a/b',
      '/api/organizations/o1/versions',
    ]) {
      const { status, json } = await server.request('GET', path);
      expect(status, path).toBe(404);
      expect(json).toMatchObject({ errors: [{ code: 'RECORD_NOT_FOUND' }] });
    }
  });

  it('takes a JSON media type without a body', async () => {
    const headers = { 'content-type': MEDIA_TYPE };
    expect((await server.request('GET', '/api/versions', undefined, headers)).status).toBe(200);
    expect((await server.request('DELETE', '/api/versions/v1', undefined, headers)).status).toBe(405);
  });

  it('counts every answer', async () => {
    for (const [path, authorization] of [
      ['/api/versions', `Bearer ${server.token}`],
      ['/api/versions', ''],
      ['/api/nothing', ''],
    ] as const) {
      const { headers } = await server.request('GET', path, undefined, { authorization });
      for (const name of ['limit', 'interval', 'remaining']) {
        expect(Number(headers.get(`x-ratelimit-${name}`)), `${path} ${name}`).toBeGreaterThan(0);
      }
      expect(headers.has('x-ratelimit-reset')).toBe(false);
    }
  });
});

describe('tokens', () => {
  it('without the right to read are refused', async () => {
    const { secret } = await newToken(server.annals.directory, ['write']);
    const { status, json } = await server.request('GET', '/api/versions', undefined, {
      authorization: `Bearer ${secret}`,
    });
    expect(status).toBe(401);
    expect(json).toEqual({
      errors: [
        {
          title: 'Access denied',
          detail: 'You are not authorized to perform this action on the requested resource.',
          code: 'UNAUTHORIZED',
          status: '401',
        },
      ],
    });
  });

  it('that are missing or malformed are refused', async () => {
    for (const authorization of ['', 'Bearer', 'Basic YTpi', 'Bearer a.b.c', 'Bearer  ', 'nonsense']) {
      const { status, json } = await server.request('GET', '/api/versions', undefined, { authorization });
      expect(status, authorization).toBe(401);
      expect(json).toMatchObject({ errors: [{ code: 'INVALID_TOKEN' }] });
    }
  });
});
