// The stops of the tour: the six changes are recorded once, and read in every wire that Annals speaks.

import { sixChanges } from './changes.ts';
import { called, commercelayerClient, httpClient, zitadelClient } from './clients.ts';

/** What the stops need: a server, and a log of their own on it. */
export interface Ground {
  url: string;
  /** A token of the organization that may read and write. */
  token: string;
  organization: { id: string; slug: string };
}

/** Gives headings, requests and answers, in Markdown. */
export async function* stops({ url, token, organization }: Ground): AsyncGenerator<string> {
  const http = httpClient(url, token);

  yield '## Six changes';
  yield await http('POST', '/v1/changes', { body: sixChanges(organization.id) });

  yield '## The native API';
  yield await http('GET', '/v1/resources/apps/shop/changes?order=asc');
  yield await http('GET', '/v1/resources/apps/shop?at=2026-03-04T12:00:00Z');
  yield await http('GET', '/v1/changes?action=access&actor=grace&count=exact');

  yield '## Commerce Layer';
  const commercelayer = commercelayerClient(url, token);
  yield await called(() => commercelayer.roles.versions('editors'));
  yield await called(() =>
    commercelayer.versions.list({ filters: { resource_type_eq: 'apps', created_at_gt: '2026-03-03' } }),
  );
  yield await called(() => commercelayer.versions.count());

  yield '## Reltio';
  const tenant = `/reltio/api/${organization.slug}`;
  yield await http('GET', `${tenant}/entities/shop/_changes`);
  yield await http(
    'GET',
    `${tenant}/entities/shop/_changesWithTotal?filter=changes(attributes.stage)%20AND%20equals(user,grace@meadow.example)`,
  );
  yield await http('GET', `${tenant}/entities/shop?time=${Date.parse('2026-03-04T12:00:00Z')}`);
  yield await http('GET', `${tenant}/entities/shop`);

  yield '## Crego';
  yield await http('GET', '/history/?object_id=shop&action_type=update');
  yield await http('GET', '/history/?ip_address=198.51.100.7&page_size=1');

  yield '## Zitadel over gRPC';
  const zitadel = zitadelClient(url, token);
  yield await called(() => zitadel.listOrgChanges({ query: { limit: 1 } }));
  yield await called(() =>
    zitadel.listAppChanges({ projectId: 'store', appId: 'shop', query: { limit: 2 } }),
  );

  yield '## Zitadel over REST';
  yield await http(
    'POST',
    '/management/v1/projects/store/apps/shop/changes/_search?query.limit=2&query.asc=true',
  );
  yield await http('POST', '/management/v1/users/ada/changes/_search', {
    headers: { 'accept-language': 'de' },
    body: { query: { limit: 10 } },
  });
}
