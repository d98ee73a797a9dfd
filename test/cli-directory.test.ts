// `annals organization`, `user`, `role` and `credential`: the directory at the command line.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CommandLine, type Given, type Outcome, slugOf, startCommandLine } from './command.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await startCommandLine();
});
afterAll(() => cli.stop());

const ID = 'dir_[A-Za-z]{10}';
const ADA = 'ada@example.com';

/** Of the test: nothing in it but what it has from the start. */
let given: Given;
let slug: string;
beforeEach(async () => {
  given = await cli.organizationWith();
  slug = slugOf(given);
});

function annals(...args: string[]): Promise<Outcome> {
  return cli.annals(args, given);
}

/** What it prints, having worked. */
async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await annals(...args);
  expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function json<Value>(...args: string[]): Promise<Value> {
  return JSON.parse(await printed(...args, '--json'));
}

/** Refused with this code, the reason in one line, nothing printed. */
async function expectRefused(code: number, args: string[], reason: string | RegExp): Promise<void> {
  const { stderr, ...outcome } = await annals(...args);
  expect(stderr).toMatch(/^annals [a-z ]+: [^\n]+\n$/);
  expect(stderr).toMatch(reason);
  expect(outcome).toMatchObject({ code, stdout: '' });
}

interface Resource {
  id: string;
  type: string;
  name: string;
}

describe('annals organization', () => {
  it('shows the one that is named, or chosen, or the own', async () => {
    const shown = await printed('organization', 'show');
    expect(shown).toMatch(new RegExp(`^id +[\\da-f-]{36}\\nslug +${slug}\\nname +${slug}\\n`));
    expect(await printed('organization', 'show', slug)).toBe(shown);
    const own = await cli.annals(['organization', 'show']);
    expect(own.stdout).toMatch(/\nslug +default\n/);
    expect(await json('organization', 'show')).toMatchObject({ type: 'organizations', slug, name: slug });
  });

  it('changes its name and where its people get help', async () => {
    expect(
      await printed('organization', 'update', '--name', 'Acme, Inc.', '--support-email', 'help@acme.example'),
    ).toBe(`Organization ${slug} (Acme, Inc.) is changed\n`);
    expect(await printed('organization', 'show')).toMatch(
      /name +Acme, Inc.\nsupport email +help@acme.example\n/,
    );
    expect(await json('organization', 'update', '--support-email', '')).toMatchObject({
      name: 'Acme, Inc.',
      support_email: null,
    });
  });

  it('says why it is not changed, a line for each fault', async () => {
    await expectRefused(2, ['organization', 'update'], 'say what changes: --name, --support-email');
    const long = 'x'.repeat(1001);
    const { code, stdout, stderr } = await annals(
      'organization',
      'update',
      '--name',
      '',
      '--support-email',
      long,
    );
    expect(stderr.split('\n')).toEqual([
      "annals organization update: name can't be blank",
      expect.stringMatching(/^annals organization update: support_email is too long \(maximum is 1000/),
      '',
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    await expectRefused(5, ['organization', 'show', 'nobody'], 'there is no organization "nobody"');
  });

  it('gets another owner, who must be an active user', async () => {
    await printed('user', 'invite', ADA, '--role', 'read_only');
    await expectRefused(
      2,
      ['organization', 'transfer', ADA],
      'new_owner_email must be the address of an active member',
    );
    await signIn(ADA);
    expect(await printed('organization', 'transfer', ADA)).toBe(`Organization ${slug} is owned by ${ADA}\n`);
    expect(await printed('user', 'list')).toMatch(new RegExp(`\\n${ADA} +Admin +active +yes +${ID}\\n$`));
    await expectRefused(6, ['user', 'remove', ADA], 'the owner cannot leave');
  });
});

describe('annals user', () => {
  it('invites, lists, shows and changes users', async () => {
    expect(await printed('user', 'list')).toBe('there are no such users\n');
    const line = await printed('user', 'invite', 'Ada@example.com', '--role', 'admin');
    expect(line).toMatch(
      new RegExp(`^${ADA} is a member of ${slug} in the role Admin, pending, with the id ${ID}\\n$`),
    );
    const bob = await json<Resource>(
      ...['user', 'invite', 'bob@example.com', '--role', 'Read only', '--access', 'all_access'],
    );
    expect(bob).toMatchObject({
      user_email: 'bob@example.com',
      access_scope: 'all_access',
      role: { kind: 'read_only' },
    });

    expect((await printed('user', 'list')).split('\n')).toEqual([
      expect.stringMatching(/^email +role +status +owner +id$/),
      expect.stringMatching(new RegExp(`^${ADA} +Admin +pending +- +${ID}$`)),
      expect.stringMatching(new RegExp(`^bob@example.com +Read only +pending +- +${bob.id}$`)),
      '',
    ]);
    expect(await json('user', 'list', '--role', 'read_only')).toMatchObject([
      { id: bob.id, role: { name: 'Read only' } },
    ]);
    expect(await json('user', 'list', '--status', 'active')).toEqual([]);

    expect(await printed('user', 'show', bob.id)).toMatch(
      /^email +bob@example.com\nid .*\nrole +Read only\nstatus +pending\nowner +no\naccess +all_access\n[\s\S]*\nsubject +create +read +update +destroy\nchanges +- +yes +- +-\n/,
    );
    expect(await json('user', 'show', ADA)).toMatchObject({
      status: 'pending',
      role: { kind: 'admin' },
      rights: { roles: ['create', 'read', 'update', 'destroy'] },
    });

    expect(await printed('user', 'update', ADA, '--role', 'read_only')).toBe(
      `${ADA} has the role Read only and live_access\n`,
    );
    expect(await json('user', 'update', ADA, '--access', 'test_access')).toMatchObject({
      access_scope: 'test_access',
      role: { kind: 'read_only' },
    });
  });

  it('asks for invitations to be sent again, and removes users', async () => {
    const { id } = await json<Resource>('user', 'invite', ADA, '--role', 'admin');
    expect(await printed('user', 'resend', ADA)).toBe(`the invitation of ${ADA} is to be sent again\n`);
    expect(await json('user', 'resend', id)).toEqual({ id, resent: true });
    await signIn(ADA);
    await expectRefused(2, ['user', 'resend', ADA], 'status must be pending');
    expect(await printed('user', 'remove', ADA)).toBe(`${ADA} is a member no more\n`);
    await expectRefused(5, ['user', 'show', ADA], `there is no user "${ADA}"`);
    await expectRefused(5, ['user', 'remove', id], `there is no user "${id}"`);
  });

  it('makes personal access tokens, with which the user acts', async () => {
    await printed('user', 'invite', ADA, '--role', 'read_only');
    const line = await printed('user', 'token', ADA, '--name', 'laptop');
    expect(line).toMatch(
      new RegExp(`^annals_\\S+\\nshown this once; the token "laptop" \\(${ID}\\) acts for ${ADA}\\n$`),
    );
    const { id, secret } = await json<{ id: string; secret: string }>('user', 'token', ADA, '--name', 'ci');
    for (const args of [
      ['token', 'list'],
      ['user', 'show', ADA],
      ['user', 'list'],
      ['history', `personal_access_tokens/${id}`],
    ]) {
      expect(await printed(...args)).not.toContain(secret);
    }
    expect(await printed('token', 'list')).toMatch(new RegExp(`${id} +ci +what its user ${ID} may +20`));
    expect(await json('head', '--token', secret)).toMatchObject({ size: expect.any(Number) });
    expect(await json('user', 'list', '--token', secret)).toMatchObject([
      { user_email: ADA, status: 'active' },
    ]);
    await expectRefused(
      4,
      ['user', 'invite', 'bob@example.com', '--role', 'admin', '--token', secret],
      /not authorized/,
    );
    await printed('token', 'revoke', id);
    await expectRefused(4, ['user', 'list', '--token', secret], 'the bearer token is unknown');
  });

  it('says what is wrong with an invitation', async () => {
    await printed('user', 'invite', ADA, '--role', 'admin');
    await expectRefused(6, ['user', 'invite', ADA, '--role', 'admin'], 'there is one like this already');
    await expectRefused(
      2,
      ['user', 'invite', 'ada', '--role', 'admin'],
      'user_email must be an e-mail address',
    );
    await expectRefused(
      5,
      ['user', 'invite', 'x@example.com', '--role', 'boss'],
      'there is no role "boss"; the roles are: Admin, Read only',
    );
    await expectRefused(2, ['user', 'update', ADA], 'say what changes: --role, --access or both');
    const { code, stderr } = await annals('user', 'list', '--status', 'x', '--json');
    expect(stderr).toContain('Allowed choices are pending, active');
    expect(code).toBe(2);
  });

  it('keeps organizations apart', async () => {
    const { id } = await json<Resource>('user', 'invite', ADA, '--role', 'admin');
    const other = await cli.organizationWith();
    for (const named of [ADA, id]) {
      const outcome = await cli.annals(['user', 'show', named], other);
      expect(outcome).toMatchObject({ code: 5, stdout: '' });
    }
    // Where none is chosen the root token's own is meant, though it could see all.
    for (const where of [other, {}]) {
      expect((await cli.annals(['user', 'list'], where)).stdout).toBe('there are no such users\n');
    }
  });

  it("works with a token's own organization, where the token may not read which one that is", async () => {
    await printed('user', 'invite', ADA, '--role', 'admin');
    await printed('role', 'create', 'Staff');
    for (const subject of ['memberships', 'roles']) await printed('role', 'allow', 'Staff', subject, 'read');
    const { secret } = await tokenIn('Staff');
    const own = { env: { ANNALS_TOKEN: secret } };
    expect((await cli.annals(['user', 'list'], own)).stdout).toMatch(new RegExp(`\\n${ADA} +Admin `));
    expect(await cli.annals(['user', 'remove', ADA], own)).toMatchObject({
      code: 4,
      stderr:
        'annals user remove: You are not authorized to perform this action on the requested resource.\n',
    });
  });

  it('lists more users than the API gives at once', async () => {
    const role = await json<Resource>('role', 'show', 'admin');
    const organization = await json<Resource>('organization', 'show');
    const emails = Array.from({ length: 60 }, (_, number) => `user-${number}@example.com`);
    for (const user_email of emails) {
      const relationships = {
        organization: { data: { type: 'organizations', id: organization.id } },
        role: { data: { type: 'roles', id: role.id } },
      };
      const body = JSON.stringify({
        data: { type: 'memberships', attributes: { user_email }, relationships },
      });
      const { status, text } = await cli.server.request('POST', '/api/memberships', body, {
        'content-type': 'application/vnd.api+json',
        'annals-organization': slug,
      });
      expect(status, text).toBe(201);
    }
    const listed = await json<{ user_email: string; role: Resource }[]>('user', 'list');
    expect(listed.map(({ user_email }) => user_email).sort()).toEqual(emails.sort());
    expect(listed.every(({ role: { name } }) => name === 'Admin')).toBe(true);
  });
});

describe('annals role', () => {
  it('lists the roles that are there from the start, and what they allow', async () => {
    expect((await printed('role', 'list')).split('\n')).toEqual([
      expect.stringMatching(/^name +kind +created +id$/),
      expect.stringMatching(new RegExp(`^Admin +admin +20.* +${ID}$`)),
      expect.stringMatching(new RegExp(`^Read only +read_only +20.* +${ID}$`)),
      '',
    ]);
    expect(await printed('role', 'show', 'admin')).toMatch(/\nchanges +yes +yes +yes +yes\n/);
    expect(await json('role', 'show', 'Read only')).toMatchObject({
      kind: 'read_only',
      rights: { changes: ['read'] },
    });
  });

  it('makes a role, which allows what was said and nothing else', async () => {
    expect(await printed('role', 'create', 'Auditor')).toMatch(
      new RegExp(`^The role Auditor has the id ${ID}; it allows nothing yet\\n$`),
    );
    expect(await printed('role', 'allow', 'Auditor', 'changes', 'read', 'create')).toBe(
      'The role Auditor allows on changes: create, read\n',
    );
    expect(await printed('role', 'deny', 'Auditor', 'changes', 'create')).toBe(
      'The role Auditor allows on changes: read\n',
    );
    expect(await json('role', 'allow', 'Auditor', 'versions', 'all')).toMatchObject({
      subject: 'versions',
      can_create: true,
      can_destroy: true,
    });
    expect(await printed('role', 'deny', 'Auditor', 'roles', 'all')).toBe(
      'The role Auditor allows on roles: nothing\n',
    );
    const table = await printed('role', 'show', 'Auditor');
    expect(table).toMatch(
      /^role +Auditor\nkind +custom\nid .*\n\nsubject +create +read +update +destroy\nchanges +- +yes +- +-\n/,
    );
    expect(table).toMatch(/\nversions +yes +yes +yes +yes\n/);
    expect(table).toMatch(/\nroles +- +- +- +-\n/);
    const { secret } = await tokenIn('Auditor');
    expect((await annals('head', '--token', secret)).code).toBe(0);
    await expectRefused(4, ['role', 'create', 'x', '--token', secret], /right|authorized/);
  });

  it('is called something else', async () => {
    const { id } = await json<Resource>('role', 'create', 'Auditor');
    expect(await printed('role', 'rename', 'Auditor', '--to', 'Examiner')).toBe(
      'The role Auditor is called Examiner\n',
    );
    expect(await json('role', 'rename', id, '--to', 'Auditor')).toMatchObject({ id, name: 'Auditor' });
    await expectRefused(2, ['role', 'rename', 'Auditor', '--to', ''], "name can't be blank");
  });

  it('says which one is meant where a name fits several', async () => {
    const [one, two] = [
      await json<Resource>('role', 'create', 'Twin'),
      await json<Resource>('role', 'create', 'Twin'),
    ];
    await expectRefused(
      2,
      ['role', 'show', 'Twin'],
      /2 roles are called "Twin": name one by its id, dir_\w+, dir_\w+/,
    );
    expect(await json('role', 'show', one.id)).toMatchObject({ id: one.id });
    await printed('role', 'rename', two.id, '--to', 'Other');
    expect(await json('role', 'show', 'Twin')).toMatchObject({ id: one.id });
  });

  it('leaves built-in roles as they are', async () => {
    for (const verb of ['allow', 'deny']) {
      await expectRefused(
        6,
        ['role', verb, 'read_only', 'changes', 'all'],
        'the role "Read only" is built in (read_only), and what it allows cannot be changed; make one of your own',
      );
    }
    for (const args of [
      ['Auditor', 'orders', 'read'],
      ['Auditor', 'changes', 'write'],
    ]) {
      const { code, stderr } = await annals('role', 'allow', ...args);
      expect(stderr).toContain('Allowed choices are');
      expect(code).toBe(2);
    }
  });
});

describe('annals credential', () => {
  it('makes a credential, with what to paste for an access token', async () => {
    const text = await printed('credential', 'create', 'shop', '--role', 'read_only');
    expect(text).toMatch(
      new RegExp(
        `^client id +${ID}\\nclient secret +annals_\\S+\\nshown this once; the credential "shop" acts in the role Read only\\n\\n`,
      ),
    );
    const [, url = '', body = ''] =
      /An access token that is good for 2 h 0 min:\n {2}curl (\S+) -H 'content-type: application\/json' -d '(.*)'\n$/.exec(
        text,
      ) ?? [];
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const { access_token, expires_in } = (await answer.json()) as {
      access_token: string;
      expires_in: number;
    };
    expect({ status: answer.status, expires_in }).toEqual({ status: 200, expires_in: 7200 });
    expect(await json('credential', 'list', '--token', access_token)).toMatchObject([{ name: 'shop' }]);
  });

  it('lists, shows and changes credentials, without their secrets', async () => {
    const made = await json<Resource & { client_secret: string }>(
      ...['credential', 'create', 'shop', '--role', 'admin', '--kind', 'webapp', '--expires-in', '86400'],
    );
    expect(made).toMatchObject({
      client_id: made.id,
      client_secret: expect.stringMatching(/^annals_/),
      expires_in: 86_400,
    });
    await printed('token', 'create', 'old', '--read', '--write');
    expect((await printed('credential', 'list')).split('\n')).toEqual([
      expect.stringMatching(/^name +kind +role or scopes +created +id$/),
      expect.stringMatching(new RegExp(`^shop +webapp +Admin +20.* +${made.id}$`)),
      expect.stringMatching(new RegExp(`^old +integration +read, write +20.* +${ID}$`)),
      '',
    ]);
    expect(await printed('credential', 'show', 'shop')).toMatch(
      new RegExp(
        `^name +shop\\nkind +webapp\\nclient id +${made.id}\\nrole +Admin\\ngood for +24 h 0 min\\ncreated +20`,
      ),
    );
    expect(await printed('credential', 'update', 'shop', '--role', 'Read only')).toBe(
      'The credential shop has the role Read only\n',
    );
    expect(await json('credential', 'show', made.id)).toMatchObject({
      client_secret: null,
      role: { kind: 'read_only' },
    });
    for (const args of [
      ['credential', 'list'],
      ['credential', 'show', 'shop'],
      ['history', `api_credentials/${made.id}`],
    ]) {
      expect(await printed(...args, '--json')).not.toContain(made.client_secret);
    }
  });

  it('is refused once it is revoked', async () => {
    const { id, client_secret } = await json<Resource & { client_secret: string }>(
      ...['credential', 'create', 'shop', '--role', 'admin'],
    );
    expect((await annals('head', '--token', client_secret)).code).toBe(0);
    expect(await printed('credential', 'revoke', id)).toBe(`the credential shop (${id}) is revoked\n`);
    await expectRefused(4, ['head', '--token', client_secret], 'the bearer token is unknown');
    await expectRefused(5, ['credential', 'revoke', id], `there is no credential "${id}"`);
  });

  it('says what is wrong with it', async () => {
    await expectRefused(
      2,
      ['credential', 'create', 'x', '--role', 'admin', '--expires-in', '60'],
      'expires_in must be greater than or equal to 7200',
    );
    await expectRefused(
      2,
      ['credential', 'create', 'x', '--role', 'admin', '--expires-in', '2h'],
      '--expires-in must be a whole number',
    );
    const { stderr } = await annals('credential', 'create', ' ', '--role', 'admin', '--json');
    expect(JSON.parse(stderr)).toEqual({
      error: { exitCode: 2, code: 'VALIDATION_ERROR', message: "name can't be blank" },
    });
  });
});

/** A credential in this role. */
async function tokenIn(role: string): Promise<{ secret: string }> {
  const made = await json<{ client_secret: string }>('credential', 'create', 'test', '--role', role);
  return { secret: made.client_secret };
}

/** The user comes for the first time, with a token of their own. */
async function signIn(email: string): Promise<void> {
  const { secret } = await json<{ secret: string }>('user', 'token', email, '--name', 'first');
  await annals('head', '--token', secret);
}
