-- serves: 0004
-- Tokens are resources of their organization's log, and nobody needs to be told whose a secret is: it
-- says so itself. Servers from before would look for their tokens here, so they cannot serve any more.

DROP TABLE annals.tokens;
DELETE FROM annals.secrets WHERE log = '00000000-0000-0000-0000-000000000000' AND name LIKE 'token:%';
