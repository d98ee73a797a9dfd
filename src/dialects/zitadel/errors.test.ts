import { Code } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { AnnalsError, ERROR_STATUS, type ErrorCode } from '../../core/errors.ts';
import { isExpected, refusals, restBody, restStatus, toWireError } from './errors.ts';

describe('an error on the wire', () => {
  it.each([
    ['unauthenticated', Code.Unauthenticated, 401],
    ['forbidden', Code.PermissionDenied, 403],
    ['not_found', Code.NotFound, 404],
    ['malformed_json', Code.InvalidArgument, 400],
    ['too_large', Code.ResourceExhausted, 429],
    ['too_many_requests', Code.ResourceExhausted, 429],
    ['request_timeout', Code.DeadlineExceeded, 504],
    ['shutting_down', Code.Unavailable, 503],
    ['store_unavailable', Code.Internal, 500],
    ['internal', Code.Internal, 500],
  ] as const)('%s has code %i and status %i', (code, wanted, status) => {
    const error = toWireError(new AnnalsError(code, 'why'));
    expect([error.code, restStatus(error)]).toEqual([wanted, status]);
  });

  it('has a code whatever Annals throws, and never the cause', () => {
    for (const code of Object.keys(ERROR_STATUS) as ErrorCode[]) {
      const error = toWireError(new AnnalsError(code, 'why', {}, new Error('secret')));
      expect(Code[error.code], code).toBeTypeOf('string');
      expect(restBody(error), code).not.toMatch(/secret/);
    }
    const error = new TypeError('secret');
    expect(JSON.parse(restBody(toWireError(error)))).toMatchObject({
      code: 13,
      message: 'Errors.Internal (RECOVER)',
    });
    expect(isExpected(error)).toBe(false);
  });

  it('names its id twice over REST', () => {
    expect(JSON.parse(restBody(refusals.noPermission()))).toEqual({
      code: 7,
      message: 'No matching permissions found (AUTH-5mWD2)',
      details: [
        {
          '@type': 'type.googleapis.com/zitadel.v1.ErrorDetail',
          id: 'AUTH-5mWD2',
          message: 'No matching permissions found',
        },
      ],
    });
    expect(JSON.parse(restBody(refusals.noHeader()))).toEqual({ code: 16, message: 'auth header missing' });
  });
});
