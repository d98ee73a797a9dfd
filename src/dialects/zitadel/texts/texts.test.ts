import { describe, expect, it } from 'vitest';
import { de } from './de.ts';
import { en } from './en.ts';
import { aggregateText, chooseLanguage, errorText, eventText } from './texts.ts';

/** The event types that the wire names, and those of the directory: `a.{b,c}` stands for `a.b` and `a.c`. */
const NAMED = `
  org.member.{activated,invitation.resent} org.role.{added,changed,removed} org.permission.{added,changed,removed}
  org.credential.{added,changed,removed} org.application_member.{added,changed,removed}
  org.member_profile.{added,changed,removed}
  org.{added,changed,deactivated,reactivated,removed}
  org.domain.{added,removed,verified,verification.added,verification.failed,primary.set}
  org.member.{added,changed,removed,cascade.removed} org.metadata.{set,removed,removed.all}
  org.policy.login.{added,changed,removed,multifactor.added,multifactor.removed,idpprovider.added,idpprovider.removed}
  org.policy.password.complexity.{added,changed,removed} org.policy.label.{added,changed,activated,removed}
  org.policy.lockout.{added,changed,removed} org.policy.domain.{added,changed,removed}
  org.policy.privacy.{added,changed,removed} org.policy.notification.{added,changed,removed}
  org.idp.config.{added,changed,removed,deactivated,reactivated}
  org.flow.{trigger_actions.set,cleared} org.customtext.{set,removed}
  project.{added,changed,removed,deactivated,reactivated} project.member.{added,changed,removed,cascade.removed}
  project.role.{added,changed,removed}
  project.grant.{added,changed,cascade.changed,deactivated,reactivated,removed}
  project.grant.member.{added,changed,removed,cascade.removed}
  project.application.{added,changed,removed,deactivated,reactivated}
  project.application.config.oidc.{added,changed,secret.changed,secret.updated}
  project.application.config.api.{added,changed,secret.changed,secret.updated}
  project.application.config.saml.{added,changed} project.application.oidc.key.{added,removed}
  project.application.oidc.secret.check.{succeeded,failed} project.application.api.secret.check.{succeeded,failed}
  user.human.{added,selfregistered} user.machine.{added,changed} user.username.{changed}
  user.human.profile.{changed} user.human.email.{changed,verified} user.human.phone.{changed,verified,removed}
  user.human.password.{changed,check.succeeded,check.failed} user.human.mfa.otp.{added,verified,removed}
  user.human.passwordless.token.{added,verified,removed} user.human.signed.{out}
  user.{locked,unlocked,deactivated,reactivated,removed} user.pat.{added,removed} user.machine.key.{added,removed}
  user.machine.secret.{set,removed} user.metadata.{set,removed,removed.all}
  user.grant.{added,changed,removed,deactivated,reactivated}`;

function named(): string[] {
  return NAMED.trim()
    .split(/\s+/)
    .flatMap((pattern) => {
      const [, prefix = '', ends = ''] = /^(.*)\{(.*)\}$/.exec(pattern) ?? [];
      return ends.split(',').map((end) => prefix + end);
    });
}

describe('texts', () => {
  it('are there, in both languages, for every event type that the wire names', () => {
    for (const type of named()) {
      const texts = [en, de].map((language) => (language as Record<string, string>)[type]);
      expect(texts, type).toEqual([expect.stringMatching(/\S/), expect.stringMatching(/\S/)]);
    }
  });

  it('say what happened in sentence case, without a full stop, each in its own words', () => {
    for (const language of [en, de]) {
      const texts = Object.values(language);
      expect(texts.filter((text) => !/^\p{Lu}.*[^.]$/u.test(text))).toEqual([]);
      expect(new Set(texts).size).toBe(texts.length);
    }
  });

  it('are the key where there is none', () => {
    expect(eventText('org.idp.google.added', 'de')).toEqual({
      key: 'EventTypes.org.idp.google.added',
      localizedMessage: 'EventTypes.org.idp.google.added',
    });
    expect(eventText('constructor', 'en').localizedMessage).toBe('EventTypes.constructor');
    expect(aggregateText('notes', 'en').localizedMessage).toBe('AggregateTypes.notes');
  });

  it('of errors are in the language that was asked for', () => {
    expect(errorText('Errors.Query.LimitExceeded', 'de')).toMatch(/Einträge/);
  });
});

describe('the language', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['fr, it', 'en'],
    ['de', 'de'],
    ['DE-at', 'de'],
    ['en, de', 'en'],
    ['de, en', 'de'],
    ['en;q=0.5, de;q=0.8', 'de'],
    ['de;q=0, en;q=0.1', 'en'],
    ['de;q=nonsense', 'en'],
    ['fr;q=1, de;q=0.1, *;q=0.5', 'de'],
  ] as const)('that %s asks for is %s', (header, language) => {
    expect(chooseLanguage(header)).toBe(language);
  });
});
