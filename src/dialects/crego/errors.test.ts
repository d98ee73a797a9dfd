import { describe, expect, it } from 'vitest';
import { AnnalsError, type ErrorCode } from '../../core/errors.ts';
import { toCregoError } from './errors.ts';

describe("errors in Crego's words", () => {
  it.each([
    ['forbidden', 'You do not have permission to perform this action.'],
    ['not_found', 'why'],
    ['method_not_allowed', 'why'],
    ['internal', 'A server error occurred.'],
    ['store_unavailable', 'Service temporarily unavailable, try again later.'],
  ] satisfies [ErrorCode, string][])('say of %s: %s', (code, detail) => {
    expect(toCregoError(new AnnalsError(code, 'why'), 'token')).toEqual({ detail });
  });

  it('tell a missing token from a wrong one', () => {
    const error = new AnnalsError('unauthenticated', 'why');
    expect(toCregoError(error, undefined)).toEqual({
      detail: 'Authentication credentials were not provided.',
    });
    expect(toCregoError(error, 'abc')).toEqual({ detail: 'Invalid token.' });
  });

  it('name the parameter that is wrong', () => {
    const error = new AnnalsError('invalid_parameter', 'Enter a valid date/time.', {
      field: 'timestamp_after',
    });
    expect(toCregoError(error, 'token')).toEqual({ timestamp_after: ['Enter a valid date/time.'] });
    expect(toCregoError(new AnnalsError('invalid_parameter', 'why'), 'token')).toEqual({ detail: 'why' });
  });
});
