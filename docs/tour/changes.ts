// The six changes of the tour, as an application would send them.

const ADA = { type: 'user', id: 'ada', name: 'Ada Lovelace', loginName: 'ada@meadow.example' };
const GRACE = {
  type: 'user',
  id: 'grace',
  name: 'Grace Hopper',
  loginName: 'grace@meadow.example',
  application: { id: 'console', name: 'Console', kind: 'webapp', public: true },
};
const AT_GRACES_DESK = { ip: '198.51.100.7', userAgent: 'Console/2.1' };

const SHOP = { type: 'apps', id: 'shop', name: 'Web shop' };
const IN_ITS_PROJECT = [{ type: 'projects', id: 'store' }];

/** @param organization the id of the organization whose log takes them */
export function sixChanges(organization: string): object[] {
  return [
    {
      occurredAt: '2026-03-02T09:00:00Z',
      resource: { type: 'organizations', id: organization, name: 'Meadow Books' },
      action: 'update',
      actor: ADA,
      after: { name: 'Meadow Books', country: 'CH' },
    },
    {
      occurredAt: '2026-03-02T09:30:00Z',
      resource: SHOP,
      related: IN_ITS_PROJECT,
      action: 'create',
      actor: ADA,
      after: { name: 'Web shop', stage: 'test', redirectUris: ['https://test.meadow.example/in'] },
    },
    {
      occurredAt: '2026-03-03T14:00:00Z',
      resource: { type: 'roles', id: 'editors', name: 'Editors' },
      action: 'update',
      actor: ADA,
      before: { name: 'Editors', mayPublish: false },
      after: { name: 'Editors', mayPublish: true },
      metadata: { reference: 'HR-311', reference_origin: 'tickets' },
    },
    {
      occurredAt: '2026-03-04T08:15:00Z',
      resource: SHOP,
      related: IN_ITS_PROJECT,
      action: 'update',
      event: 'project.application.config.oidc.changed',
      actor: GRACE,
      context: AT_GRACES_DESK,
      after: { name: 'Web shop', stage: 'live', redirectUris: ['https://meadow.example/in'] },
    },
    {
      occurredAt: '2026-03-05T17:45:00Z',
      resource: SHOP,
      related: IN_ITS_PROJECT,
      action: 'delete',
      actor: GRACE,
      context: AT_GRACES_DESK,
    },
    {
      occurredAt: '2026-03-06T10:00:00Z',
      resource: { type: 'users', id: 'ada' },
      action: 'access',
      actor: GRACE,
      context: AT_GRACES_DESK,
    },
  ];
}
