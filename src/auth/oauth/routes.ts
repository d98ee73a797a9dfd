// OAuth 2 (RFC 6749) for machines: a credential's id and secret buy a signed access token for a while,
// which every dialect takes. RFC 7009 ends one early; RFC 7517 shows the key.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Annals, Dialect } from '../../dialects/dialect.ts';
import type { Organization, Scope } from '../../directory/directory.ts';
import type { DirectoryResource } from '../../directory/view.ts';
import { originOf } from '../../http/origin.ts';
import { RATE_LIMITS, type RateLimit, SlidingWindow } from '../../http/rate-limit.ts';
import { PROVISIONING_SCOPE } from './access-tokens.ts';
import { OAuthError, oauthErrorOf, sendOAuthError } from './errors.ts';
import { bodyParameters, credentialsOf, type Parameters, parametersOf } from './token-request.ts';

const BODY_LIMIT = 64 * 1024;
/** What the vendor's clients ask for where they mean no restriction. */
const EVERYTHING = [PROVISIONING_SCOPE, 'market:all'];

export function makeOAuth(limit: RateLimit = RATE_LIMITS.tokens): Dialect {
  return (app, annals) => {
    const { accessTokens, access, now } = annals;
    takeBodies(app);
    app.setErrorHandler((thrown, request, reply) => {
      const error = oauthErrorOf(thrown);
      if (error.code === 'server_error') request.log.error({ err: thrown, url: request.url }, error.message);
      sendOAuthError(reply, error);
    });
    const window = new SlidingWindow(limit, () => now() / 1000);

    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
      if (request.method !== 'POST') return;
      const { remaining, isRefused } = window.take(request.ip);
      reply.header('x-ratelimit-limit', limit.requests).header('x-ratelimit-interval', limit.seconds);
      reply.header('x-ratelimit-remaining', remaining);
      if (!isRefused) return;
      reply.header('retry-after', limit.seconds);
      throw new OAuthError(
        'too_many_requests',
        `an address may ask ${limit.requests} times in ${limit.seconds} seconds`,
      );
    });

    app.post('/oauth/token', HIDDEN, async (request) => {
      const parameters = parametersOf(request);
      checkGrantType(parameters.get('grant_type'));
      const client = await clientOf(annals, request, parameters);
      const { id, state } = client.credential;
      const issued = await accessTokens.issue({
        credential: id,
        organization: client.organization,
        scopes: scopesOf(client.credential, parameters.get('scope')),
        issuer: originOf(request),
        lifetimeSeconds: typeof state.expires_in === 'number' ? state.expires_in : undefined,
      });
      return {
        access_token: issued.jwt,
        token_type: 'bearer',
        expires_in: issued.expiresInSeconds,
        scope: issued.scope,
        created_at: issued.issuedAtSeconds,
      };
    });

    app.post('/oauth/revoke', HIDDEN, async (request) => {
      const parameters = parametersOf(request);
      const client = await clientOf(annals, request, parameters);
      const token = parameters.get('token');
      if (token === undefined) throw new OAuthError('invalid_request', '"token" is missing');
      const claims = await accessTokens.verify(token);
      // RFC 7009, section 2.2: what is no valid token any more counts as revoked.
      if (claims === undefined) return {};
      if (claims.credential !== client.credential.id) {
        throw new OAuthError('unauthorized_client', 'this access token was issued to another client');
      }
      await accessTokens.revoke(claims);
      access.forget();
      return {};
    });

    app.get('/.well-known/jwks.json', HIDDEN, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300').removeHeader('pragma');
      return accessTokens.keys();
    });
  };
}

const HIDDEN = { schema: { hide: true } };

function takeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (request, body, done) => {
    try {
      done(null, bodyParameters(request.headers['content-type'] ?? '', body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function checkGrantType(grantType: string | undefined): void {
  if (grantType === undefined) throw new OAuthError('invalid_request', '"grant_type" is missing');
  if (grantType === 'client_credentials') return;
  throw new OAuthError(
    'unsupported_grant_type',
    `"grant_type" must be client_credentials, got "${grantType.slice(0, 80)}"`,
  );
}

/** The client: a credential whose id and secret were sent. */
async function clientOf(
  { directory }: Annals,
  request: FastifyRequest,
  parameters: Parameters,
): Promise<{ credential: DirectoryResource; organization: Organization }> {
  const { clientId, clientSecret } = credentialsOf(request.headers.authorization, parameters);
  const found = await directory.bySecret(clientSecret);
  if (found?.resource.id === clientId && found.resource.type === 'api_credentials')
    return { credential: found.resource, organization: found.view.organization };
  throw new OAuthError('invalid_client', 'the client is unknown, or its secret is another');
}

/** What was asked for, of what the credential may do; all of it where nothing narrower was asked for. */
function scopesOf({ state }: DirectoryResource, asked: string | undefined): Scope[] {
  // Where a role decides, an access token may still be kept to reading or to writing.
  const own = (typeof state.scopes === 'string' ? state.scopes.split(' ') : ['read', 'write']) as Scope[];
  const scopes = (asked ?? '').split(' ').filter((scope) => scope !== '' && !EVERYTHING.includes(scope));
  const unknown = scopes.find((scope) => !own.includes(scope as Scope));
  if (unknown !== undefined) {
    const known = [PROVISIONING_SCOPE, ...own].join(', ');
    throw new OAuthError('invalid_scope', `this client may ask for ${known}, got "${unknown.slice(0, 80)}"`);
  }
  return scopes.length === 0 ? own : own.filter((scope) => scopes.includes(scope));
}
