import { describe, expect, it } from 'vitest';
import { bodyParameters, credentialsOf } from './token-request.ts';

const none = new Map<string, string>();

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

describe('credentials', () => {
  it('come with Basic, form-encoded or as they are', () => {
    expect(credentialsOf(basic('a%3Ab:c+d'), none)).toEqual({ clientId: 'a:b', clientSecret: 'c d' });
    expect(credentialsOf(basic('a:b%'), none)).toEqual({ clientId: 'a', clientSecret: 'b%' });
    expect(credentialsOf(basic('a:b:c'), none)).toEqual({ clientId: 'a', clientSecret: 'b:c' });
  });

  it('come in the body, whatever else the header says', () => {
    const parameters = new Map([
      ['client_id', 'a'],
      ['client_secret', 'b'],
    ]);
    expect(credentialsOf('Bearer x', parameters)).toEqual({ clientId: 'a', clientSecret: 'b' });
  });

  it('may repeat the client beside Basic, but not name another', () => {
    expect(credentialsOf(basic('a:b'), new Map([['client_id', 'a']])).clientSecret).toBe('b');
    expect(() => credentialsOf(basic('a:b'), new Map([['client_id', 'c']]))).toThrow('not in both');
  });

  it('must be there', () => {
    expect(() => credentialsOf(undefined, none)).toThrow('are missing');
    expect(() => credentialsOf(basic('a'), none)).toThrow('are missing');
  });
});

describe('the parameters of a body', () => {
  it('are read by its media type', () => {
    expect(bodyParameters('application/json; charset=utf-8', Buffer.from('{"a":"b"}'))).toEqual([['a', 'b']]);
    expect(bodyParameters('application/x-www-form-urlencoded', Buffer.from('a=b+c&d=%C3%A9'))).toEqual([
      ['a', 'b c'],
      ['d', 'é'],
    ]);
    expect(bodyParameters('text/plain', Buffer.from(''))).toEqual([]);
  });

  it('must be strings', () => {
    expect(() => bodyParameters('application/json', Buffer.from('{"a":[1]}'))).toThrow(
      '"a" must be a string, got [1]',
    );
    expect(() => bodyParameters('application/json', Buffer.from('null'))).toThrow('must be a JSON object');
  });
});
