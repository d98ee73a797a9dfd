import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { describe, expect, it } from 'vitest';
import { type Binding, RestTable } from './rest.ts';

const method = ManagementService.method.healthz;

/** A table of these templates, each found by the name that it has here. */
function tableOf(templates: Record<string, string>): (verb: string, path: string) => unknown {
  const table = new RestTable();
  const names = new Map<object, string>();
  for (const [name, template] of Object.entries(templates)) {
    const binding: Binding = { method: { ...method, name } as typeof method, hasBody: false };
    names.set(binding.method, name);
    const [verb = '', path = ''] = template.split(' ');
    table.addPath(verb, path, binding);
  }
  return (verb, path) => {
    const match = table.find(verb, path);
    return typeof match === 'object' ? [names.get(match.method), match.fields] : match;
  };
}

describe('the REST table', () => {
  it('takes literal segments before fields, and goes back where they lead nowhere', () => {
    const find = tableOf({
      mine: 'GET /users/me',
      one: 'GET /users/{user_id}',
      names: 'GET /users/{id}/names',
    });
    expect(find('GET', '/users/me')).toEqual(['mine', {}]);
    expect(find('GET', '/users/7')).toEqual(['one', { user_id: '7' }]);
    expect(find('GET', '/users/me/names')).toEqual(['names', { id: 'me' }]);
    expect(find('GET', '/users')).toBeUndefined();
    expect(find('GET', '/users/7/')).toBeUndefined();
  });

  it('calls a field as the template of the verb calls it', () => {
    const find = tableOf({ read: 'GET /projects/{id}', write: 'PUT /projects/{project_id}' });
    expect(find('PUT', '/projects/1')).toEqual(['write', { project_id: '1' }]);
    expect(find('GET', '/projects/1')).toEqual(['read', { id: '1' }]);
  });

  it('knows a path that does not take the verb', () => {
    expect(tableOf({ read: 'GET /a' })('POST', '/a')).toBe('verb');
  });

  it('gives all that is left to a field of many segments', () => {
    const find = tableOf({ role: 'DELETE /roles/{role_key=**}' });
    expect(find('DELETE', '/roles/a/b%2Fc/d')).toEqual(['role', { role_key: 'a/b/c/d' }]);
  });

  it('decodes what can be decoded', () => {
    const find = tableOf({ one: 'GET /{id}' });
    expect(find('GET', '/a%20%F0%9F%A6%8A')).toEqual(['one', { id: 'a 🦊' }]);
    expect(find('GET', '/a%zz')).toEqual(['one', { id: 'a%zz' }]);
  });

  it('finds every method of the descriptors by its own path', () => {
    const table = new RestTable();
    const services = {
      '/management/v1': ManagementService,
      '/admin/v1': AdminService,
      '/auth/v1': AuthService,
    };
    for (const [prefix, service] of Object.entries(services)) table.add(service, prefix);
    const found = table.find('POST', '/management/v1/projects/p/apps/a/changes/_search');
    expect(found).toMatchObject({ hasBody: false, fields: { project_id: 'p', app_id: 'a' } });
    expect(table.find('POST', '/management/v1/orgs/me/changes/_search')).toMatchObject({ hasBody: true });
    expect(table.find('POST', '/auth/v1/users/me/changes/_search')).toMatchObject({ hasBody: true });
    expect(table.find('POST', '/admin/v1/events/_search')).toMatchObject({ hasBody: true });
  });
});
