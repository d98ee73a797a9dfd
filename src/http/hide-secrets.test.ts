import { describe, expect, it } from 'vitest';
import { makeHideSecrets } from './hide-secrets.ts';

const hide = makeHideSecrets('the "root" token/of.these tests');
const SECRET = `annals_${'aB3_-'.repeat(13).slice(0, 64)}`;

describe('hiding secrets', () => {
  it('hides a secret of a credential, a generated root token and a JWT, wherever they stand', () => {
    expect(hide(`there is nothing at /v1/${SECRET}/x`)).toBe('there is nothing at /v1/[hidden]/x');
    expect(hide(`got "annals_root_${'x'.repeat(43)}"`)).toBe('got "[hidden]"');
    expect(hide('Token is invalid: eyJhbGciOiJSUzUxMiJ9abc.eyJpc3MiOiJ4In0.c2ln-x_y')).toBe(
      'Token is invalid: [hidden]',
    );
  });

  it('hides what is left of a secret that was abbreviated', () => {
    expect(hide(`got "${SECRET.slice(0, 40)}…"`)).toBe('got "[hidden]…"');
  });

  it('hides the root token as it is, as JSON has it and as a path has it', () => {
    const root = 'the "root" token/of.these tests';
    for (const spelling of [root, JSON.stringify(root).slice(1, -1), encodeURIComponent(root)]) {
      expect(hide(`<${spelling}>`)).toBe('<[hidden]>');
    }
  });

  it('leaves everything else as it is', () => {
    const text = 'annals_test, annals.directory/0190, theXroot, an eye, dir_AbCdEfGhIj';
    expect(hide(text)).toBe(text);
  });
});
