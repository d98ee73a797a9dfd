// An organization of its own for a test of the directory's commands: commands that act in it, and what is
// there before them, made by a client of the API because that costs no process.

import { expect } from 'vitest';
import { type CommandLine, type Given, type Outcome, slugOf } from './command.ts';

export interface Resource {
  id: string;
  type: string;
  name: string;
}

type BuiltIn = 'admin' | 'read_only';

export interface Desk {
  given: Given;
  slug: string;
  annals(...args: string[]): Promise<Outcome>;
  /** What it prints, having worked. */
  printed(...args: string[]): Promise<string>;
  json<Value>(...args: string[]): Promise<Value>;
  /** Refused with this code, the reason in one line, nothing printed. */
  expectRefused(code: number, args: string[], reason: string | RegExp): Promise<void>;
  invite(email: string, role?: BuiltIn): Promise<Resource>;
  /** A role that may read these subjects. */
  makeRole(name: string, ...subjects: string[]): Promise<Resource>;
  /** The secret of a credential in this role. */
  secretIn(role: Resource): Promise<string>;
  /** The user comes for the first time, with a token of their own. */
  signIn(member: Resource): Promise<void>;
}

export async function openDesk(cli: CommandLine): Promise<Desk> {
  const given = await cli.organizationWith();
  const slug = slugOf(given);
  const here = { 'annals-organization': slug };
  const { json: own } = await cli.server.request('GET', `/v1/organizations/${slug}`);
  const organization = { ...(own as Resource), type: 'organizations' };

  async function post(
    type: string,
    attributes: object,
    targets: Record<string, Resource>,
  ): Promise<Resource> {
    const named = Object.entries(targets).map(([name, target]) => {
      return [name, { data: { type: target.type, id: target.id } }];
    });
    const data = { type, attributes, relationships: Object.fromEntries(named) };
    const { status, text } = await cli.server.request('POST', `/api/${type}`, JSON.stringify({ data }), {
      ...here,
      'content-type': 'application/vnd.api+json',
    });
    expect(status, text).toBe(201);
    const { id, attributes: made } = JSON.parse(text).data;
    return { ...made, type, id };
  }

  async function builtIn(kind: BuiltIn): Promise<Resource> {
    const path = `/api/roles?filter[q][kind_eq]=${kind}`;
    const { json } = await cli.server.request('GET', path, undefined, here);
    return (json as { data: [Resource] }).data[0];
  }

  const annals = (...args: string[]): Promise<Outcome> => cli.annals(args, given);
  async function printed(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await annals(...args);
    expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  return {
    given,
    slug,
    annals,
    printed,
    json: async (...args) => JSON.parse(await printed(...args, '--json')),
    async expectRefused(code, args, reason) {
      const { stderr, ...outcome } = await annals(...args);
      expect(stderr).toMatch(/^annals [a-z ]+: [^\n]+\n$/);
      expect(stderr).toMatch(reason);
      expect(outcome).toMatchObject({ code, stdout: '' });
    },
    async invite(user_email, role = 'admin') {
      return post('memberships', { user_email }, { organization, role: await builtIn(role) });
    },
    async makeRole(name, ...subjects) {
      const role = await post('roles', { name }, { organization });
      const reading = { can_create: false, can_read: true, can_update: false, can_destroy: false };
      for (const subject of subjects) await post('permissions', { subject, ...reading }, { role });
      return role;
    },
    async secretIn(role) {
      const attributes = { name: 'test', kind: 'integration' };
      const made = await post('api_credentials', attributes, { organization, role });
      return (made as unknown as { client_secret: string }).client_secret;
    },
    async signIn({ id }) {
      const made = await cli.server.request('POST', '/v1/tokens', { name: 'first', membership: id }, here);
      const authorization = `Bearer ${(made.json as { secret: string }).secret}`;
      expect((await cli.server.request('GET', '/v1/head', undefined, { authorization })).status).toBe(200);
    },
  };
}
