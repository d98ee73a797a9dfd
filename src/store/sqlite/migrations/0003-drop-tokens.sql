-- Tokens are resources of their organization's log.

DROP TABLE tokens;
