// A tour of Annals: `npx node docs/tour/tour.ts`. It starts a server of its own, in memory; where ANNALS_URL
// names one, it goes there instead, with the token that the commands of the CLI would take.

import { randomBytes } from 'node:crypto';
import { makeClient } from '../../src/cli/client.ts';
import { readConfig } from '../../src/config.ts';
import { type Running, start } from '../../src/main.ts';
import { type Ground, stops } from './stops.ts';

/** Which server, and with which token; nothing: as the environment says. */
type Where = { url: string; token: string } | Record<string, never>;

const own = process.env.ANNALS_URL ? undefined : await startInMemory();
try {
  const ground = await newGround(own === undefined ? {} : { url: own.url, token: own.rootToken.token });
  process.stderr.write(`A tour of ${ground.url}, organization ${ground.organization.slug}\n\n`);
  for await (const text of stops(ground)) process.stdout.write(`${text}\n\n`);
} finally {
  await own?.stop();
}

function startInMemory(): Promise<Running> {
  const settings = { ANNALS_DATABASE_URL: 'memory:', ANNALS_PORT: '0', ANNALS_LOG_LEVEL: 'error' };
  return start(readConfig(settings));
}

/** A log is for ever: the tour has an organization of its own, and a token that opens nothing else. */
async function newGround(where: Where): Promise<Ground> {
  const slug = `tour-${randomBytes(4).toString('hex')}`;
  const root = makeClient(where);
  const organization = await root.send<Ground['organization']>('POST', '/v1/organizations', { slug });
  const wanted = { name: 'tour', scopes: ['read', 'write'] };
  const inIt = makeClient({ ...where, organization: slug });
  const { secret } = await inIt.send<{ secret: string }>('POST', '/v1/tokens', wanted);
  return { url: root.url, token: secret, organization };
}
