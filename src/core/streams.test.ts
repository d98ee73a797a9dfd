import { describe, expect, it } from 'vitest';
import { ACTIONS } from './entry.ts';
import { type Filed, isVersion, streamOf, streamsOf, VERSIONS } from './streams.ts';

const ENTRY: Filed = {
  resource: { type: 'countries', id: 'CHE' },
  related: [],
  action: 'update',
  actor: { id: 'ada' },
  changed: true,
};

describe('names of streams', () => {
  it('has a form that is for ever', () => {
    const ref = { type: 'countries', id: 'fr/north' };
    expect(streamOf.resource(ref)).toBe('resource:countries/fr/north');
    expect(streamOf.related(ref)).toBe('related:countries/fr/north');
    expect(streamOf.about(ref)).toBe('about:countries/fr/north');
    expect(streamOf.id('fr/north')).toBe('id:fr/north');
    expect(streamOf.type('countries')).toBe('type:countries');
    expect(streamOf.actor('ada')).toBe('actor:ada');
    expect(streamOf.action('access')).toBe('action:access');
    expect(streamOf.event('org.added')).toBe('event:org.added');
    expect(streamOf.ip('2001:db8::7')).toBe('ip:2001:db8::7');
    expect(streamOf.changed('a:b')).toBe('changed:a:b');
    expect(VERSIONS).toBe('versions:');
  });
});

describe('the streams of an entry', () => {
  it('has its resource first, then its id, type, actor and action, and what it is about', () => {
    expect(streamsOf({ ...ENTRY, changed: false }, [])).toEqual([
      'resource:countries/CHE',
      'id:CHE',
      'type:countries',
      'actor:ada',
      'action:update',
      'about:countries/CHE',
    ]);
  });

  it('has every related resource, which it is about as well', () => {
    const related = [
      { type: 'orders', id: '1' },
      { type: 'orders', id: '2' },
    ];
    const streams = streamsOf({ ...ENTRY, related }, []);
    expect(streams).toEqual(expect.arrayContaining(['related:orders/1', 'related:orders/2']));
    expect(streams).toEqual(
      expect.arrayContaining(['about:orders/1', 'about:orders/2', 'about:countries/CHE']),
    );
    expect(streams).not.toContain('type:orders');
  });

  it('has each name once, even of a resource that is related twice, or to itself', () => {
    const related = [ENTRY.resource, ENTRY.resource];
    const streams = streamsOf({ ...ENTRY, related }, ['name', 'name']);
    expect(streams).toHaveLength(new Set(streams).size);
    expect(streams).toEqual(expect.arrayContaining(['related:countries/CHE', 'about:countries/CHE']));
  });

  it('has event and IP address where the entry has them', () => {
    const streams = streamsOf({ ...ENTRY, event: 'e', context: { ip: '192.0.2.7', userAgent: 'curl' } }, []);
    expect(streams).toEqual(expect.arrayContaining(['event:e', 'ip:192.0.2.7']));
    const without = streamsOf({ ...ENTRY, context: { ip: 7 } }, []);
    expect(without.filter((stream) => /^(event|ip):/.test(stream))).toEqual([]);
  });

  it('has the attributes that it changed, and says that it has a difference', () => {
    expect(streamsOf(ENTRY, ['name', '__proto__'])).toEqual(
      expect.arrayContaining(['changed:name', 'changed:__proto__', VERSIONS]),
    );
    const unchanged = streamsOf({ ...ENTRY, changed: false }, []);
    expect(unchanged).not.toContain(VERSIONS);
    expect(unchanged).not.toContain(VERSIONS);
  });
});

describe('versions', () => {
  it('makes one of every difference of a type that Annals does not manage, and of nothing else', () => {
    for (const type of ['countries', 'toString', '__proto__', 'constructor']) {
      for (const action of ACTIONS) {
        expect(isVersion({ resource: { type, id: '1' }, action, changed: true })).toBe(true);
        expect(isVersion({ resource: { type, id: '1' }, action, changed: false })).toBe(false);
      }
    }
  });

  it('makes versions of directory types as the Provisioning API does', () => {
    const versioned = (type: string): string[] =>
      ACTIONS.filter((action) => isVersion({ resource: { type, id: '1' }, action, changed: true }));
    expect(versioned('roles')).toEqual(['create', 'update', 'delete']);
    expect(versioned('permissions')).toEqual(['update', 'delete']);
    expect(versioned('memberships')).toEqual(['update', 'delete']);
    for (const type of ['organizations', 'users', 'api_credentials', 'application_memberships']) {
      expect(versioned(type)).toEqual([]);
    }
    for (const type of ['identity_providers', 'membership_profiles']) expect(versioned(type)).toEqual([]);
  });

  it('files a directory entry with a difference under no versions where its type has none', () => {
    const streams = streamsOf({ ...ENTRY, resource: { type: 'users', id: '1' } }, ['name']);
    expect(streams).not.toContain(VERSIONS);
  });
});
