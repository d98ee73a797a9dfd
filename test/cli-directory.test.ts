// `annals organization` and `annals user`: who belongs to which organization.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CommandLine, startCommandLine } from './command.ts';
import { type Desk, openDesk, type Resource } from './directory-desk.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await startCommandLine();
});
afterAll(() => cli.stop());

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk(cli);
});

const ID = 'dir_[A-Za-z]{10}';
const ADA = 'ada@example.com';

describe('annals organization', () => {
  it('shows the one that is named, or chosen, or the own', async () => {
    const shown = await desk.printed('organization', 'show');
    expect(shown).toMatch(new RegExp(`^id +[\\da-f-]{36}\\nslug +${desk.slug}\\nname +${desk.slug}\\n`));
    expect(await desk.printed('organization', 'show', desk.slug)).toBe(shown);
    const own = await cli.annals(['organization', 'show']);
    expect(own.stdout).toMatch(/\nslug +default\n/);
    expect(await desk.json('organization', 'show')).toMatchObject({
      type: 'organizations',
      slug: desk.slug,
      name: desk.slug,
    });
  });

  it('changes its name and where its people get help', async () => {
    expect(
      await desk.printed(
        'organization',
        'update',
        '--name',
        'Acme, Inc.',
        '--support-email',
        'help@acme.example',
      ),
    ).toBe(`Organization ${desk.slug} (Acme, Inc.) is changed\n`);
    expect(await desk.printed('organization', 'show')).toMatch(
      /name +Acme, Inc.\nsupport email +help@acme.example\n/,
    );
    expect(await desk.json('organization', 'update', '--support-email', '')).toMatchObject({
      name: 'Acme, Inc.',
      support_email: null,
    });
  });

  it('says why it is not changed, a line for each fault', async () => {
    await desk.expectRefused(2, ['organization', 'update'], 'say what changes: --name, --support-email');
    const long = 'x'.repeat(1001);
    const { code, stdout, stderr } = await desk.annals(
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
    await desk.expectRefused(5, ['organization', 'show', 'nobody'], 'there is no organization "nobody"');
  });

  it('gets another owner, who must be an active user', async () => {
    const ada = await desk.invite(ADA, 'read_only');
    await desk.expectRefused(
      2,
      ['organization', 'transfer', ADA],
      'new_owner_email must be the address of an active member',
    );
    await desk.signIn(ada);
    expect(await desk.printed('organization', 'transfer', ADA)).toBe(
      `Organization ${desk.slug} is owned by ${ADA}\n`,
    );
    expect(await desk.printed('user', 'list')).toMatch(
      new RegExp(`\\n${ADA} +Admin +active +yes +${ID}\\n$`),
    );
    await desk.expectRefused(6, ['user', 'remove', ADA], 'the owner cannot leave');
  });
});

describe('annals user', () => {
  it('invites, lists, shows and changes users', async () => {
    expect(await desk.printed('user', 'list')).toBe('there are no such users\n');
    const line = await desk.printed('user', 'invite', 'Ada@example.com', '--role', 'admin');
    expect(line).toMatch(
      new RegExp(`^${ADA} is a member of ${desk.slug} in the role Admin, pending, with the id ${ID}\\n$`),
    );
    const bob = await desk.json<Resource>(
      ...['user', 'invite', 'bob@example.com', '--role', 'Read only', '--access', 'all_access'],
    );
    expect(bob).toMatchObject({
      user_email: 'bob@example.com',
      access_scope: 'all_access',
      role: { kind: 'read_only' },
    });

    expect((await desk.printed('user', 'list')).split('\n')).toEqual([
      expect.stringMatching(/^email +role +status +owner +id$/),
      expect.stringMatching(new RegExp(`^${ADA} +Admin +pending +- +${ID}$`)),
      expect.stringMatching(new RegExp(`^bob@example.com +Read only +pending +- +${bob.id}$`)),
      '',
    ]);
    expect(await desk.json('user', 'list', '--role', 'read_only')).toMatchObject([
      { id: bob.id, role: { name: 'Read only' } },
    ]);
    expect(await desk.json('user', 'list', '--status', 'active')).toEqual([]);

    expect(await desk.printed('user', 'show', bob.id)).toMatch(
      /^email +bob@example.com\nid .*\nrole +Read only\nstatus +pending\nowner +no\naccess +all_access\n[\s\S]*\nsubject +create +read +update +destroy\nchanges +- +yes +- +-\n/,
    );
    expect(await desk.json('user', 'show', ADA)).toMatchObject({
      status: 'pending',
      role: { kind: 'admin' },
      rights: { roles: ['create', 'read', 'update', 'destroy'] },
    });

    expect(await desk.printed('user', 'update', ADA, '--role', 'read_only')).toBe(
      `${ADA} has the role Read only and live_access\n`,
    );
    expect(await desk.json('user', 'update', ADA, '--access', 'test_access')).toMatchObject({
      access_scope: 'test_access',
      role: { kind: 'read_only' },
    });
  });

  it('asks for invitations to be sent again, and removes users', async () => {
    const ada = await desk.invite(ADA);
    const { id } = ada;
    expect(await desk.printed('user', 'resend', ADA)).toBe(`the invitation of ${ADA} is to be sent again\n`);
    expect(await desk.json('user', 'resend', id)).toEqual({ id, resent: true });
    await desk.signIn(ada);
    await desk.expectRefused(2, ['user', 'resend', ADA], 'status must be pending');
    expect(await desk.printed('user', 'remove', ADA)).toBe(`${ADA} is a member no more\n`);
    await desk.expectRefused(5, ['user', 'show', ADA], `there is no user "${ADA}"`);
    await desk.expectRefused(5, ['user', 'remove', id], `there is no user "${id}"`);
  });

  it('makes personal access tokens, with which the user acts', async () => {
    await desk.invite(ADA, 'read_only');
    const line = await desk.printed('user', 'token', ADA, '--name', 'laptop');
    expect(line).toMatch(
      new RegExp(`^annals_\\S+\\nshown this once; the token "laptop" \\(${ID}\\) acts for ${ADA}\\n$`),
    );
    const { id, secret } = await desk.json<{ id: string; secret: string }>(
      'user',
      'token',
      ADA,
      '--name',
      'ci',
    );
    for (const args of [
      ['token', 'list'],
      ['user', 'show', ADA],
      ['user', 'list'],
      ['history', `personal_access_tokens/${id}`],
    ]) {
      expect(await desk.printed(...args)).not.toContain(secret);
    }
    expect(await desk.printed('token', 'list')).toMatch(new RegExp(`${id} +ci +what its user ${ID} may +20`));
    expect(await desk.json('head', '--token', secret)).toMatchObject({ size: expect.any(Number) });
    expect(await desk.json('user', 'list', '--token', secret)).toMatchObject([
      { user_email: ADA, status: 'active' },
    ]);
    await desk.expectRefused(
      4,
      ['user', 'invite', 'bob@example.com', '--role', 'admin', '--token', secret],
      /not authorized/,
    );
    await desk.printed('token', 'revoke', id);
    await desk.expectRefused(4, ['user', 'list', '--token', secret], 'the bearer token is unknown');
  });

  it('says what is wrong with an invitation', async () => {
    await desk.invite(ADA);
    await desk.expectRefused(6, ['user', 'invite', ADA, '--role', 'admin'], 'there is one like this already');
    await desk.expectRefused(
      2,
      ['user', 'invite', 'ada', '--role', 'admin'],
      'user_email must be an e-mail address',
    );
    await desk.expectRefused(
      5,
      ['user', 'invite', 'x@example.com', '--role', 'boss'],
      'there is no role "boss"; the roles are: Admin, Read only',
    );
    await desk.expectRefused(2, ['user', 'update', ADA], 'say what changes: --role, --access or both');
    const { code, stderr } = await desk.annals('user', 'list', '--status', 'x', '--json');
    expect(stderr).toContain('Allowed choices are pending, active');
    expect(code).toBe(2);
  });

  it('keeps organizations apart', async () => {
    const { id } = await desk.invite(ADA);
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
    await desk.invite(ADA);
    const own = {
      env: { ANNALS_TOKEN: await desk.secretIn(await desk.makeRole('Staff', 'memberships', 'roles')) },
    };
    expect((await cli.annals(['user', 'list'], own)).stdout).toMatch(new RegExp(`\\n${ADA} +Admin `));
    expect(await cli.annals(['user', 'remove', ADA], own)).toMatchObject({
      code: 4,
      stderr:
        'annals user remove: You are not authorized to perform this action on the requested resource.\n',
    });
  });

  it('lists more users than the API gives at once', async () => {
    const emails = Array.from({ length: 60 }, (_, number) => `user-${number}@example.com`);
    for (const email of emails) await desk.invite(email);
    const listed = await desk.json<{ user_email: string; role: Resource }[]>('user', 'list');
    expect(listed.map(({ user_email }) => user_email).sort()).toEqual(emails.sort());
    expect(listed.every(({ role: { name } }) => name === 'Admin')).toBe(true);
  });
});
