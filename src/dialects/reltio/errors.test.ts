import { describe, expect, it } from 'vitest';
import { AnnalsError, type ErrorCode } from '../../core/errors.ts';
import { toOAuthError, toReltioError } from './errors.ts';

describe("errors in Reltio's words", () => {
  it('name the object that is not found', () => {
    expect(toReltioError(new AnnalsError('not_found', 'Object with id=entities/9 not found'))).toEqual({
      severity: 'Error',
      errorMessage: 'Object with id=entities/9 not found',
      errorCode: 101,
      errorDetailMessage: 'No object with specified id found',
      innerErrorData: { exception: 'OBJECT_NOT_FOUND' },
    });
  });

  it('say in detail what could not be read', () => {
    const error = new AnnalsError('invalid_parameter', 'filter: wanted a value at position 12, got ")"');
    expect(toReltioError(error)).toMatchObject({
      errorCode: 150,
      errorDetailMessage: 'filter: wanted a value at position 12, got ")"',
    });
  });

  it.each([
    ['forbidden', 804],
    ['method_not_allowed', 150],
    ['internal', 2001],
    ['store_unavailable', 2001],
  ] satisfies [ErrorCode, number][])('give %s the code %i', (code, errorCode) => {
    expect(toReltioError(new AnnalsError(code, 'why'))).toMatchObject({ severity: 'Error', errorCode });
  });

  it('keep the cause to themselves', () => {
    const error = new AnnalsError('internal', 'something went wrong', {}, new Error('the disk is on fire'));
    expect(JSON.stringify(toReltioError(error))).not.toContain('disk');
  });

  it('repeat a token that is not valid, as OAuth', () => {
    expect(toOAuthError('abc')).toEqual({
      error: 'invalid_token',
      error_description: 'Token is invalid: abc',
    });
    expect(toOAuthError(undefined)).toMatchObject({ error: 'invalid_token' });
  });
});
