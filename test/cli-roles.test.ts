// `annals role` and `annals credential`: who may do what.

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

describe('annals role', () => {
  it('lists the roles that are there from the start, and what they allow', async () => {
    expect((await desk.printed('role', 'list')).split('\n')).toEqual([
      expect.stringMatching(/^name +kind +created +id$/),
      expect.stringMatching(new RegExp(`^Admin +admin +20.* +${ID}$`)),
      expect.stringMatching(new RegExp(`^Read only +read_only +20.* +${ID}$`)),
      '',
    ]);
    expect(await desk.printed('role', 'show', 'admin')).toMatch(/\nchanges +yes +yes +yes +yes\n/);
    expect(await desk.json('role', 'show', 'Read only')).toMatchObject({
      kind: 'read_only',
      rights: { changes: ['read'] },
    });
  });

  it('makes a role, which allows what was said and nothing else', async () => {
    expect(await desk.printed('role', 'create', 'Auditor')).toMatch(
      new RegExp(`^The role Auditor has the id ${ID}; it allows nothing yet\\n$`),
    );
    expect(await desk.printed('role', 'allow', 'Auditor', 'changes', 'read', 'create')).toBe(
      'The role Auditor allows on changes: create, read\n',
    );
    expect(await desk.printed('role', 'deny', 'Auditor', 'changes', 'create')).toBe(
      'The role Auditor allows on changes: read\n',
    );
    expect(await desk.json('role', 'allow', 'Auditor', 'versions', 'all')).toMatchObject({
      subject: 'versions',
      can_create: true,
      can_destroy: true,
    });
    expect(await desk.printed('role', 'deny', 'Auditor', 'roles', 'all')).toBe(
      'The role Auditor allows on roles: nothing\n',
    );
    const table = await desk.printed('role', 'show', 'Auditor');
    expect(table).toMatch(
      /^role +Auditor\nkind +custom\nid .*\n\nsubject +create +read +update +destroy\nchanges +- +yes +- +-\n/,
    );
    expect(table).toMatch(/\nversions +yes +yes +yes +yes\n/);
    expect(table).toMatch(/\nroles +- +- +- +-\n/);
    const secret = await desk.secretIn(await desk.json<Resource>('role', 'show', 'Auditor'));
    expect((await desk.annals('head', '--token', secret)).code).toBe(0);
    await desk.expectRefused(4, ['role', 'create', 'x', '--token', secret], /right|authorized/);
  });

  it('is called something else', async () => {
    const { id } = await desk.makeRole('Auditor');
    expect(await desk.printed('role', 'rename', 'Auditor', '--to', 'Examiner')).toBe(
      'The role Auditor is called Examiner\n',
    );
    expect(await desk.json('role', 'rename', id, '--to', 'Auditor')).toMatchObject({ id, name: 'Auditor' });
    await desk.expectRefused(2, ['role', 'rename', 'Auditor', '--to', ''], "name can't be blank");
  });

  it('says which one is meant where a name fits several', async () => {
    const [one, two] = [await desk.makeRole('Twin'), await desk.makeRole('Twin')];
    await desk.expectRefused(
      2,
      ['role', 'show', 'Twin'],
      /2 roles are called "Twin": name one by its id, dir_\w+, dir_\w+/,
    );
    expect(await desk.json('role', 'show', one.id)).toMatchObject({ id: one.id });
    await desk.printed('role', 'rename', two.id, '--to', 'Other');
    expect(await desk.json('role', 'show', 'Twin')).toMatchObject({ id: one.id });
  });

  it('leaves built-in roles as they are', async () => {
    for (const verb of ['allow', 'deny']) {
      await desk.expectRefused(
        6,
        ['role', verb, 'read_only', 'changes', 'all'],
        'the role "Read only" is built in (read_only), and what it allows cannot be changed; make one of your own',
      );
    }
    for (const args of [
      ['Auditor', 'orders', 'read'],
      ['Auditor', 'changes', 'write'],
    ]) {
      const { code, stderr } = await desk.annals('role', 'allow', ...args);
      expect(stderr).toContain('Allowed choices are');
      expect(code).toBe(2);
    }
  });
});

describe('annals credential', () => {
  it('makes a credential, with what to paste for an access token', async () => {
    const text = await desk.printed('credential', 'create', 'shop', '--role', 'read_only');
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
    expect(await desk.json('credential', 'list', '--token', access_token)).toMatchObject([{ name: 'shop' }]);
  });

  it('lists, shows and changes credentials, without their secrets', async () => {
    const made = await desk.json<Resource & { client_secret: string }>(
      ...['credential', 'create', 'shop', '--role', 'admin', '--kind', 'webapp', '--expires-in', '86400'],
    );
    expect(made).toMatchObject({
      client_id: made.id,
      client_secret: expect.stringMatching(/^annals_/),
      expires_in: 86_400,
    });
    await desk.printed('token', 'create', 'old', '--read', '--write');
    expect((await desk.printed('credential', 'list')).split('\n')).toEqual([
      expect.stringMatching(/^name +kind +role or scopes +created +id$/),
      expect.stringMatching(new RegExp(`^shop +webapp +Admin +20.* +${made.id}$`)),
      expect.stringMatching(new RegExp(`^old +integration +read, write +20.* +${ID}$`)),
      '',
    ]);
    expect(await desk.printed('credential', 'show', 'shop')).toMatch(
      new RegExp(
        `^name +shop\\nkind +webapp\\nclient id +${made.id}\\nrole +Admin\\ngood for +24 h 0 min\\ncreated +20`,
      ),
    );
    expect(await desk.printed('credential', 'update', 'shop', '--role', 'Read only')).toBe(
      'The credential shop has the role Read only\n',
    );
    expect(await desk.json('credential', 'show', made.id)).toMatchObject({
      client_secret: null,
      role: { kind: 'read_only' },
    });
    for (const args of [
      ['credential', 'list'],
      ['credential', 'show', 'shop'],
      ['history', `api_credentials/${made.id}`],
    ]) {
      expect(await desk.printed(...args, '--json')).not.toContain(made.client_secret);
    }
  });

  it('is refused once it is revoked', async () => {
    const { id, client_secret } = await desk.json<Resource & { client_secret: string }>(
      ...['credential', 'create', 'shop', '--role', 'admin'],
    );
    expect((await desk.annals('head', '--token', client_secret)).code).toBe(0);
    expect(await desk.printed('credential', 'revoke', id)).toBe(`the credential shop (${id}) is revoked\n`);
    await desk.expectRefused(4, ['head', '--token', client_secret], 'the bearer token is unknown');
    await desk.expectRefused(5, ['credential', 'revoke', id], `there is no credential "${id}"`);
  });

  it('says what is wrong with it', async () => {
    await desk.expectRefused(
      2,
      ['credential', 'create', 'x', '--role', 'admin', '--expires-in', '60'],
      'expires_in must be greater than or equal to 7200',
    );
    await desk.expectRefused(
      2,
      ['credential', 'create', 'x', '--role', 'admin', '--expires-in', '2h'],
      '--expires-in must be a whole number',
    );
    const { stderr } = await desk.annals('credential', 'create', ' ', '--role', 'admin', '--json');
    expect(JSON.parse(stderr)).toEqual({
      error: { exitCode: 2, code: 'VALIDATION_ERROR', message: "name can't be blank" },
    });
  });
});
